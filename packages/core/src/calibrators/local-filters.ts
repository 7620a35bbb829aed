import { call, native } from "../binding.js";
import { invalidArgument } from "../errors.js";
import type { CalibratorParameters } from "./parameters.js";

/** The filters of local-temperature as the kernels take them. */
export interface LocalFilters {
  readonly taps: number;
  readonly dilation: number;
  /** `[3, C * taps^D + 1]`: the filters, each with its bias last. */
  readonly filters: Float64Array;
}

/** Returns the taps of filters per axis, 5 for rows and planes and 3 for volumes, and their distance. */
export function filterTaps(rank: number): { readonly taps: number; readonly dilation: number } {
  return { taps: rank === 3 ? 3 : 5, dilation: 2 };
}

/** Returns parameters as the kernels take them. */
export function flatFilters({
  taps,
  dilation,
  filters,
  biases,
}: CalibratorParameters["local-temperature"]): LocalFilters {
  return { taps, dilation, filters: Float64Array.from(filters.flatMap((f, j) => [...f.flat(), biases[j]!])) };
}

/** Returns flat filters as parameters: the taps of a class lie together. */
export function nestedFilters(
  { taps, dilation, filters }: LocalFilters,
  classes: number,
): CalibratorParameters["local-temperature"] {
  const length = filters.length / 3;
  const each = (length - 1) / classes;
  const rows = [0, 1, 2].map((j) => [...filters.subarray(j * length, (j + 1) * length)]);
  return {
    taps,
    dilation,
    filters: rows.map((row) =>
      Array.from({ length: classes }, (_, c) => row.slice(c * each, (c + 1) * each)),
    ),
    biases: rows.map((row) => row[length - 1]!),
  };
}

/** The logits `[C, ...size]` of one image. */
export interface FilteredLogits {
  readonly logits: Float32Array;
  readonly classes: number;
  readonly size: readonly number[];
}

/** Returns the factors of the logits at the pixels `at`, or at all. */
export async function localScales(
  { taps, dilation, filters }: LocalFilters,
  { logits, classes, size }: FilteredLogits,
  { at, signal }: { readonly at?: Int32Array; readonly signal?: AbortSignal | undefined } = {},
): Promise<Float32Array> {
  if (filters.length !== 3 * (classes * taps ** size.length + 1))
    throw invalidArgument("logits", `the number of spatial axes that the filters have`, size.length);
  const request = { logits, classes, size, taps, dilation, filters, ...(at && { at }) };
  return call(native.localScales, request, signal);
}
