import { invalidArgument } from "@pixelcal/core";
import { Graph, ops, type Value } from "@pixelcal/graph";
import { filled, uniformFan } from "./initialize.js";
import type { Model } from "./model.js";

export interface UNetOptions {
  /** Channels of the image; 1 by default. */
  readonly channels?: number;
  readonly classes: number;
  /** Channels of the first level; every level below has twice as many. */
  readonly base?: number;
  readonly seed?: number;
}

const levels = [1, 2, 3] as const;
const stride = 8;
const smallest = 8;

/**
 * The U-Net of the SDC repository for 2 or 3 spatial axes: three levels of two (convolution 3, batch norm, ReLU) and
 * max pooling by 2, a bottleneck, transposed convolutions with skips, a 1x1 head. Parameters have its names and count.
 * Sizes that are no multiple of 8 are padded by repeating the border, and the logits cropped back.
 */
export function unet(dimensions: 2 | 3, options: Required<UNetOptions>): Model {
  const { channels, classes, base, seed } = options;
  for (const [name, value, least] of [
    ["channels", channels, 1],
    ["classes", classes, 2],
    ["base", base, 1],
    ["seed", seed, 0],
  ] as const) {
    if (!(Number.isSafeInteger(value) && value >= least)) {
      throw invalidArgument(name, `an integer of ${least} or more`, value);
    }
  }
  const name = `unet${dimensions}d`;
  return {
    name,
    dimensions,
    channels,
    classes,
    build(dims, ownSeed = seed) {
      const fits =
        dims.length === dimensions + 2 && dims[1] === channels && dims.slice(2).every((n) => n >= smallest);
      if (!fits || !dims.every((size) => Number.isSafeInteger(size) && size >= 1)) {
        const spatial = Array(dimensions).fill(`${smallest} or more`).join(", ");
        throw invalidArgument("image", `[N, ${channels}, ${spatial}] for ${name}`, `[${dims.join(", ")}]`);
      }
      const graph = new Graph(name);
      const layers = new Layers(graph, dimensions, ownSeed);
      const image = graph.input("image", "float32", dims);
      const size = dims.slice(2);
      const before = size.map((n) => Math.floor(((stride - (n % stride)) % stride) / 2));
      const after = size.map((n, axis) => ((stride - (n % stride)) % stride) - before[axis]!);
      let x = [...before, ...after].every((pad) => pad === 0) ? image : layers.pad(image, before, after);

      const skips = new Map<number, Value>();
      for (const level of levels) {
        x = layers.block(`enc${level}`, x, base << (level - 1));
        skips.set(level, x);
        x = layers.pool(x);
      }
      x = layers.block("bottleneck", x, base << levels.length);
      for (const level of levels.toReversed()) {
        x = layers.up(`up${level}`, x, base << (level - 1));
        x = layers.block(`dec${level}`, ops.Concat([x, skips.get(level)!], 1), base << (level - 1));
      }
      graph.output("logits", layers.crop(layers.head("head", x, classes), before, size));
      return graph;
    },
  };
}

class Layers {
  readonly #graph: Graph;
  readonly #dimensions: number;
  readonly #seed: number;

  constructor(graph: Graph, dimensions: number, seed: number) {
    this.#graph = graph;
    this.#dimensions = dimensions;
    this.#seed = seed;
  }

  block(name: string, x: Value, channels: number): Value {
    for (const index of [0, 3]) {
      const weight = this.#weight(`${name}.${index}`, [channels, x.dims[1]!, ...this.#each(3)]);
      const pads = [...this.#each(1), ...this.#each(1)];
      x = ops.Relu(this.#norm(`${name}.${index + 1}`, ops.Conv(x, weight, undefined, { pads }), channels));
    }
    return x;
  }

  pool(x: Value): Value {
    return ops.MaxPool(x, { kernel_shape: this.#each(2), strides: this.#each(2) });
  }

  up(name: string, x: Value, channels: number): Value {
    const weight = this.#weight(name, [x.dims[1]!, channels, ...this.#each(2)]);
    return ops.ConvTranspose(x, weight, this.#bias(name, channels, weight), { strides: this.#each(2) });
  }

  head(name: string, x: Value, classes: number): Value {
    const weight = this.#weight(name, [classes, x.dims[1]!, ...this.#each(1)]);
    return ops.Conv(x, weight, this.#bias(name, classes, weight));
  }

  pad(x: Value, before: readonly number[], after: readonly number[]): Value {
    return ops.Pad(x, [0, 0, ...before, 0, 0, ...after], { mode: "edge" });
  }

  crop(x: Value, before: readonly number[], size: readonly number[]): Value {
    if (size.every((n, axis) => n === x.dims[axis + 2])) return x;
    const axes = size.map((_, axis) => axis + 2);
    const ends = size.map((n, axis) => before[axis]! + n);
    return ops.Slice(x, before, ends, axes);
  }

  #norm(name: string, x: Value, channels: number): Value {
    const of = (part: string, value: number): Value =>
      this.#graph.initializer(`${name}.${part}`, filled(channels, value));
    return ops.BatchNormalization(
      x,
      of("weight", 1),
      of("bias", 0),
      of("running_mean", 0),
      of("running_var", 1),
      { epsilon: 1e-5, momentum: 0.9 },
    );
  }

  #weight(name: string, dims: readonly number[]): Value {
    const full = `${name}.weight`;
    return this.#graph.initializer(full, uniformFan(this.#seed, full, dims, fanIn(dims)));
  }

  #bias(name: string, count: number, weight: Value): Value {
    const full = `${name}.bias`;
    return this.#graph.initializer(full, uniformFan(this.#seed, full, [count], fanIn(weight.dims)));
  }

  #each(value: number): number[] {
    return Array<number>(this.#dimensions).fill(value);
  }
}

const fanIn = (dims: readonly number[]): number => dims.slice(1).reduce((a, b) => a * b, 1);
