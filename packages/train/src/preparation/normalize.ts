import { invalidArgument, type Tensor, tensor } from "@pixelcal/core";
import { inTurns } from "../data/in-turns.js";
import { meanAndSd, percentiles } from "./order-statistics.js";
import type { ChannelNormalization } from "./preparation.js";

/** The map of a value: clipped to [low, high], less `shift`, times `scale`. */
interface ValueMap {
  readonly low: number;
  readonly high: number;
  readonly shift: number;
  readonly scale: number;
}

const unbounded = { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY };

/**
 * Returns an image [C, ...spatial] with each channel normalised, computed in float64 and rounded once; the
 * image itself where every channel keeps its values. Throws `InvalidArgumentError` for another number of
 * channels.
 */
export async function normalizeImage(
  image: Tensor<"float32">,
  normalization: readonly ChannelNormalization[],
): Promise<Tensor<"float32">> {
  const channels = image.dims[0]!;
  if (normalization.length !== channels)
    throw invalidArgument("image", `${normalization.length} channels, as its normalization has`, channels);
  if (normalization.every(({ scheme }) => scheme === "none")) return image;
  const pixels = image.data.length / channels;
  const out = new Float32Array(image.data.length);
  for (const [c, channel] of normalization.entries()) {
    const [from, to] = [image.data, out].map((all) => all.subarray(c * pixels, (c + 1) * pixels));
    await applyTo(from!, to!, await valueMap(from!, channel));
  }
  return tensor("float32", out, image.dims);
}

async function applyTo(from: Float32Array, to: Float32Array, map: ValueMap): Promise<void> {
  const { low, high, shift, scale } = map;
  await inTurns(from.length, (begin, end) => {
    for (let i = begin; i < end; i++) {
      const value = from[i]!;
      to[i] = (Math.min(high, Math.max(low, value)) - shift) * scale;
    }
  });
}

/** Returns the map of an image's channel; one without any contrast becomes 0. */
async function valueMap(values: Float32Array, channel: ChannelNormalization): Promise<ValueMap> {
  if (channel.scheme === "none") return { ...unbounded, shift: 0, scale: 1 };
  if (channel.scheme === "ct") {
    const { low, high, mean, sd } = channel;
    return { low, high, shift: mean, scale: 1 / sd };
  }
  if (channel.scheme === "z-score") {
    const { mean, sd } = await meanAndSd(values);
    return { ...unbounded, shift: mean, scale: sd > 0 ? 1 / sd : 0 };
  }
  const given = [channel.low, channel.high] as const;
  const [low, high] = channel.scheme === "range" ? given : await percentiles(values, given);
  return { low: low!, high: high!, shift: low!, scale: high! > low! ? 1 / (high! - low!) : 0 };
}
