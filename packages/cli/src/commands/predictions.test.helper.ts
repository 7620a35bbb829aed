import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type Tensor, tensor } from "@pixelcal/core";
import { writeNpz } from "@pixelcal/io";

/** The class-1 probabilities of four pixels in two classes, and the labels they belong to. */
export const foreground: readonly number[] = [0.2, 0.7, 0.8, 0.3];
export const truth: readonly number[] = [0, 1, 1, 0];

/** Returns probabilities [2, 2, 2] from those of class 1. */
export function twoClasses(chances: readonly number[] = foreground): Tensor<"float32"> {
  return tensor("float32", Float32Array.from([...chances.map((p) => 1 - p), ...chances]), [2, 2, 2]);
}

export function labelsOf(
  labels: readonly number[] = truth,
  dims: readonly number[] = [2, 2],
): Tensor<"int64"> {
  return tensor("int64", BigInt64Array.from(labels, BigInt), dims);
}

/** Writes `folder/name.npz` with four pixels in two classes unless other arrays are given. */
export async function putCase(
  folder: string,
  name: string,
  arrays: Readonly<Record<string, Tensor>> = { probs: twoClasses(), label: labelsOf() },
): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeNpz(join(folder, `${name}.npz`), arrays);
}
