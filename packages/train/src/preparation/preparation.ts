import type { OnnxFile } from "@pixelcal/graph";
import { z } from "zod";
import { carriedValue } from "../model/carried-metadata.js";

/** The ways to turn the values of a channel into those that a network takes. */
export const schemes = ["none", "z-score", "percentile", "range", "ct"] as const;

export type Scheme = (typeof schemes)[number];

/**
 * The normalisation of one channel, with every number that it needs: `none` keeps the values; `z-score`
 * subtracts the image's own mean and divides by its standard deviation, with `nonzero` those of the pixels
 * that are not 0 in every channel, the others becoming 0; `percentile` maps the image's
 * percentiles `low` and `high` to 0 and 1 and clips; `range` does so with two values; `ct`, nnU-Net's, clips
 * to two values, subtracts `mean` and divides by `sd`.
 */
export type ChannelNormalization =
  | { readonly scheme: "none" }
  | { readonly scheme: "z-score"; readonly nonzero?: true }
  | { readonly scheme: "percentile" | "range"; readonly low: number; readonly high: number }
  | {
      readonly scheme: "ct";
      readonly low: number;
      readonly high: number;
      readonly mean: number;
      readonly sd: number;
    };

/** The way from an image as it is stored to one that a network takes. It travels with the network. */
export interface Preparation {
  /** One per channel. */
  readonly normalization: readonly ChannelNormalization[];
  /** Whether images are cut to the box of the pixels that are not 0 in every channel. */
  readonly crop?: boolean;
  /** The spacing per spatial axis that cases are resampled to; that of each case by default. */
  readonly spacing?: readonly number[];
  /** The interpolation of images; "cubic" by default. */
  readonly interpolation?: "cubic" | "linear";
}

const finite = z.number();
const limits = { low: finite, high: finite };
const ordered = <T extends { low: number; high: number }>({ low, high }: T): boolean => low < high;
const channel = z.union([
  z.strictObject({ scheme: z.literal("none") }),
  z.strictObject({ scheme: z.literal("z-score"), nonzero: z.literal(true).optional() }),
  z.strictObject({ scheme: z.enum(["percentile", "range"]), ...limits }).refine(ordered),
  z.strictObject({ scheme: z.literal("ct"), ...limits, mean: finite, sd: finite.gt(0) }).refine(ordered),
]);
const schema: z.ZodType<Preparation> = z.strictObject({
  normalization: z.array(channel).min(1),
  crop: z.boolean().optional(),
  spacing: z.array(z.number().gt(0)).min(1).optional(),
  interpolation: z.enum(["cubic", "linear"]).optional(),
});

/** The key of a preparation in the metadata of an ONNX file. */
const key = "pixelcal.preparation";

/** Returns the metadata that a model file carries of its preparation. */
export const preparationMetadata = (preparation: Preparation): Readonly<Record<string, string>> => ({
  [key]: JSON.stringify(preparation),
});

/** Thrown for a model file or a checkpoint whose preparation cannot be read. */
export class PreparationError extends Error {
  override readonly name = "PreparationError";
  readonly code = "ERR_PIXELCAL_PREPARATION";
}

/**
 * Returns the preparation that a model file carries, undefined if it carries none. Throws
 * `PreparationError` if that is damaged.
 */
export function preparationOf(model: Uint8Array | OnnxFile): Preparation | undefined {
  const json = carriedValue(model, key, (what, cause) => new PreparationError(`${key}: ${what}`, { cause }));
  return json === undefined ? undefined : parsePreparation(json);
}

/** Checks a preparation read from JSON. Throws `PreparationError`. */
export function parsePreparation(json: unknown): Preparation {
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const { path, message } = parsed.error.issues[0]!;
  throw new PreparationError(`${[key, ...path.map(String)].join(".")}: ${message}`, { cause: parsed.error });
}
