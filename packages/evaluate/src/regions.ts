import { InvalidArgumentError, invalidArgument, type Labels } from "@pixelcal/core";
import type { Region } from "@pixelcal/io";
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
 * Throws InvalidArgumentError.
 */
export function parseRegions(text: string): readonly Region[] {
  const source = Object.hasOwn(presets, text) ? presets[text as keyof typeof presets] : text;
  const expected = `NAME=LABEL+LABEL,... or ${Object.keys(presets).join(", ")}`;
  const regions = source.split(",").map((part): Region => {
    const match = /^\s*([^=,]{1,100}?)\s*=\s*(\d{1,9}(?:\s*\+\s*\d{1,9})*)\s*$/.exec(part);
    if (!match) throw invalidArgument("regions", expected, part.trim() || text);
    return { name: match[1]!, labels: [...new Set(match[2]!.split("+").map(Number))] };
  });
  const twice = regions.find(({ name }, i) => regions.findIndex((other) => other.name === name) !== i);
  if (twice) throw new InvalidArgumentError("regions", `regions: ${twice.name} is given twice`);
  return regions;
}

/**
 * Returns a case as the two-class problem of one region: its probability is that of its own sigmoid head
 * (`head`), or the sum over its labels; ignored pixels stay ignored. A region may contain the background.
 */
export function regionCase(
  item: EvaluationCase,
  { name, labels: members }: Region,
  { head, ignore }: { readonly head?: number; readonly ignore?: number } = {},
): EvaluationCase {
  const { probs, labels } = item;
  if (probs.type !== "float32")
    throw new InvalidArgumentError(item.name, `${item.name}: probs: regions need float32, got ${probs.type}`);
  const [channels, ...spatial] = probs.dims as [number, ...number[]];
  const outside = members.find((label) => label >= channels);
  if (head === undefined && outside !== undefined)
    throw new InvalidArgumentError(
      item.name,
      `${item.name}: region ${name} has label ${outside}, probs has classes 0 to ${channels - 1}`,
    );
  const pixels = probs.data.length / channels;
  const both = new Float32Array(2 * pixels);
  const inside = both.subarray(pixels);
  for (const channel of head === undefined ? members : [head]) {
    const values = probs.data.subarray(channel * pixels, (channel + 1) * pixels);
    for (let i = 0; i < pixels; i++) inside[i]! += values[i]!;
  }
  for (let i = 0; i < pixels; i++) {
    // Rounding of a softmax leaves sums a few units above 1; NaN stays and is refused by name.
    if (inside[i]! > 1 && inside[i]! < 1 + 1e-5) inside[i] = 1;
    both[i] = 1 - inside[i]!;
  }
  return {
    ...item,
    probs: { type: "float32", dims: [2, ...spatial], data: both },
    labels: regionLabels(labels, new Set(members), ignore),
  };
}

/** The label of ignored pixels in the masks of regions. */
export const ignoredInRegion = 255;

function regionLabels({ dims, data }: Labels, members: ReadonlySet<number>, ignore?: number): Labels {
  const mask = new Uint8Array(data.length);
  for (let i = 0; i < mask.length; i++) {
    const label = Number(data[i]);
    mask[i] = label === ignore ? ignoredInRegion : members.has(label) ? 1 : 0;
  }
  return { type: "uint8", dims, data: mask };
}
