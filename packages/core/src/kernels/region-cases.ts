import { call, native } from "../binding.js";
import { checkIgnore, checkInteger, checkTensor } from "../check.js";
import { checkOptions, optionNames } from "../check-options.js";
import { checkSignal, type SignalOption } from "../device.js";
import { invalidArgument } from "../errors.js";
import { elementCount, type Labels, type Probabilities, type Tensor } from "../tensor.js";
import { checkDims } from "./probability-maps.js";

/** A region: a name and the labels that belong to it. Regions may overlap. */
export interface Region {
  readonly name: string;
  readonly labels: readonly number[];
  /**
   * The index of the region's mask where files hold masks [regions, ...spatial] in place of a label map. They
   * are read as the label map of the sums of 2 ** mask, and `labels` are the sums with this one.
   */
  readonly mask?: number;
}

/**
 * Returns the number of labels, background included, that regions speak of. Throws InvalidArgumentError
 * unless `regions` is a list of regions with integer labels.
 */
export function labelsOfRegions(regions: readonly Region[]): number {
  const expected = "a list of regions with integer labels";
  if (!Array.isArray(regions)) throw invalidArgument("regions", expected, regions);
  let most = 0;
  for (const region of regions as readonly (Region | undefined)[]) {
    const labels: unknown = region?.labels;
    if (!Array.isArray(labels) || !labels.every(Number.isInteger))
      throw invalidArgument("regions", expected, regions);
    for (const label of labels) most = Math.max(most, label);
  }
  return 1 + most;
}

/** A region as channels and labels; it may overlap others. */
export interface RegionParts {
  /** The channels whose values add up to the region's probability. */
  readonly channels: readonly number[];
  /** The labels of the region's pixels. */
  readonly labels: readonly number[];
}

export interface RegionCasesOptions extends SignalOption {
  /** The label of pixels that no region counts. */
  readonly ignore?: number;
}

/** A region as a case of two classes. */
export interface RegionCase {
  /** The probabilities `[2, ...spatial]`, 1 - p and p. */
  readonly probs: Tensor<"float32">;
  /** The mask `[...spatial]`: 1 inside, 0 outside, {@link ignoredInRegion} where ignored. */
  readonly labels: Tensor<"uint8">;
}

/** The label of ignored pixels in the masks of regions. */
export const ignoredInRegion = 255;

const names = optionNames<RegionCasesOptions>({ ignore: true, signal: true });

/**
 * Returns every region of one image as a case of two classes, from values `[channels, ...spatial]` and labels
 * `[...spatial]`. Sums that rounding lifts above 1, by less than 1e-5, are 1; no value is checked. The arrays
 * of all regions share their memory.
 */
export async function regionCases(
  probs: Probabilities,
  labels: Labels,
  regions: readonly RegionParts[],
  options: RegionCasesOptions = {},
): Promise<readonly RegionCase[]> {
  checkOptions("options", options, names);
  const { ignore, signal } = options;
  checkSignal(signal);
  checkIgnore(ignore);
  checkTensor("probs", probs, ["float32", "float16"], [2, 4]);
  checkTensor("labels", labels, ["uint8", "int32", "int64"], [1, 3]);
  const [channels, ...spatial] = probs.dims as [number, ...number[]];
  checkDims("labels", labels, spatial);
  checkRegions(regions, channels);
  const pixels = elementCount(spatial);
  const sums = regions.map((region) => region.channels);
  const members = regions.map((region) => region.labels);
  const request = { probs: probs.data, labels: labels.data, channels, pixels, ignore, sums, members };
  const found = await call(native.regionCases, request, signal);
  return regions.map((_, i) => ({
    probs: {
      type: "float32",
      dims: [2, ...spatial],
      data: found.probs.subarray(2 * i * pixels, 2 * (i + 1) * pixels),
    },
    labels: { type: "uint8", dims: spatial, data: found.labels.subarray(i * pixels, (i + 1) * pixels) },
  }));
}

/**
 * Returns the masks of regions in labels of any shape: 1 inside, 0 outside, {@link ignoredInRegion} where
 * ignored, as uint8 of the labels' dims. The arrays of all regions share their memory.
 */
export async function regionMasks(
  labels: Labels,
  regions: readonly Pick<Region, "labels">[],
  options: RegionCasesOptions = {},
): Promise<readonly Tensor<"uint8">[]> {
  checkOptions("options", options, names);
  const { ignore, signal } = options;
  checkSignal(signal);
  checkIgnore(ignore);
  checkTensor("labels", labels, ["uint8", "int32", "int64"], [1, 4]);
  const members = membersOf(regions);
  const masks = await call(native.regionMasks, { labels: labels.data, ignore, members }, signal);
  const pixels = elementCount(labels.dims);
  return regions.map((_, i) => ({
    type: "uint8",
    dims: labels.dims,
    data: masks.subarray(i * pixels, (i + 1) * pixels),
  }));
}

function checkRegions(regions: readonly RegionParts[], channels: number): void {
  membersOf(regions).forEach((_, i) => {
    const { channels: sum } = regions[i]!;
    if (!Array.isArray(sum)) throw invalidArgument(`regions[${i}].channels`, "an array", sum);
    for (const channel of sum) checkInteger(`regions[${i}].channels`, channel, 0, channels - 1);
  });
}

/** Returns the labels of each region, checked. */
function membersOf(regions: readonly Pick<Region, "labels">[]): readonly (readonly number[])[] {
  if (!Array.isArray(regions)) throw invalidArgument("regions", "an array", regions);
  return regions.map(({ labels }: Pick<Region, "labels">, i) => {
    if (!Array.isArray(labels)) throw invalidArgument(`regions[${i}].labels`, "an array", labels);
    for (const label of labels) checkIgnore(label);
    return labels;
  });
}
