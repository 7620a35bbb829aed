import type { Tensor } from "@pixelcal/core";
import {
  checkOptions,
  checkTensor,
  elementCount,
  invalidArgument,
  optionNames,
  tensor,
  zeros,
} from "@pixelcal/core";
import {
  checkTiles,
  cutTile,
  mirror,
  overlapRuns,
  type TileOptions,
  tileOrigins,
  tileWeights,
} from "./tiles.js";

/** Anything that maps images [N, C, ...spatial] to logits [N, classes, ...spatial]: a trainer or a loaded model. */
export interface LogitsModel {
  /**
   * What makes probabilities of the logits, known once it has predicted: "softmax" (the default) over classes that exclude
   * each other, "sigmoid" of every channel alone where labels may overlap (multi-label).
   */
  readonly activation?: "softmax" | "sigmoid" | undefined;
  predict(images: Tensor<"float32">): Promise<Tensor<"float32">>;
}

export interface PredictOptions extends Partial<TileOptions> {
  /** Spatial axes, counted from 0, to mirror the image along: the mean of the probabilities in every combination. */
  readonly flips?: readonly number[];
}

const names = optionNames<PredictOptions>({ tile: true, overlap: true, blending: true, flips: true });

/**
 * Class probabilities [classes, ...spatial] of one image [C, ...spatial]: in one piece, or with `tile` from
 * overlapping tiles whose probabilities are averaged with the blending weights. They sum to 1 over the classes unless the
 * model's activation is "sigmoid".
 */
export async function predict(
  model: LogitsModel,
  image: Tensor<"float32">,
  options: PredictOptions = {},
): Promise<Tensor<"float32">> {
  checkOptions("options", options, names);
  checkTensor("image", image, ["float32"], [3, 4]);
  checkPredictOptions(options, image.dims.length - 1);
  const { tile, flips = [] } = options;
  const mirrored = flipped(model, flips);
  if (tile === undefined) {
    const probs = await mirrored(tensor("float32", image.data, [1, ...image.dims]));
    return tensor("float32", probs.data, probs.dims.slice(1));
  }
  return predictTiles(mirrored, image, { ...options, tile });
}

/**
 * Class probabilities of images [N, C, ...spatial] in pieces [n, classes, ...spatial] that make up all N in order: one
 * piece, or one for every image where they are cut into tiles.
 */
export async function* predictBatch(
  model: LogitsModel,
  images: Tensor<"float32">,
  options: PredictOptions = {},
): AsyncGenerator<Tensor<"float32">> {
  checkOptions("options", options, names);
  checkTensor("images", images, ["float32"], [3, 5]);
  const [count = 0, ...shape] = images.dims;
  checkPredictOptions(options, shape.length - 1);
  if (options.tile === undefined) {
    yield flipped(model, options.flips ?? [])(images);
    return;
  }
  const size = elementCount(shape);
  for (let n = 0; n < count; n++) {
    const image = tensor("float32", images.data.subarray(n * size, (n + 1) * size), shape);
    const { data, dims } = await predict(model, image, options);
    yield tensor("float32", data, [1, ...dims]);
  }
}

/** Throws `InvalidArgumentError` unless the options are right, for images of `axes` spatial axes where that is known. */
export function checkPredictOptions({ flips, tile, ...rest }: PredictOptions, axes?: number): void {
  checkTiles({ ...rest, tile }, axes);
  if (flips !== undefined) checkFlips(flips, axes ?? 3);
}

function checkFlips(flips: readonly number[], axes: number): void {
  const fits =
    Array.isArray(flips) && flips.every((axis) => Number.isInteger(axis) && axis >= 0 && axis < axes);
  if (fits && new Set(flips).size === flips.length) return;
  throw invalidArgument("flips", `different axes from 0 to ${axes - 1}`, flips);
}

async function probabilitiesOf(model: LogitsModel, images: Tensor<"float32">): Promise<Tensor<"float32">> {
  const logits = await model.predict(images);
  return model.activation === "sigmoid" ? sigmoid(logits) : softmax(logits);
}

type Probabilities = (images: Tensor<"float32">) => Promise<Tensor<"float32">>;

/** Class probabilities of images, averaged over their mirror images. */
function flipped(model: LogitsModel, flips: readonly number[]): Probabilities {
  return async (images) => {
    const sum = await probabilitiesOf(model, images);
    const count = 2 ** flips.length;
    for (let choice = 1; choice < count; choice++) {
      const axes = flips.filter((_, i) => choice & (1 << i)).map((axis) => axis + 2);
      const probs = mirror(await probabilitiesOf(model, mirror(images, axes)), axes);
      for (let i = 0; i < sum.data.length; i++) sum.data[i]! += probs.data[i]!;
    }
    if (count > 1) for (let i = 0; i < sum.data.length; i++) sum.data[i]! /= count;
    return sum;
  };
}

async function predictTiles(
  probabilities: Probabilities,
  image: Tensor<"float32">,
  options: TileOptions,
): Promise<Tensor<"float32">> {
  const { tile } = options;
  const size = image.dims.slice(1);
  const channels = image.dims[0]!;
  const pixels = elementCount(size);
  const tilePixels = elementCount(tile);
  const weights = tileWeights(options);
  const weightSum = new Float64Array(pixels);
  let sums: Float64Array | undefined;
  for (const origin of tileOrigins(size, options)) {
    const part = zeros("float32", [channels, ...tile]).data;
    for (let c = 0; c < channels; c++) {
      const from = image.data.subarray(c * pixels, (c + 1) * pixels);
      cutTile(from, size, origin, tile, part.subarray(c * tilePixels, (c + 1) * tilePixels));
    }
    const probs = await probabilities(tensor("float32", part, [1, channels, ...tile]));
    const classes = probs.dims[1]!;
    const total = (sums ??= new Float64Array(classes * pixels));
    overlapRuns(tile, size, origin, (inTile, inImage, length) => {
      for (let i = 0; i < length; i++) {
        const weight = weights[inTile + i]!;
        weightSum[inImage + i]! += weight;
        for (let c = 0; c < classes; c++) {
          total[c * pixels + inImage + i]! += weight * probs.data[c * tilePixels + inTile + i]!;
        }
      }
    });
  }
  const blended = new Float32Array(sums!.length);
  for (let i = 0; i < blended.length; i++) blended[i] = sums![i]! / weightSum[i % pixels]!;
  return tensor("float32", blended, [blended.length / pixels, ...size]);
}

function sigmoid({ data, dims }: Tensor<"float32">): Tensor<"float32"> {
  const probs = new Float32Array(data.length);
  for (let i = 0; i < probs.length; i++) probs[i] = 1 / (1 + Math.exp(-data[i]!));
  return tensor("float32", probs, dims);
}

/** Softmax over axis 1 of logits [N, C, ...spatial]. */
export function softmax(logits: Tensor<"float32">): Tensor<"float32"> {
  const [batch = 0, classes = 0, ...size] = logits.dims;
  const pixels = elementCount(size);
  const probs = new Float32Array(logits.data.length);
  for (let n = 0; n < batch; n++) {
    const first = n * classes * pixels;
    for (let i = first; i < first + pixels; i++) {
      let highest = Number.NEGATIVE_INFINITY;
      for (let c = 0; c < classes; c++) highest = Math.max(highest, logits.data[i + c * pixels]!);
      let sum = 0;
      for (let c = 0; c < classes; c++) sum += Math.exp(logits.data[i + c * pixels]! - highest);
      for (let c = 0; c < classes; c++) {
        probs[i + c * pixels] = Math.exp(logits.data[i + c * pixels]! - highest) / sum;
      }
    }
  }
  return tensor("float32", probs, logits.dims);
}
