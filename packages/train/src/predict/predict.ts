import type { Tensor } from "@pixelcal/core";
import {
  checkOptions,
  checkTensor,
  elementCount,
  invalidArgument,
  optionNames,
  tensor,
} from "@pixelcal/core";
import type { Activation } from "./probability-graph.js";
import { addTile, checkTiles, mirror, type TileOptions, tileOf, tileOrigins, tileWeights } from "./tiles.js";

/** A trainer, a loaded network or anything else that predicts class probabilities. */
export interface ProbabilityModel {
  /** "sigmoid" if the channels are sigmoid heads, whose classes may overlap. */
  readonly activation?: Activation | undefined;
  /** Returns probabilities [N, classes, ...spatial] of images [N, C, ...spatial]. */
  predict(images: Tensor<"float32">): Promise<Tensor<"float32">>;
  /** Does the same in the memory of an earlier result of the same dims that nobody needs any more. */
  predictInto?(images: Tensor<"float32">, into: Tensor<"float32">): Promise<Tensor<"float32">>;
}

export interface PredictOptions extends Partial<TileOptions> {
  /** Spatial axes, counted from 0, to mirror along; the probabilities of all combinations are averaged. */
  readonly flips?: readonly number[];
}

const names = optionNames<PredictOptions>({ tile: true, overlap: true, blending: true, flips: true });

/**
 * Returns class probabilities [classes, ...spatial] of one image [C, ...spatial]: predicted whole, or with
 * `tile` from overlapping tiles whose probabilities are averaged with the blending weights. Probabilities sum
 * to 1 over the classes unless the model's classes may overlap (see `Network.activation`). Throws
 * `InvalidArgumentError` for an image or options that do not fit.
 */
export async function predict(
  model: ProbabilityModel,
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
 * Yields class probabilities of images [N, C, ...spatial] in pieces [n, classes, ...spatial] that make up all
 * N in order: one piece for all images, or one for each image if `tile` is given.
 */
export async function* predictBatch(
  model: ProbabilityModel,
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

/** Throws `InvalidArgumentError` unless the options are valid, for images of `axes` spatial axes if given. */
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

type Probabilities = (images: Tensor<"float32">, into?: Tensor<"float32">) => Promise<Tensor<"float32">>;

/** Predicts in the memory of an earlier result if the model can, else in its own. */
export const predictedIn = (
  model: ProbabilityModel,
  images: Tensor<"float32">,
  into: Tensor<"float32"> | undefined,
): Promise<Tensor<"float32">> => (into && model.predictInto?.(images, into)) ?? model.predict(images);

/** Averages the probabilities of images over their mirror images. */
export function flipped(model: ProbabilityModel, flips: readonly number[]): Probabilities {
  return async (images, into) => {
    const sum = await predictedIn(model, images, into);
    const count = 2 ** flips.length;
    for (let choice = 1; choice < count; choice++) {
      const axes = flips.filter((_, i) => choice & (1 << i)).map((axis) => axis + 2);
      const probs = mirror(await model.predict(mirror(images, axes)), axes);
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
  const pixels = elementCount(size);
  const weights = Float32Array.from(tileWeights(options));
  const total = new Float32Array(pixels);
  let sums: Float32Array<ArrayBuffer> | undefined;
  for (const place of tileOrigins(size, options)) {
    const probs = await probabilities(tileOf(image, place, tile));
    sums ??= new Float32Array(probs.dims[1]! * pixels);
    addTile({ probs: probs.data, weights, tile, place }, { sums, total, size, origin: size.map(() => 0) });
  }
  const blended = sums!;
  for (let i = 0; i < blended.length; i++) blended[i]! /= total[i % pixels]!;
  return tensor("float32", blended, [blended.length / pixels, ...size]);
}
