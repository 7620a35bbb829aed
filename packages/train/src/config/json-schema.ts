import { losses } from "@pixelcal/losses";
import { z } from "zod";
import { anyConfig } from "./keys.js";
import { sectionOf, selectorOf } from "./loss.js";

/** A JSON Schema of draft 2020-12. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** The schema of a `loss` section: one alternative for each preset of each loss, or a weighted sum. */
const lossSection: z.ZodType = z.lazy(() => z.union([...lossSections(), weightedSection]));

const weightedSection: z.ZodType = z.strictObject({
  name: z.literal("weighted").describe("weighted sum of losses"),
  losses: z.array(z.strictObject({ weight: z.number(), loss: lossSection })).min(1),
});

function lossSections(): z.ZodType[] {
  return Object.entries(losses).flatMap(([name, { description, presets }]) =>
    Object.keys(presets).map((variant, index) => {
      const section = sectionOf(name, variant);
      const named = section.extend({ name: z.literal(name).describe(description) });
      // The first preset is the default.
      return index === 0 ? named.partial({ [selectorOf(name)]: true }) : named;
    }),
  );
}

/**
 * Returns the JSON Schema (draft 2020-12) of configurations, for editors: the keys, types, bounds, defaults
 * and descriptions of the table that `parseConfig` reads by. `parseConfig` also checks what needs several
 * keys at once, as a warm-up longer than the training.
 */
export function configSchema(): JsonSchema {
  const { $schema, ...body } = z.toJSONSchema(anyConfig(lossSection), {
    target: "draft-2020-12",
    io: "input",
    override: ({ zodSchema, jsonSchema }) => {
      const words = wordsOf(zodSchema);
      if (words === undefined) return;
      delete jsonSchema.type;
      // Editors offer the words; the parser takes them in any case.
      jsonSchema.anyOf = [{ enum: words }, { type: "string", pattern: anyCase(words) }];
    },
  });
  return {
    $schema,
    title: "PixelCal training configuration",
    ...body,
    oneOf: [{ required: ["method"] }, { required: ["loss"] }],
  };
}

/** Returns the words that a schema made by `word` accepts. */
function wordsOf(zodSchema: unknown): string[] | undefined {
  if (!(zodSchema instanceof z.ZodPipe) || !(zodSchema.out instanceof z.ZodEnum)) return undefined;
  return zodSchema.out.options.map(String);
}

const anyCase = (words: readonly string[]): string =>
  `^(${words.map((word) => word.replaceAll(/[a-z]/g, (letter) => `[${letter.toUpperCase()}${letter}]`)).join("|")})$`;
