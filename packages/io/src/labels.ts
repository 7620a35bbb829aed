import {
  type Labels,
  type NarrowedLabels,
  narrowLabels,
  narrowLabelsSync,
  type Tensor,
} from "@pixelcal/core";
import type { BufferPool } from "./buffer-pool.js";
import { FormatError } from "./errors.js";
import { atOnce, type Steps, stepElements } from "./turns.js";

/**
 * Returns labels as plain numbers: the array itself, or for int64 a copy made from its words, which is many
 * times faster than one BigInt per pixel.
 */
export function labelNumbers({ data }: Labels): Uint8Array | Int32Array | Float64Array {
  if (!(data instanceof BigInt64Array)) return data;
  const words = new Int32Array(data.buffer, data.byteOffset, 2 * data.length);
  const numbers = new Int32Array(data.length);
  for (let i = 0; i < numbers.length; i++) {
    const low = words[2 * i]!;
    if (words[2 * i + 1] !== low >> 31) return Float64Array.from(data, Number);
    numbers[i] = low;
  }
  return numbers;
}

/** Returns the same labels as int64. */
export function toInt64(labels: Labels): Tensor<"int64"> {
  return atOnce(int64Steps(labels));
}

/** Does the work of {@link toInt64}. */
export function* int64Steps({ dims, data }: Labels): Steps<Tensor<"int64">> {
  if (data instanceof BigInt64Array) return { type: "int64", dims, data };
  const wide = new BigInt64Array(data.length);
  const words = new Int32Array(wide.buffer);
  for (let i = 0; i < data.length; i++) {
    const label = data[i]!;
    words[2 * i] = label;
    words[2 * i + 1] = label >> 31;
    if (i % stepElements === stepElements - 1) yield;
  }
  return { type: "int64", dims, data: wide };
}

/** Throws FormatError unless every label is in [0, classes) or equals `ignore`. */
export function checkLabelRange(path: string, labels: Labels, classes: number, ignore?: number): void {
  refuseStray(path, narrowLabelsSync(labels, { classes, ignore }), classes, ignore);
}

/**
 * Returns labels as uint8 if classes and `ignore` fit, in a buffer of the pool if there is one; throws as
 * `checkLabelRange`. Takes one pass, off the event loop.
 */
export async function classLabels(
  path: string,
  labels: Labels,
  classes: number,
  ignore?: number,
  buffers?: BufferPool,
): Promise<Labels> {
  const out =
    buffers && labels.type !== "uint8" ? new Uint8Array(buffers.take(labels.data.length)) : undefined;
  const narrowed = await narrowLabels(labels, { classes, ignore, out });
  refuseStray(path, narrowed, classes, ignore);
  if (out && narrowed.labels.data !== out) buffers?.give(out.buffer);
  return narrowed.labels;
}

/** Throws FormatError for stray labels. */
export function refuseStray(
  path: string,
  { stray }: Pick<NarrowedLabels, "stray">,
  classes: number,
  ignore?: number,
): void {
  if (stray === undefined) return;
  const or = ignore === undefined ? "" : ` or ${ignore} to ignore`;
  const got = `${stray.label} at pixel ${stray.pixel} (${stray.count} such pixels)`;
  const advice = ignore === undefined ? "; set ignore to leave a label out" : "";
  throw new FormatError(path, "label", `expected classes 0 to ${classes - 1}${or}, got ${got}${advice}`);
}
