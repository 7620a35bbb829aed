import type { Tensor } from "@pixelcal/core";
import { elementCount, tensor } from "@pixelcal/core";
import { Random } from "../random.js";

/**
 * Uniform in +-1/sqrt(fan in), PyTorch's default for weights and biases of convolutions (kaiming_uniform with
 * a = sqrt 5). `fanIn` is the product of a weight's axes after the first, transposed convolutions included.
 * The stream depends on seed and name alone, so a parameter does not change when another is added.
 */
export function uniformFan(
  seed: number,
  name: string,
  dims: readonly number[],
  fanIn: number,
): Tensor<"float32"> {
  const random = Random.fromSeed(seed).split(name);
  const bound = 1 / Math.sqrt(fanIn);
  const data = new Float32Array(elementCount(dims));
  for (let i = 0; i < data.length; i++) data[i] = (2 * random.uniform() - 1) * bound;
  return tensor("float32", data, dims);
}

/** A tensor [count] of one value, as normalisation layers begin. */
export function filled(count: number, value: number): Tensor<"float32"> {
  return tensor("float32", new Float32Array(count).fill(value), [count]);
}
