import {
  inspectValues,
  type Labels,
  type Outside,
  type Probabilities,
  toProbabilities,
  type ValueSelection,
} from "@pixelcal/core";
import { float16ToFloat32 } from "@pixelcal/io";

/**
 * A conversion of stored values to probabilities: `softmax` of logits over the classes; `sigmoid` of one
 * channel of logits, the foreground's, or of two exclusive channels; `normalize` divides values of at least 0
 * by their sum.
 */
export type ProbabilityTransform = "softmax" | "sigmoid" | "normalize";

export const probabilityTransforms: readonly ProbabilityTransform[] = ["softmax", "sigmoid", "normalize"];

/** The way values [channels, ...spatial] are read. */
export interface ValueReading {
  readonly transform?: ProbabilityTransform;
  /** The label of pixels that may hold any values. */
  readonly ignore?: number;
  readonly signal?: AbortSignal;
}

/** Throws an error that names the case: "a.npz: probs: ...". */
export type Refuse = (what: string, cause?: Error) => never;

/** The distance from 1 that sums of probabilities may have: float16 rounds each by up to 2^-12. */
const sumTolerance = 1e-3;
/** The distance from [0, 1] that values may have: float32 softmax rounds by a few units. */
const rangeTolerance = 1e-5;

const cure =
  "use --softmax for logits, --sigmoid for one channel of logits, or --normalize to divide by the sum " +
  '(the option transform "softmax", "sigmoid" or "normalize")';

/** Returns the number of classes of `channels` channels. */
export function classesOfChannels(channels: number, { transform }: ValueReading, refuse: Refuse): number {
  if (transform !== "sigmoid") {
    if (channels >= 2) return channels;
    return refuse("expected 2 classes or more, got 1 channel; --sigmoid is for one channel of logits");
  }
  if (channels <= 2) return 2;
  return refuse(
    `sigmoid outputs of ${channels} channels (multi-label) are not supported: classes must exclude each other`,
  );
}

/**
 * Returns the probabilities [C, ...spatial] of values [channels, ...spatial], each within [0, 1] and with
 * sums of 1 to within 1e-3. Refuses other values, naming the first pixel, and never changes its arguments.
 */
export async function predictedProbabilities(
  values: Probabilities,
  labels: Labels,
  { transform, ignore, signal }: ValueReading,
  refuse: Refuse,
): Promise<Probabilities> {
  const batch: Batch = {
    values: { ...values, dims: [1, ...values.dims] },
    selection: { labels: { ...labels, dims: [1, ...labels.dims] }, ignore, signal },
  };
  const probs = await (transform === undefined ? asGiven : transforms[transform])(batch, refuse);
  // Values that are probabilities are returned without a copy.
  if (probs === batch.values) return values;
  return { ...probs, dims: probs.dims.slice(1) };
}

/** The values of one image as the kernels read them. */
interface Batch {
  /** The values, [1, channels, ...spatial]. */
  readonly values: Probabilities;
  readonly selection: ValueSelection;
}

type Reader = (batch: Batch, refuse: Refuse) => Promise<Probabilities>;

const transforms: Readonly<Record<ProbabilityTransform, Reader>> = { softmax, sigmoid, normalize };

/** The range of sums that are 1 up to rounding. */
export const unitRange: readonly [number, number] = [1 - sumTolerance, 1 + sumTolerance];
const unitSums = { lowSum: unitRange[0], highSum: unitRange[1] } as const;

async function asGiven({ values, selection }: Batch, refuse: Refuse): Promise<Probabilities> {
  const limits = { low: -rangeTolerance, high: 1 + rangeTolerance, ...unitSums };
  const found = await inspectValues(values, { ...selection, ...limits });
  if (found.values.count > 0) {
    const { count, first } = found.values;
    const pixels = pixelsOf(values);
    const place = `in class ${Math.floor(first / pixels)} at pixel ${first % pixels}`;
    refuse(
      `expected values within [0, 1], got ${valueAt(values, first)} ${place} (${count} such values); ${cure}`,
    );
  }
  if (found.sums.count > 0)
    refuse(`expected probabilities that sum to 1 over the classes, got ${sumAt(values, found)}; ${cure}`);
  if (found.withinUnit) return values;
  return (await toProbabilities(values, { ...selection, transform: "clamp" })).probs;
}

async function softmax({ values, selection }: Batch, refuse: Refuse): Promise<Probabilities> {
  const { withinUnit, sums } = await inspectValues(values, { ...selection, ...unitSums });
  if (withinUnit && sums.count === 0)
    refuse("--softmax: expected logits, got probabilities (within [0, 1], with sums of 1)");
  const { probs, outside } = await toProbabilities(values, { ...selection, transform: "softmax" });
  if (outside.count > 0) refuse(`--softmax: expected finite logits, got ${valuesAt(values, outside)}`);
  return probs;
}

async function sigmoid({ values, selection }: Batch, refuse: Refuse): Promise<Probabilities> {
  const options = { ...selection, transform: "sigmoid", tolerance: sumTolerance } as const;
  const { probs, outside } = await toProbabilities(values, options);
  if (outside.count > 0) {
    const expected =
      values.dims[1] === 1
        ? "logits"
        : "two channels that exclude each other (multi-label outputs are not supported)";
    refuse(`--sigmoid: expected ${expected}, got ${valuesAt(values, outside)}`);
  }
  return probs;
}

async function normalize({ values, selection }: Batch, refuse: Refuse): Promise<Probabilities> {
  const limits = { low: 0, lowSum: Number.MIN_VALUE, highSum: Number.MAX_VALUE };
  const found = await inspectValues(values, { ...selection, ...limits });
  if (found.values.count > 0) {
    const { first } = found.values;
    const place = `at pixel ${first % pixelsOf(values)}`;
    refuse(`--normalize: expected values of at least 0, got ${valueAt(values, first)} ${place}; ${cure}`);
  }
  if (found.sums.count > 0)
    refuse(`--normalize: expected values with a positive sum, got ${sumAt(values, found)}`);
  return (await toProbabilities(values, { ...selection, transform: "normalize" })).probs;
}

const pixelsOf = ({ dims, data }: Probabilities): number => data.length / dims[1]!;

function valueAt({ type, data }: Probabilities, offset: number): number {
  return type === "float16" ? float16ToFloat32(data.subarray(offset, offset + 1))[0]! : data[offset]!;
}

/** Returns "0.5, 2 at pixel 3 (4 such pixels)", the values of the first classes. */
function valuesAt(values: Probabilities, { first, count }: Outside): string {
  const pixels = pixelsOf(values);
  const shown = Array.from({ length: Math.min(values.dims[1]!, 8) }, (_, c) =>
    valueAt(values, c * pixels + first),
  );
  return `${shown.join(", ")} at pixel ${first} (${count} such pixels)`;
}

/** Returns "a sum of 0.5 at pixel 3 (4 of 16 pixels)". */
const sumAt = (
  values: Probabilities,
  { sum, sums }: { readonly sum: number; readonly sums: Outside },
): string =>
  `a sum of ${Number(sum.toPrecision(6))} at pixel ${sums.first} (${sums.count} of ${pixelsOf(values)} pixels)`;
