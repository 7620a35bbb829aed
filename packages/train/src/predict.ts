import type { Tensor } from "@pixelcal/core";
import { elementCount, invalidArgument, tensor } from "@pixelcal/core";
import { cutTile, overlapRuns, type TileOptions, tileOrigins, tileWeights } from "./tiles.js";

/** Anything that maps images [N, C, ...spatial] to logits [N, classes, ...spatial]: a trainer or a loaded model. */
export interface Predictor {
  predict(images: Tensor<"float32">): Promise<Tensor<"float32">>;
}

export type PredictOptions = Partial<TileOptions>;

/**
 * Class probabilities [classes, ...spatial] of one image [C, ...spatial]: in one piece, or with `tile` from
 * overlapping tiles whose probabilities are averaged with the blending weights.
 */
export async function predict(
  model: Predictor,
  image: Tensor<"float32">,
  options: PredictOptions = {},
): Promise<Tensor<"float32">> {
  if (image.dims.length < 3)
    throw invalidArgument("image", "[C, ...spatial] with 2 or 3 axes", `[${image.dims}]`);
  const { tile } = options;
  if (tile === undefined) {
    const logits = await model.predict(tensor("float32", image.data, [1, ...image.dims]));
    const probs = softmax(logits);
    return tensor("float32", probs.data, probs.dims.slice(1));
  }
  return predictTiles(model, image, { ...options, tile });
}

async function predictTiles(
  model: Predictor,
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
    const part = new Float32Array(channels * tilePixels);
    for (let c = 0; c < channels; c++) {
      const from = image.data.subarray(c * pixels, (c + 1) * pixels);
      cutTile(from, size, origin, tile, part.subarray(c * tilePixels, (c + 1) * tilePixels));
    }
    const probs = softmax(await model.predict(tensor("float32", part, [1, channels, ...tile])));
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
  const blended = Float32Array.from(sums!, (sum, i) => sum / weightSum[i % pixels]!);
  return tensor("float32", blended, [blended.length / pixels, ...size]);
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
