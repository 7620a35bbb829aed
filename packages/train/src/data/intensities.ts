import { changeIntensity, type IntensityChange, type Random, type Tensor, warpImage } from "@pixelcal/core";
import type { IntensityAugmentation } from "./augmentation.js";
import { between, factorIn, happens } from "./warps.js";

/** A drawn change of an image [C, ...spatial]. */
type Step = (image: Tensor<"float32">) => Promise<Tensor<"float32">>;

type Factors = "brightness" | "contrast" | "invertedGamma" | "gamma";

/** Draws the changes of intensities of an item with so many channels and axes, in the order to make them. */
export function drawIntensities(
  augmentation: IntensityAugmentation,
  { channels, rank }: { readonly channels: number; readonly rank: number },
  random: Random,
): Step[] {
  const { noise, blur, lowResolution } = augmentation;
  const steps: Step[] = [];
  const each = (draw: () => number): number[] => Array.from({ length: channels }, draw);
  const chosen = (share = 1): boolean[] => Array.from({ length: channels }, () => random.uniform() < share);
  const factors = (name: Factors, change: IntensityChange): void => {
    const section = augmentation[name];
    if (!happens(section, random)) return;
    const amounts = each(() => factorIn(section!.range, random));
    steps.push((image) => changeIntensity(image, { change, amounts }));
  };
  if (happens(noise, random)) {
    const amount = between(noise!.deviation, random);
    const [amounts, seed] = [each(() => amount), random.bits()];
    steps.push((image) => changeIntensity(image, { change: "noise", amounts, seed }));
  }
  if (happens(blur, random)) {
    const amounts = chosen(blur!.perChannel).flatMap((is) =>
      Array.from({ length: rank }, () => (is ? between(blur!.sigma, random) : 0)),
    );
    steps.push((image) => changeIntensity(image, { change: "blur", amounts }));
  }
  factors("brightness", "brightness");
  factors("contrast", "contrast");
  if (happens(lowResolution, random)) {
    const { scale, perChannel, axes } = lowResolution!;
    const scales = chosen(perChannel).map((is) => (is ? between(scale, random) : 1));
    steps.push((image) => coarsened(image, scales, axes));
  }
  factors("invertedGamma", "inverted-gamma");
  factors("gamma", "gamma");
  return steps;
}

/** Takes the nearest pixels of fewer, and interpolates between them: a channel's axes by its scale. */
async function coarsened(
  image: Tensor<"float32">,
  scales: readonly number[],
  axes: readonly number[] = [...image.dims.keys()].slice(1).map((axis) => axis - 1),
): Promise<Tensor<"float32">> {
  const size = image.dims.slice(1);
  const pixels = size.reduce((product, n) => product * n, 1);
  const data = image.data.slice();
  for (const [channel, scale] of scales.entries()) {
    const coarse = size.map((n, axis) => (axes.includes(axis) ? Math.max(1, Math.round(n * scale)) : n));
    if (coarse.every((n, axis) => n === size[axis])) continue;
    const plane = image.data.subarray(channel * pixels, (channel + 1) * pixels);
    const few = await warpImage(
      { type: "float32", dims: [1, ...size], data: plane },
      { ...resized(size, coarse), interpolation: "nearest" },
    );
    data.set((await warpImage(few, resized(coarse, size))).data, channel * pixels);
  }
  return { type: "float32", dims: image.dims, data };
}

/** Returns the warp from a grid of `from` pixels to one of `to` over the same extent, pixels being areas. */
function resized(from: readonly number[], to: readonly number[]) {
  const ratios = from.map((n, axis) => n / to[axis]!);
  const matrix = ratios.flatMap((ratio, row) => ratios.map((_, column) => (row === column ? ratio : 0)));
  return { size: to, matrix, offset: ratios.map((ratio) => (ratio - 1) / 2) };
}
