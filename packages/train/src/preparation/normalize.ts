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
  const isMasked = (channel: ChannelNormalization): boolean =>
    channel.scheme === "z-score" && !!channel.nonzero;
  const mask = normalization.some(isMasked) ? await nonZeroPixels(image) : undefined;
  for (const [c, channel] of normalization.entries()) {
    const [from, to] = [image.data, out].map((all) => all.subarray(c * pixels, (c + 1) * pixels));
    const within = isMasked(channel) ? mask : undefined;
    await applyTo(from!, to!, await valueMap(within ? at(from!, within) : from!, channel), within);
  }
  return tensor("float32", out, image.dims);
}

/** Returns the pixels of an image that are not 0 in every channel, by their places in a channel. */
async function nonZeroPixels({ data, dims }: Tensor<"float32">): Promise<Uint32Array> {
  const pixels = data.length / dims[0]!;
  const isInside = new Uint8Array(pixels);
  let count = 0;
  await inTurns(data.length, (begin, end) => {
    for (let i = begin; i < end; i++) {
      if (data[i] === 0 || isInside[i % pixels]) continue;
      isInside[i % pixels] = 1;
      count += 1;
    }
  });
  const places = new Uint32Array(count);
  let found = 0;
  await inTurns(pixels, (begin, end) => {
    for (let i = begin; i < end; i++) if (isInside[i]) places[found++] = i;
  });
  return places;
}

const at = (values: Float32Array, places: Uint32Array): Float32Array =>
  Float32Array.from(places, (place) => values[place]!);

/** Writes the mapped values, of all pixels or of those at `places`; the others keep what they are. */
async function applyTo(
  from: Float32Array,
  to: Float32Array,
  { low, high, shift, scale }: ValueMap,
  places?: Uint32Array,
): Promise<void> {
  await inTurns(places?.length ?? from.length, (begin, end) => {
    for (let i = begin; i < end; i++) {
      const place = places === undefined ? i : places[i]!;
      to[place] = (Math.min(high, Math.max(low, from[place]!)) - shift) * scale;
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
