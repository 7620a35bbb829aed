import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type Tensor, tensor } from "@pixelcal/core";
import { writeNpz } from "@pixelcal/io";

/** Four pixels in two classes: what the class 1 is given, and the labels it belongs to. */
export const foreground: readonly number[] = [0.2, 0.7, 0.8, 0.3];
export const truth: readonly number[] = [0, 1, 1, 0];

/** Probabilities [2, 2, 2] of those of class 1. */
export function twoClasses(chances: readonly number[] = foreground): Tensor<"float32"> {
  return tensor("float32", Float32Array.from([...chances.map((p) => 1 - p), ...chances]), [2, 2, 2]);
}

export function labelsOf(
  labels: readonly number[] = truth,
  dims: readonly number[] = [2, 2],
): Tensor<"int64"> {
  return tensor("int64", BigInt64Array.from(labels, BigInt), dims);
}

/** Writes `folder/name.npz`, whose arrays are four pixels in two classes unless others are given. */
export async function putCase(
  folder: string,
  name: string,
  arrays: Readonly<Record<string, Tensor>> = { probs: twoClasses(), label: labelsOf() },
): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeNpz(join(folder, `${name}.npz`), arrays);
}
