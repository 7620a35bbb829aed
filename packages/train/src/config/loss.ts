import { InvalidArgumentError } from "@pixelcal/core";
import {
  losses,
  lossFromConfig,
  type NamedLoss,
  type OptionSchema,
  referenceMethods,
} from "@pixelcal/losses";
import { z } from "zod";
import { inverseFrequency, withClassWeights } from "./class-weights.js";
import { ConfigError, problemsOf } from "./errors.js";

/**
 * A loss by its name in the registry of `@pixelcal/losses`, with its preset and the options that were given.
 */
export interface LossConfig extends NamedLoss {
  /** The preset; absent only for a "weighted" sum, whose parts have their own. */
  readonly preset?: string;
}

type Schema = z.ZodObject<Record<string, z.ZodType>>;
type Options = Readonly<Record<string, unknown>>;

/** The authors' method names, as their configurations spell them. */
export const methods: readonly string[] = Object.keys(referenceMethods);

/**
 * The sections of the methods' options. Sections of methods that are not chosen may be present, and are
 * checked.
 */
export const methodSections: Readonly<Record<string, z.ZodOptional<Schema>>> = Object.fromEntries(
  Object.entries(referenceMethods).map(([method, { section, loss, keys }]) => {
    const reference = losses[loss]!.presets.reference!;
    const shape = Object.entries(keys).map(([key, { option, accepts }]) => [
      key,
      zodOf(accepts ?? reference[option!]!),
    ]);
    const options = z.strictObject(Object.fromEntries(shape)).partial();
    return [section, options.optional().describe(`options of method ${method}`)];
  }),
);

/**
 * Returns the loss of a method of the authors' repository: under `reference` their loss number for
 * number, under `consistent` the method as its own authors define it. Throws `ConfigError` for an option that
 * the latter lacks.
 */
export function lossOfMethod(
  method: string,
  preset: "reference" | "consistent",
  sections: Options,
): LossConfig {
  const { section, loss, keys } = referenceMethods[method]!;
  const { presets } = losses[loss]!;
  const own = preset in presets ? preset : "original";
  const options: Record<string, unknown> = {};
  const problems: string[] = [];
  for (const [key, value] of Object.entries((sections[section] as Options | undefined) ?? {})) {
    const { option = key, values } = keys[key]!;
    if (Object.hasOwn(presets[own]!, option)) options[option] = values?.get(value) ?? value;
    // Keys that the authors' own code accepts and ignores are ignored here too; any other is a mistake.
    else if (preset !== "reference")
      problems.push(`${section}.${key}: not an option of ${loss} in preset ${own}`);
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return { name: loss, preset: own, ...options };
}

/**
 * Returns the loss of a `loss` section, its preset filled in; throws with every problem of the section, which
 * is at `path` of the configuration.
 */
export function lossOfSection(section: NamedLoss, path: readonly string[] = ["loss"]): LossConfig {
  const { name } = section;
  if (name === "weighted") return weightedLoss(section, path);
  const known = z.object({ name: z.enum([...Object.keys(losses), "weighted"]) }).safeParse(section);
  if (!known.success) throw failure(known.error, section, path, ["name"]);
  const selector = selectorOf(name);
  const variants = Object.keys(losses[name]!.presets);
  const chosen = z.object({ [selector]: z.enum(variants).default(variants[0]!) }).safeParse(section);
  if (!chosen.success) throw failure(chosen.error, section, path, []);
  const variant = (chosen.data as Options)[selector] as string;
  const schema = sectionOf(name, variant);
  const checked = schema.safeParse({ ...section, [selector]: variant });
  if (!checked.success)
    throw failure(
      checked.error,
      section,
      path,
      Object.keys(schema.shape).filter((key) => key !== "name"),
    );
  return { preset: "original", ...checked.data, name };
}

/** Returns the key that chooses among a loss's sets of options; marginSvls has variants, not presets. */
export function selectorOf(name: string): "preset" | "variant" {
  return "preset" in Object.values(losses[name]!.presets)[0]! ? "variant" : "preset";
}

/** Returns the schema of a `loss` section with a preset (or variant) of a loss. */
export function sectionOf(name: string, variant: string): Schema {
  const options = Object.entries(losses[name]!.presets[variant]!);
  const shape = Object.fromEntries(options.map(([key, schema]) => [key, zodOf(schema).optional()]));
  return z.strictObject({ name: z.literal(name), [selectorOf(name)]: z.literal(variant), ...shape });
}

function weightedLoss(section: NamedLoss, path: readonly string[]): LossConfig {
  try {
    lossFromConfig(withClassWeights(section, [1, 1]));
    return section;
  } catch (cause) {
    if (cause instanceof InvalidArgumentError) throw new ConfigError([`${path.join(".")}: ${cause.message}`]);
    throw cause;
  }
}

function failure(
  error: z.ZodError,
  section: unknown,
  at: readonly string[],
  allowed: readonly string[],
): ConfigError {
  const issues = error.issues.map((issue) => ({ ...issue, path: [...at, ...issue.path] }));
  const json = at.reduceRight<unknown>((inner, key) => ({ [key]: inner }), section);
  return new ConfigError(issues.flatMap((issue) => problemsOf(issue, json, () => allowed)));
}

function zodOf(schema: OptionSchema): z.ZodType {
  switch (schema.type) {
    case "boolean":
      return z.boolean();
    case "choice":
      return z.enum(schema.values);
    case "weights":
      return z.union([z.array(z.number().min(0)).min(2), z.literal(inverseFrequency)], {
        error: `expected a list of numbers of 0 or more, one a class, or ${inverseFrequency}`,
      });
    case "integer": {
      const { atLeast = Number.MIN_SAFE_INTEGER, atMost = Number.MAX_SAFE_INTEGER } = schema;
      const integer = z.int().min(atLeast).max(atMost);
      if (!schema.odd) return integer;
      return integer
        .refine((value) => value % 2 !== 0, "expected an odd integer")
        .meta({ not: { multipleOf: 2 } });
    }
    case "number": {
      const { atLeast, above, below } = schema;
      let number = z.number();
      if (atLeast !== undefined) number = number.min(atLeast);
      if (above !== undefined) number = number.gt(above);
      return below === undefined ? number : number.lt(below);
    }
  }
}
