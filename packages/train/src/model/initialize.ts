import { elementCount, Random, tensor } from "@pixelcal/core";
import type { Initialize } from "@pixelcal/graph";

/**
 * Draws weights uniformly in +-1/sqrt(fan in), PyTorch's default for weights and biases of convolutions
 * (kaiming_uniform with a = sqrt 5). The stream depends on seed and name alone, so a parameter does not
 * change when another is added.
 */
export function uniformFan(seed: number): Initialize {
  return (name, dims, fanIn) => {
    const random = Random.fromSeed(seed).split(name);
    const bound = 1 / Math.sqrt(fanIn);
    const data = new Float32Array(elementCount(dims));
    for (let i = 0; i < data.length; i++) data[i] = (2 * random.uniform() - 1) * bound;
    return tensor("float32", data, dims);
  };
}

/**
 * Draws weights from a normal distribution of variance 2 / ((1 + slope^2) fan in), biases being 0: He's
 * initialisation for leaky ReLUs of this slope, as nnU-Net has it. Streams as those of `uniformFan`.
 */
export function normalFan(seed: number, slope: number): Initialize {
  return (name, dims, fanIn) => {
    const data = new Float32Array(elementCount(dims));
    if (!name.endsWith(".bias")) {
      const random = Random.fromSeed(seed).split(name);
      const deviation = Math.sqrt(2 / ((1 + slope ** 2) * fanIn));
      for (let i = 0; i < data.length; i++) data[i] = random.normal() * deviation;
    }
    return tensor("float32", data, dims);
  };
}
