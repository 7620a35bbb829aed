import { invalidArgument, optionNames } from "@pixelcal/core";
import { Graph, Layers, ops, type Value } from "@pixelcal/graph";
import { uniformFan } from "./initialize.js";
import type { Model } from "./model.js";
import { padToMultiples } from "./padding.js";
import { supervise, supervisionWeights } from "./supervision.js";

export interface UNetOptions {
  /** Channels of the image; 1 by default. */
  readonly channels?: number;
  /** Channels of the logits: classes, or regions with a sigmoid head each, of which there may be one. */
  readonly classes: number;
  /** Channels of the first level; every level below has twice as many. */
  readonly base?: number;
  /** Whether coarser levels have heads of their own in training; false by default. */
  readonly deepSupervision?: boolean;
  readonly seed?: number;
}

export const unetNames: ReadonlySet<string> = optionNames<UNetOptions>({
  channels: true,
  classes: true,
  base: true,
  deepSupervision: true,
  seed: true,
});

const levels = [1, 2, 3] as const;
const stride = 8;
const smallest = 8;

/** Throws InvalidArgumentError unless the numbers of a network's description are such. */
export function checkNetwork({
  channels,
  classes,
  base,
  seed,
}: Required<Pick<UNetOptions, "channels" | "classes" | "base" | "seed">>): void {
  for (const [name, value, least, most] of [
    ["channels", channels, 1, 65_536],
    ["classes", classes, 1, 65_536],
    ["base", base, 1, 1024],
    ["seed", seed, 0, Number.MAX_SAFE_INTEGER],
  ] as const) {
    if (!(Number.isSafeInteger(value) && value >= least && value <= most)) {
      const range = name === "seed" ? `${least} or more` : `${least} to ${most}`;
      throw invalidArgument(name, `an integer of ${range}`, value);
    }
  }
}

/** Throws InvalidArgumentError unless images of `dims` have these channels and at least these sizes. */
export function checkImage(
  name: string,
  dims: readonly number[],
  { channels, least }: { readonly channels: number; readonly least: readonly number[] },
): void {
  const fits =
    dims.length === least.length + 2 &&
    dims[1] === channels &&
    dims.slice(2).every((n, axis) => n >= least[axis]!);
  if (fits && dims.every((size) => Number.isSafeInteger(size) && size >= 1)) return;
  const spatial = least.map((n) => `${n} or more`).join(", ");
  throw invalidArgument("image", `[N, ${channels}, ${spatial}] for ${name}`, `[${dims.join(", ")}]`);
}

/**
 * Describes the U-Net of the SDC repository for 2 or 3 spatial axes: three levels of two (convolution 3,
 * batch norm, ReLU) and max pooling by 2, a bottleneck, transposed convolutions with skips, a 1x1 head.
 * Parameters have its names and count. Sizes that are no multiple of 8 are padded by repeating the border,
 * and the logits cropped back.
 */
export function unet(dimensions: 2 | 3, options: Required<UNetOptions>): Model {
  const { channels, classes, base, seed, deepSupervision } = options;
  checkNetwork(options);
  const name = `unet${dimensions}d`;
  const least = Array<number>(dimensions).fill(smallest);
  const laidOut =
    (supervised: boolean): Model["build"] =>
    (dims, ownSeed = seed) => {
      checkImage(name, dims, { channels, least });
      const graph = new Graph(name);
      const layers = new Layers(graph, uniformFan(ownSeed));
      const image = graph.input("image", "float32", dims);
      const padded = padToMultiples(image, Array<number>(dimensions).fill(stride));

      let x = padded.image;
      const skips = new Map<number, Value>();
      for (const level of levels) {
        x = block(layers, `enc${level}`, x, base << (level - 1));
        skips.set(level, x);
        x = halve(x);
      }
      x = block(layers, "bottleneck", x, base << levels.length);
      const maps: Value[] = [];
      for (const level of levels.toReversed()) {
        x = layers.convTranspose(`up${level}`, x, base << (level - 1), { kernel: 2, stride: 2 });
        x = block(layers, `dec${level}`, ops.Concat([x, skips.get(level)!], 1), base << (level - 1));
        maps.unshift(x);
      }
      graph.output("logits", padded.crop(layers.conv("head", x, classes, { kernel: 1 })));
      if (!supervised) return graph;
      const heads = supervise(layers, maps, { classes, size: padded.image.dims.slice(2) });
      for (const [output, logits] of heads) graph.output(output, padded.crop(logits));
      return graph;
    };
  return {
    name,
    dimensions,
    channels,
    classes,
    ...(deepSupervision && {
      supervision: { weights: supervisionWeights(levels.length), build: laidOut(true) },
    }),
    build: laidOut(false),
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
