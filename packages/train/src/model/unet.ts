import { invalidArgument, optionNames } from "@pixelcal/core";
import { Graph, Layers, ops, type Value } from "@pixelcal/graph";
import { uniformFan } from "./initialize.js";
import type { Model } from "./model.js";

export interface UNetOptions {
  /** Channels of the image; 1 by default. */
  readonly channels?: number;
  readonly classes: number;
  /** Channels of the first level; every level below has twice as many. */
  readonly base?: number;
  readonly seed?: number;
}

export const unetNames: ReadonlySet<string> = optionNames<UNetOptions>({
  channels: true,
  classes: true,
  base: true,
  seed: true,
});

const levels = [1, 2, 3] as const;
const stride = 8;
const smallest = 8;

/**
 * Describes the U-Net of the SDC repository for 2 or 3 spatial axes: three levels of two (convolution 3,
 * batch norm, ReLU) and max pooling by 2, a bottleneck, transposed convolutions with skips, a 1x1 head.
 * Parameters have its names and count. Sizes that are no multiple of 8 are padded by repeating the border,
 * and the logits cropped back.
 */
export function unet(dimensions: 2 | 3, options: Required<UNetOptions>): Model {
  const { channels, classes, base, seed } = options;
  for (const [name, value, least, most] of [
    ["channels", channels, 1, 65_536],
    ["classes", classes, 2, 65_536],
    ["base", base, 1, 1024],
    ["seed", seed, 0, Number.MAX_SAFE_INTEGER],
  ] as const) {
    if (!(Number.isSafeInteger(value) && value >= least && value <= most)) {
      const range = name === "seed" ? `${least} or more` : `${least} to ${most}`;
      throw invalidArgument(name, `an integer of ${range}`, value);
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
      const layers = new Layers(graph, uniformFan(ownSeed));
      const image = graph.input("image", "float32", dims);
      const size = dims.slice(2);
      const missing = size.map((n) => (stride - (n % stride)) % stride);
      const before = missing.map((n) => Math.floor(n / 2));
      const after = missing.map((n, axis) => n - before[axis]!);

      let x = pad(image, before, after);
      const skips = new Map<number, Value>();
      for (const level of levels) {
        x = block(layers, `enc${level}`, x, base << (level - 1));
        skips.set(level, x);
        x = halve(x);
      }
      x = block(layers, "bottleneck", x, base << levels.length);
      for (const level of levels.toReversed()) {
        x = layers.convTranspose(`up${level}`, x, base << (level - 1), { kernel: 2, stride: 2 });
        x = block(layers, `dec${level}`, ops.Concat([x, skips.get(level)!], 1), base << (level - 1));
      }
      graph.output("logits", crop(layers.conv("head", x, classes, { kernel: 1 }), before, size));
      return graph;
    },
  };
}

function block(layers: Layers, name: string, x: Value, channels: number): Value {
  for (const index of [0, 3]) {
    x = layers.conv(`${name}.${index}`, x, channels, { kernel: 3, padding: 1, bias: false });
    x = ops.Relu(layers.batchNorm(`${name}.${index + 1}`, x));
  }
  return x;
}

function halve(x: Value): Value {
  const each = x.dims.slice(2).map(() => 2);
  return ops.MaxPool(x, { kernel_shape: each, strides: each });
}

/** Repeats the border by `before` and `after` pixels of every spatial axis. */
function pad(x: Value, before: readonly number[], after: readonly number[]): Value {
  if ([...before, ...after].every((pixels) => pixels === 0)) return x;
  return ops.Pad(x, [0, 0, ...before, 0, 0, ...after], { mode: "edge" });
}

function crop(x: Value, first: readonly number[], size: readonly number[]): Value {
  if (size.every((n, axis) => n === x.dims[axis + 2])) return x;
  const axes = size.map((_, axis) => axis + 2);
  const ends = size.map((n, axis) => first[axis]! + n);
  return ops.Slice(x, first, ends, axes);
}
