import {
  InvalidArgumentError,
  invalidArgument,
  type Region,
  regionCases,
  type SignalOption,
} from "@pixelcal/core";
import { maskRegions } from "@pixelcal/io";
import type { EvaluationCase } from "./evaluate.js";

/** Regions by challenge; each name says which labels its masks hold. */
const presets = {
  /** BraTS up to 2021: 1 necrosis, 2 edema, 4 enhancing tumour. */
  brats2021: "WT=1+2+4,TC=1+4,ET=4",
  /** BraTS from 2023 on: 1 necrosis, 2 edema, 3 enhancing tumour. */
  brats2023: "WT=1+2+3,TC=1+3,ET=3",
  /** KiTS 2021 and 2023: 1 kidney, 2 tumour, 3 cyst. */
  kits23: "kidney and masses=1+2+3,masses=2+3,tumour=2",
} as const;

/**
 * Parses regions such as "WT=1+2+3,TC=2+3,ET=3", or the name of a preset: brats2021, brats2023, kits23.
 * "WT=mask,TC=mask,ET=mask" are regions whose masks [3, ...spatial] files hold in place of label maps, in
 * this order. Throws InvalidArgumentError.
 */
export function parseRegions(text: string): readonly Region[] {
  const source = Object.hasOwn(presets, text) ? presets[text as keyof typeof presets] : text;
  const expected = `NAME=LABEL+LABEL,..., NAME=mask,... or ${Object.keys(presets).join(", ")}`;
  const regions = source.split(",").map((part) => {
    const match = /^\s*([^=,]{1,100}?)\s*=\s*(mask|\d{1,9}(?:\s*\+\s*\d{1,9})*)\s*$/.exec(part);
    if (!match) throw invalidArgument("regions", expected, part.trim() || text);
    return { name: match[1]!, members: match[2]! };
  });
  const twice = regions.find(({ name }, i) => regions.findIndex((other) => other.name === name) !== i);
  if (twice) throw new InvalidArgumentError("regions", `regions: ${twice.name} is given twice`);
  const masks = regions.filter(({ members }) => members === "mask");
  if (masks.length === regions.length) return maskRegions(regions.map(({ name }) => name));
  if (masks.length > 0) throw invalidArgument("regions", "labels for all regions, or masks for all", text);
  return regions.map(({ name, members }) => ({
    name,
    labels: [...new Set(members.split("+").map(Number))],
  }));
}

/**
 * Returns a case as the two-class problems of regions: a region's probability is that of its own sigmoid head
 * (with `heads`), or the sum over its labels; ignored pixels stay ignored. A region may contain the
 * background.
 */
export async function casesOfRegions(
  { name, probs, labels, ...rest }: EvaluationCase,
  regions: readonly Region[],
  { heads = false, ignore, signal }: SignalOption & { readonly heads?: boolean; readonly ignore?: number },
): Promise<readonly EvaluationCase[]> {
  const channels = probs.dims[0]!;
  if (heads && regions.length > channels)
    throw new InvalidArgumentError(
      name,
      `${name}: expected ${regions.length} heads, got ${channels} channels`,
    );
  for (const region of heads ? [] : regions) {
    const outside = region.labels.find((label) => label >= channels);
    if (outside !== undefined)
      throw new InvalidArgumentError(
        name,
        `${name}: region ${region.name} has label ${outside}, probs has classes 0 to ${channels - 1}`,
      );
  }
  const parts = regions.map((region, head) => ({
    labels: region.labels,
    channels: heads ? [head] : region.labels,
  }));
  const found = await regionCases(probs, labels, parts, { ignore, signal });
  return found.map((region) => ({ ...rest, name, ...region }));
}
