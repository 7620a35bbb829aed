import {
  connectedComponents,
  invalidArgument,
  type Labels,
  type Region,
  sameDims,
  tensor,
} from "@pixelcal/core";
import { labelNumbers } from "@pixelcal/io";
import { inTurns } from "../data/in-turns.js";
import type { LabelMap } from "./predict-labels.js";

/** The sets of labels of which a label map keeps the largest component alone, one after another. */
export interface Postprocessing {
  readonly keepLargest: readonly (readonly number[])[];
}

/** Pixels inside of some labels, as 1. */
type Mask = Uint8Array<ArrayBuffer>;

/**
 * Returns a label map [...spatial] of which each set of labels keeps its largest component; neighbours share
 * a face, an edge or a corner. Pixels of the others become background. Of components of one size the first
 * stays.
 */
export async function postprocessed(map: LabelMap, { keepLargest }: Postprocessing): Promise<LabelMap> {
  const data = map.data.slice();
  const kept = { ...map, data } as LabelMap;
  for (const labels of keepLargest) {
    const inside = await maskOf(data, labels);
    const largest = await largestComponent(inside, map.dims);
    await inTurns(data.length, (begin, end) => {
      for (let i = begin; i < end; i++) if (inside[i] !== largest[i]) data[i] = 0;
    });
  }
  return kept;
}

async function maskOf(data: ArrayLike<number>, labels: readonly number[]): Promise<Mask> {
  const members = new Set(labels);
  const mask = new Uint8Array(data.length);
  await inTurns(data.length, (begin, end) => {
    // Neighbours are mostly equal.
    let [last, isMember] = [Number.NaN, 0];
    for (let i = begin; i < end; i++) {
      const label = data[i]!;
      if (label !== last) [last, isMember] = [label, Number(members.has(label))];
      mask[i] = isMember;
    }
  });
  return mask;
}

async function largestComponent(mask: Mask, dims: readonly number[]): Promise<Mask> {
  const { labels, counts } = await connectedComponents(tensor("uint8", mask, [1, ...dims]));
  const [count = 0] = counts;
  if (count <= 1) return mask;
  const sizes = new Float64Array(count + 1);
  const { data } = labels;
  await inTurns(data.length, (begin, end) => {
    for (let i = begin; i < end; i++) sizes[data[i]!]! += 1;
  });
  sizes[0] = 0;
  const largest = sizes.indexOf(sizes.reduce((a, b) => Math.max(a, b)));
  const kept = new Uint8Array(mask.length);
  await inTurns(data.length, (begin, end) => {
    for (let i = begin; i < end; i++) kept[i] = Number(data[i] === largest);
  });
  return kept;
}

/** The Dice scores of the parts of a case, null where prediction and labels have neither. */
type PartDice = readonly (number | null)[];

/** The Dice scores of a predicted label map, in a form that JSON can hold. */
export interface PostprocessingDice {
  /** The scores of the map as predicted, and of it with the largest component of all parts together. */
  readonly plain: readonly PartDice[];
  /** The scores of each part where of it alone the largest component of those maps stays. */
  readonly largest: readonly PartDice[];
}

/** Scores a predicted label map and what would stay of it, against the labels [...spatial] of the case. */
export async function postprocessingDice(
  map: LabelMap,
  truth: Labels,
  parts: readonly Pick<Region, "labels">[],
  ignore?: number,
): Promise<PostprocessingDice> {
  if (!sameDims(map.dims, truth.dims))
    throw invalidArgument("labels", `shape [${map.dims}]`, `[${truth.dims}]`);
  const numbers = labelNumbers(truth);
  const together = await postprocessed(map, { keepLargest: [allOf(parts)] });
  const [plain, largest]: (number | null)[][][] = [
    [[], []],
    [[], []],
  ];
  for (const { labels } of parts) {
    const target = await maskOf(numbers, labels);
    for (const [variant, { data }] of [map, together].entries()) {
      const inside = await maskOf(data, labels);
      const kept = await largestComponent(inside, map.dims);
      const dice = await diceOf(inside, target, numbers, ignore);
      plain![variant]!.push(dice);
      largest![variant]!.push(kept === inside ? dice : await diceOf(kept, target, numbers, ignore));
    }
  }
  return { plain: plain!, largest: largest! };
}

async function diceOf(
  mask: Mask,
  target: Mask,
  truth: ArrayLike<number>,
  ignore: number | undefined,
): Promise<number | null> {
  let [both, predicted, actual] = [0, 0, 0];
  await inTurns(mask.length, (begin, end) => {
    for (let i = begin; i < end; i++) {
      if (truth[i] === ignore) continue;
      predicted += mask[i]!;
      actual += target[i]!;
      both += mask[i]! & target[i]!;
    }
  });
  return predicted + actual === 0 ? null : (2 * both) / (predicted + actual);
}

const allOf = (parts: readonly Pick<Region, "labels">[]): readonly number[] => [
  ...new Set(parts.flatMap(({ labels }) => labels)),
];

/** A chosen postprocessing and the mean Dice of each part over the cases, without and with it. */
export interface ChosenPostprocessing extends Postprocessing {
  readonly parts: readonly (Pick<Region, "name"> & {
    readonly before: number | null;
    readonly after: number | null;
  })[];
}

/**
 * Chooses as nnU-Net does: the largest component of all parts together stays if that raises the mean Dice
 * over the parts and lowers none, then that of each part whose own Dice it raises. Regions that overlap are
 * judged one by one, not each after the change of those before it.
 */
export function choosePostprocessing(
  cases: readonly PostprocessingDice[],
  parts: readonly Region[],
): ChosenPostprocessing {
  const meansOf = (of: (one: PostprocessingDice) => PartDice): PartDice =>
    parts.map((_, part) => mean(cases.map((one) => of(one)[part]!)));
  const plain = meansOf((one) => one.plain[0]!);
  const together = meansOf((one) => one.plain[1]!);
  const keepsOne =
    parts.length > 1 &&
    (mean(together) ?? 0) > (mean(plain) ?? 0) &&
    together.every((dice, part) => (dice ?? 0) >= (plain[part] ?? 0));
  const before = keepsOne ? together : plain;
  const largest = meansOf((one) => one.largest[Number(keepsOne)]!);
  const raises = parts.map((_, part) => (largest[part] ?? 0) > (before[part] ?? 0));
  return {
    keepLargest: [
      ...(keepsOne ? [allOf(parts)] : []),
      ...parts.filter((_, part) => raises[part]).map(({ labels }) => labels),
    ],
    parts: parts.map(({ name }, part) => ({
      name,
      before: plain[part]!,
      after: raises[part] ? largest[part]! : before[part]!,
    })),
  };
}

function mean(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((a, b) => a + b, 0) / known.length;
}
