import type { Tensor } from "@pixelcal/core";
import { fromNumbers } from "../data-types.js";

/** Returns the elements as plain numbers. */
export const numbers = (tensor: Tensor): number[] =>
  Array.from(tensor.data as ArrayLike<number | bigint>, Number);

/** Makes a float32 tensor; one axis when no dims are given. */
export const floats = (
  values: readonly number[],
  dims: readonly number[] = [values.length],
): Tensor<"float32"> => fromNumbers("float32", values, dims);

/**
 * Returns the largest difference, relative to the largest expected number once that exceeds one; infinite
 * when lengths differ.
 */
export function difference(actual: Tensor, expected: Tensor | readonly number[]): number {
  const [found, wanted] = [numbers(actual), "data" in expected ? numbers(expected) : expected];
  if (found.length !== wanted.length) return Number.POSITIVE_INFINITY;
  const scale = wanted.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
  return found.reduce((most, value, at) => Math.max(most, Math.abs(value - wanted[at]!) / scale), 0);
}
