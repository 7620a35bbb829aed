import { checkOptions, invalidArgument, optionNames } from "@pixelcal/core";
import { Graph, Layers, ops, type Value } from "@pixelcal/graph";
import { normalFan } from "./initialize.js";
import type { Model } from "./model.js";
import { padToMultiples } from "./padding.js";
import { supervise, supervisionWeights } from "./supervision.js";
import { checkImage, checkNetwork } from "./unet.js";

export interface StagedUNetOptions {
  readonly dimensions: 2 | 3;
  /** Channels of the image; 1 by default. */
  readonly channels?: number;
  /** Channels of the logits: classes, or regions with a sigmoid head each, of which there may be one. */
  readonly classes: number;
  /** Channels of the first stage; every stage below has twice as many, up to 512 (2-D) or 320 (3-D). */
  readonly base?: number;
  /** The stride per spatial axis of every stage but the first; by default four stages that halve all axes. */
  readonly strides?: readonly (readonly number[])[];
  /** The kernel size per spatial axis of every stage; 3 by default. */
  readonly kernels?: readonly (readonly number[])[];
  /** The number of encoder blocks by stage. */
  readonly blocks?: readonly number[];
  /** Whether coarser levels have heads of their own in training; true by default. */
  readonly deepSupervision?: boolean;
  readonly seed?: number;
}

const names = optionNames<StagedUNetOptions>({
  dimensions: true,
  channels: true,
  classes: true,
  base: true,
  strides: true,
  kernels: true,
  blocks: true,
  deepSupervision: true,
  seed: true,
});

const slope = 0.01;
const plainBlocks = 2;
const residualBlocks = [1, 3, 4, 6];

/**
 * Describes nnU-Net's plain U-Net: per stage two (convolution, instance norm, leaky ReLU), the first of them
 * with the stage's stride; a decoder of transposed convolutions with skips, as deep; 1x1 heads.
 */
export function plainUnet(options: StagedUNetOptions): Model {
  return stagedUnet("plain", options);
}

/**
 * Describes nnU-Net's U-Net with a residual encoder: a convolution, then 1, 3, 4, 6, 6, ... residual blocks
 * per stage; the decoder has one convolution per level.
 */
export function residualUnet(options: StagedUNetOptions): Model {
  return stagedUnet("residual", options);
}

type Kind = "plain" | "residual";

function stagedUnet(kind: Kind, options: StagedUNetOptions): Model {
  checkOptions("options", options, names);
  const { dimensions, channels = 1, classes, base = 32, seed = 0, deepSupervision = true } = options;
  if (dimensions !== 2 && dimensions !== 3) throw invalidArgument("dimensions", "2 or 3", dimensions);
  checkNetwork({ channels, classes, base, seed });
  const { strides, kernels, blocks } = checkedStages(kind, options);
  const name = `${kind}${dimensions}d`;
  const widest = dimensions === 2 ? 512 : 320;
  const width = (stage: number): number => Math.max(base, Math.min(widest, base * 2 ** stage));
  const multiples = Array.from({ length: dimensions }, (_, axis) =>
    strides.reduce((product, stride) => product * stride[axis]!, 1),
  );
  const laidOut =
    (supervised: boolean): Model["build"] =>
    (dims, ownSeed = seed) => {
      checkImage(name, dims, { channels, least: multiples.map(() => 1) });
      const graph = new Graph(name);
      const layers = new Layers(graph, normalFan(ownSeed, slope));
      const padded = padToMultiples(graph.input("image", "float32", dims), multiples);
      const size = padded.image.dims.slice(2);
      if (size.every((n, axis) => n === multiples[axis]))
        throw invalidArgument(
          "image",
          `more than one pixel in the last stage of ${name}, whose strides are [${multiples}] together`,
          `[${dims}]`,
        );
      let x = padded.image;
      if (kind === "residual") x = unit(layers, "stem", x, { channels: width(0), kernel: kernels[0]! });
      const skips: Value[] = [];
      for (const [stage, kernel] of kernels.entries()) {
        for (let index = 0; index < blocks[stage]!; index++) {
          const stride = stage > 0 && index === 0 ? strides[stage - 1] : undefined;
          const form = { channels: width(stage), kernel, ...(stride && { stride }) };
          x = (kind === "plain" ? unit : residual)(layers, `enc${stage + 1}.${index}`, x, form);
        }
        skips.push(x);
      }
      const maps: Value[] = [];
      for (const [above, stride] of [...strides.entries()].toReversed()) {
        const level = above + 1;
        const [channels, kernel] = [width(above), kernels[above]!];
        x = layers.convTranspose(`up${level}`, x, channels, { kernel: stride, stride });
        x = ops.Concat([x, skips[above]!], 1);
        for (let index = 0; index < (kind === "plain" ? plainBlocks : 1); index++)
          x = unit(layers, `dec${level}.${index}`, x, { channels, kernel });
        maps.unshift(x);
      }
      graph.output("logits", padded.crop(layers.conv("head", x, classes, { kernel: 1 })));
      if (!supervised) return graph;
      for (const [output, logits] of supervise(layers, maps, { classes, size }))
        graph.output(output, padded.crop(logits));
      return graph;
    };
  const weights = supervisionWeights(strides.length);
  return {
    name,
    dimensions,
    channels,
    classes,
    ...(deepSupervision &&
      Object.keys(weights).length > 1 && { supervision: { weights, build: laidOut(true) } }),
    build: laidOut(false),
  };
}

interface Form {
  readonly channels: number;
  readonly kernel: readonly number[];
  readonly stride?: readonly number[];
}

function normalized(layers: Layers, name: string, x: Value, { channels, kernel, stride }: Form): Value {
  const padding = kernel.map((n) => n >> 1);
  const maps = layers.conv(`${name}.conv`, x, channels, { kernel, padding, stride });
  return layers.instanceNorm(`${name}.norm`, maps);
}

function unit(layers: Layers, name: string, x: Value, form: Form): Value {
  return ops.LeakyRelu(normalized(layers, name, x, form), slope);
}

/** He's block D: the skip shrinks by averages, and has a 1x1 convolution where the channels change. */
function residual(layers: Layers, name: string, x: Value, form: Form): Value {
  const { channels, kernel, stride } = form;
  const inner = unit(layers, `${name}.1`, x, form);
  const maps = normalized(layers, `${name}.2`, inner, { channels, kernel });
  let skip = x;
  if (stride?.some((n) => n > 1)) skip = ops.AveragePool(skip, { kernel_shape: stride, strides: stride });
  if (skip.dims[1] !== channels) {
    skip = layers.conv(`${name}.skip.conv`, skip, channels, { kernel: 1, bias: false });
    skip = layers.instanceNorm(`${name}.skip.norm`, skip);
  }
  return ops.LeakyRelu(ops.Add(maps, skip), slope);
}

/** Returns the stages with their defaults; throws InvalidArgumentError unless they fit together. */
function checkedStages(
  kind: Kind,
  { dimensions, strides: givenStrides, kernels: givenKernels, blocks: givenBlocks }: StagedUNetOptions,
): Required<Pick<StagedUNetOptions, "strides" | "kernels" | "blocks">> {
  const strides = givenStrides ?? Array.from({ length: 4 }, () => Array<number>(dimensions).fill(2));
  const stages = strides.length + 1;
  const kernels = givenKernels ?? Array.from({ length: stages }, () => Array<number>(dimensions).fill(3));
  const perStage = (stage: number): number =>
    kind === "plain" ? plainBlocks : (residualBlocks[stage] ?? residualBlocks.at(-1)!);
  const blocks = givenBlocks ?? Array.from({ length: stages }, (_, stage) => perStage(stage));
  const rows = (list: readonly (readonly number[])[], allowed: readonly number[]): boolean =>
    list.every((row) => row.length === dimensions && row.every((n) => allowed.includes(n)));
  if (strides.length < 1 || strides.length > 8 || !rows(strides, [1, 2]))
    throw invalidArgument("strides", `1 to 8 lists of ${dimensions} strides of 1 or 2`, shown(strides));
  if (kernels.length !== stages || !rows(kernels, [1, 3]))
    throw invalidArgument("kernels", `${stages} lists of ${dimensions} sizes of 1 or 3`, shown(kernels));
  if (blocks.length !== stages || !blocks.every((n) => Number.isInteger(n) && n >= 1 && n <= 64))
    throw invalidArgument("blocks", `${stages} integers of 1 to 64, one a stage`, blocks);
  return { strides, kernels, blocks };
}

const shown = (rows: readonly (readonly number[])[]): string =>
  `[${rows.map((row) => `[${row}]`).join(", ")}]`;
