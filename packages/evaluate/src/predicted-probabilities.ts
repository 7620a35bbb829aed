import type { Labels, Probabilities, Tensor } from "@pixelcal/core";
import { float16ToFloat32, labelNumbers } from "@pixelcal/io";

/**
 * What makes probabilities of stored values: `softmax` of logits over the classes; `sigmoid` of one channel of logits,
 * the foreground's, or of two that exclude each other; `normalize` divides values of at least 0 by their sum.
 */
export type ProbabilityTransform = "softmax" | "sigmoid" | "normalize";

export const probabilityTransforms: readonly ProbabilityTransform[] = ["softmax", "sigmoid", "normalize"];

/** What values [channels, ...spatial] are read as. */
export interface ValueReading {
  readonly transform?: ProbabilityTransform;
  /** Pixels with this label may hold anything. */
  readonly ignore?: number;
}

/** Throws an error that names the case: "a.npz: probs: ...". */
export type Refuse = (what: string, cause?: Error) => never;

/** Probabilities may miss the sum of 1 by so much: float16 rounds each by up to 2^-12. */
const sumTolerance = 1e-3;
/** float32 softmax leaves values a few units of rounding outside of [0, 1]. */
const rangeTolerance = 1e-5;

const cure =
  "--softmax is for logits, --sigmoid for one channel of logits, --normalize divides by the sum " +
  '(the option transform "softmax", "sigmoid" or "normalize")';

/** Returns how many classes so many channels tell apart. */
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
 * Returns the probabilities [C, ...spatial] that values [channels, ...spatial] stand for, each within [0, 1] and with
 * sums of 1 to within 1e-3. Refuses values that are neither, naming the first pixel, and never changes its arguments.
 */
export function predictedProbabilities(
  values: Probabilities,
  labels: Labels,
  reading: ValueReading,
  refuse: Refuse,
): Probabilities {
  const { transform, ignore } = reading;
  const data = values.type === "float16" ? float16ToFloat32(values.data) : values.data;
  const counted = countedPixels(labels, ignore);
  const given = { data, classes: values.dims[0]!, pixels: labels.data.length, counted };
  if (transform === undefined) {
    checkRange(given, refuse);
    checkSums(given, sumsOf(given), refuse);
    const valid = clamped(given);
    return valid === data ? values : { type: "float32", dims: values.dims, data: valid };
  }
  const spatial = values.dims.slice(1);
  const result = transforms[transform](given, refuse);
  fillIgnored(result);
  return {
    type: "float32",
    dims: [result.classes, ...spatial],
    data: result.data,
  } satisfies Tensor<"float32">;
}

/** Values of `pixels` pixels, class after class. */
interface ClassMaps {
  readonly data: Float32Array;
  readonly classes: number;
  readonly pixels: number;
  /** 1 where a pixel counts; absent when all do. */
  readonly counted: Uint8Array | undefined;
}

const transforms: Readonly<Record<ProbabilityTransform, (maps: ClassMaps, refuse: Refuse) => ClassMaps>> = {
  softmax,
  sigmoid,
  normalize,
};

function countedPixels(labels: Labels, ignore: number | undefined): Uint8Array | undefined {
  if (ignore === undefined) return undefined;
  const numbers = labelNumbers(labels);
  const counted = new Uint8Array(numbers.length);
  let all = true;
  for (let i = 0; i < counted.length; i++) {
    if (numbers[i] === ignore) all = false;
    else counted[i] = 1;
  }
  return all ? undefined : counted;
}

function sumsOf({ data, classes, pixels }: ClassMaps): Float64Array {
  const sums = new Float64Array(pixels);
  for (let c = 0; c < classes; c++)
    for (let i = 0, at = c * pixels; i < pixels; i++, at++) sums[i]! += data[at]!;
  return sums;
}

function checkRange({ data, pixels, counted }: ClassMaps, refuse: Refuse): void {
  let first = -1;
  let count = 0;
  for (let at = 0; at < data.length; at++) {
    const value = data[at]!;
    if (value >= -rangeTolerance && value <= 1 + rangeTolerance) continue;
    if (counted !== undefined && counted[at % pixels] === 0) continue;
    if (count === 0) first = at;
    count += 1;
  }
  if (count === 0) return;
  const place = `in class ${Math.floor(first / pixels)} at pixel ${first % pixels}`;
  refuse(`expected values within [0, 1], got ${data[first]} ${place} (${count} such values); ${cure}`);
}

/** The pixels that count and whose sum is outside of [low, high] or NaN: the first, or -1, and their number. */
function outside(
  sums: Float64Array,
  low: number,
  high: number,
  { pixels, counted }: ClassMaps,
): { readonly first: number; readonly count: number } {
  let first = -1;
  let count = 0;
  for (let i = 0; i < pixels; i++) {
    if (sums[i]! >= low && sums[i]! <= high) continue;
    if (counted !== undefined && counted[i] === 0) continue;
    if (count === 0) first = i;
    count += 1;
  }
  return { first, count };
}

/** "a sum of 0.5 at pixel 3 (4 of 16 pixels)" */
const sumAt = (sums: Float64Array, { first, count }: ReturnType<typeof outside>): string =>
  `a sum of ${Number(sums[first]!.toPrecision(6))} at pixel ${first} (${count} of ${sums.length} pixels)`;

function checkSums(maps: ClassMaps, sums: Float64Array, refuse: Refuse): void {
  const wrong = outside(sums, 1 - sumTolerance, 1 + sumTolerance, maps);
  if (wrong.count > 0)
    refuse(`expected probabilities that sum to 1 over the classes, got ${sumAt(sums, wrong)}; ${cure}`);
}

/** The values within [0, 1], rounding cut off and ignored pixels filled where they are not; the array itself if all are. */
function clamped(maps: ClassMaps): Float32Array {
  const { data } = maps;
  if (within(data)) return data;
  const copy = data.slice();
  fillIgnored({ ...maps, data: copy });
  for (let at = 0; at < copy.length; at++) copy[at] = Math.min(1, Math.max(0, copy[at]!));
  return copy;
}

function within(data: Float32Array): boolean {
  for (let at = 0; at < data.length; at++) if (!(data[at]! >= 0 && data[at]! <= 1)) return false;
  return true;
}

/** Gives ignored pixels equal chances: kernels leave them out, and read them all the same. */
function fillIgnored({ data, classes, pixels, counted }: ClassMaps): void {
  if (counted === undefined) return;
  for (let at = 0; at < data.length; at++) if (counted[at % pixels] === 0) data[at] = 1 / classes;
}

function softmax(maps: ClassMaps, refuse: Refuse): ClassMaps {
  const { data, classes, pixels } = maps;
  refuseProbabilities(maps, refuse);
  const largest = new Float64Array(pixels).fill(Number.NEGATIVE_INFINITY);
  for (let c = 0; c < classes; c++)
    for (let i = 0, at = c * pixels; i < pixels; i++, at++)
      if (data[at]! > largest[i]!) largest[i] = data[at]!;
  const out = new Float32Array(data.length);
  const sums = new Float64Array(pixels);
  for (let c = 0; c < classes; c++) {
    for (let i = 0, at = c * pixels; i < pixels; i++, at++) {
      const value = Math.exp(data[at]! - largest[i]!);
      out[at] = value;
      sums[i]! += value;
    }
  }
  // The largest adds 1; NaN and infinite logits leave NaN.
  const { first, count } = outside(sums, 1, Number.MAX_VALUE, maps);
  if (count > 0)
    refuse(
      `--softmax: expected finite logits, got ${valuesAt(maps, first)} at pixel ${first} (${count} such pixels)`,
    );
  for (let c = 0; c < classes; c++)
    for (let i = 0, at = c * pixels; i < pixels; i++, at++) out[at] = out[at]! / sums[i]!;
  return { ...maps, data: out };
}

/** Throws where a softmax would be taken of a softmax. */
function refuseProbabilities(maps: ClassMaps, refuse: Refuse): void {
  if (!within(maps.data)) return;
  if (outside(sumsOf(maps), 1 - sumTolerance, 1 + sumTolerance, maps).count === 0)
    refuse("--softmax: expected logits, got probabilities (within [0, 1], with sums of 1)");
}

/** The values of the first classes at a pixel. */
const valuesAt = ({ data, classes, pixels }: ClassMaps, pixel: number): string =>
  Array.from({ length: Math.min(classes, 8) }, (_, c) => data[c * pixels + pixel]).join(", ");

function sigmoid(maps: ClassMaps, refuse: Refuse): ClassMaps {
  const { data, classes, pixels, counted } = maps;
  const out = new Float32Array(2 * pixels);
  for (let i = 0; i < pixels; i++) {
    // One channel is the foreground's, and the background's logit its negative.
    out[i] = 1 / (1 + Math.exp(classes === 1 ? data[i]! : -data[i]!));
    out[pixels + i] = 1 / (1 + Math.exp(-data[classes === 1 ? i : pixels + i]!));
  }
  const result = { data: out, classes: 2, pixels, counted };
  const { first, count } = outside(sumsOf(result), 1 - sumTolerance, 1 + sumTolerance, result);
  if (count > 0) {
    const got = `${valuesAt(maps, first)} at pixel ${first} (${count} such pixels)`;
    const expected =
      classes === 1
        ? "logits"
        : "two channels that exclude each other (multi-label outputs are not supported)";
    refuse(`--sigmoid: expected ${expected}, got ${got}`);
  }
  return result;
}

function normalize(maps: ClassMaps, refuse: Refuse): ClassMaps {
  const { data, classes, pixels, counted } = maps;
  for (let at = 0; at < data.length; at++)
    if (!(data[at]! >= 0) && (counted === undefined || counted[at % pixels] === 1))
      refuse(`--normalize: expected values of at least 0, got ${data[at]} at pixel ${at % pixels}; ${cure}`);
  const sums = sumsOf(maps);
  const wrong = outside(sums, Number.MIN_VALUE, Number.MAX_VALUE, maps);
  if (wrong.count > 0) refuse(`--normalize: expected values with a positive sum, got ${sumAt(sums, wrong)}`);
  const out = new Float32Array(data.length);
  for (let c = 0; c < classes; c++)
    for (let i = 0, at = c * pixels; i < pixels; i++, at++) out[at] = data[at]! / sums[i]!;
  return { ...maps, data: out };
}
