import { z } from "zod";
import type { NormalizationRequest } from "../preparation/measure.js";
import { type Preparation, type Scheme, schemes } from "../preparation/preparation.js";

const scheme = z.string().toLowerCase().pipe(z.enum(schemes));
const channel = z.strictObject({
  scheme: scheme.describe("how the values are normalised"),
  low: z.number().optional().describe("least value, or percentile; smaller ones are clipped to it"),
  high: z.number().optional().describe("largest value, or percentile; larger ones are clipped to it"),
  mean: z.number().optional().describe("mean of the foreground, of ct"),
  sd: z.number().gt(0).optional().describe("standard deviation of the foreground, of ct"),
  nonzero: z
    .boolean()
    .optional()
    .describe("of z-score: only pixels count that are not 0 in every channel, the others become 0"),
});
const one = z.union([scheme.transform((name): NormalizationRequest => ({ scheme: name })), channel]);
const expected = `expected ${schemes.join(", ")}, a section with scheme, or a list of those, one per channel`;

/** A preparation as a configuration asks for it. */
export interface PreparationConfig extends Omit<Preparation, "normalization"> {
  readonly normalization: readonly NormalizationRequest[];
}

/** The section `preparation` of a configuration. */
export const preparation: z.ZodType<PreparationConfig> = z.strictObject({
  normalization: z
    .union([one.transform((only) => [only]), z.array(one).min(1)], { error: expected })
    .default(() => [{ scheme: "none" as const }])
    .describe("how the values of the channels are normalised; ct and range are measured on train"),
  crop: z.boolean().optional().describe("cuts cases to the box of their pixels that are not 0"),
  spacing: z
    .array(z.number().gt(0))
    .min(1)
    .optional()
    .describe("spacing per axis that cases are resampled to; predictions are resampled back"),
  interpolation: z
    .string()
    .toLowerCase()
    .pipe(z.enum(["cubic", "linear"]))
    .optional()
    .describe("interpolation of images; default cubic"),
});

/** Returns the problems of the numbers that normalisations are given. */
export function normalizationProblems(
  requests: readonly NormalizationRequest[],
  channels: number | undefined,
): readonly string[] {
  const path = "preparation.normalization";
  if (requests.length > 1 && channels !== undefined && requests.length !== channels)
    return [`${path}: expected 1 scheme, or ${channels}, one per channel, got ${requests.length}`];
  return requests.flatMap((request, i) =>
    problemsOf(request).map((what) => `${path}${requests.length > 1 ? `[${i}]` : ""}: ${what}`),
  );
}

/** The numbers that a scheme takes. */
const numbers: { readonly [S in Scheme]: readonly ("low" | "high" | "mean" | "sd")[] } = {
  none: [],
  "z-score": [],
  percentile: ["low", "high"],
  range: ["low", "high"],
  ct: ["low", "high", "mean", "sd"],
};

function problemsOf(request: NormalizationRequest): string[] {
  if (request.nonzero !== undefined && request.scheme !== "z-score")
    return [`${request.scheme} takes no nonzero`];
  const own = numbers[request.scheme];
  const given = (["low", "high", "mean", "sd"] as const).filter((name) => request[name] !== undefined);
  const stray = given.filter((name) => !own.includes(name));
  if (stray.length > 0) return [`${request.scheme} takes no ${stray.join(", ")}`];
  if (given.length === 0) return [];
  const missing = own.filter((name) => request[name] === undefined);
  if (missing.length > 0) return [`${request.scheme} needs ${own.join(", ")}, or none of them`];
  const [low, high] = [request.low!, request.high!];
  if (low >= high) return [`expected low below high, got ${low} and ${high}`];
  if (request.scheme === "percentile" && (low < 0 || high > 100))
    return [`expected percentiles from 0 to 100, got ${low} and ${high}`];
  return [];
}
