import { type Fold, labelNumbers, openImageCases, type StoredMasks } from "@pixelcal/io";
import { valueRange } from "@pixelcal/train";
import { CommandError } from "../command-error.js";

const splits = ["train", "val", "test"] as const;

/** The properties of a data set that a network must know, and the number of cases in each split. */
export interface DataShape {
  readonly channels: number;
  /** The number of spatial axes. */
  readonly rank: number;
  /** The number of classes, the largest label + 1. */
  readonly classes: number;
  readonly cases: Readonly<Record<(typeof splits)[number], number>>;
  /** The least and the largest size of the images per axis, in pixels. */
  readonly sizes: { readonly least: readonly number[]; readonly largest: readonly number[] };
  /** The least and the largest value of the images, as stored. */
  readonly values: { readonly least: number; readonly largest: number };
  /** Whether the images are volumes, whose values are a scanner's. */
  readonly volumes: boolean;
  /** The labels that occur, in ascending order. */
  readonly labels: readonly number[];
}

/**
 * Reads every case of `root/{train,val,test}` to find the properties of the data set; the label `ignore` is
 * no class.
 */
export async function describeData(root: string, ignore?: number): Promise<DataShape> {
  const cases: Record<string, number> = {};
  const labels = new Set<number>();
  const sizes: (readonly number[])[] = [];
  let [channels, volumes] = [0, false];
  const ranges: DataShape["values"][] = [];
  for (const split of splits) {
    const { names, source, read, maskCount, ending } = await openImageCases(root, split);
    const masks = await maskCount(names[0]!);
    if (masks > 0)
      throw new CommandError(
        `${source(names[0]!)}: labels are ${masks} masks, which pixelcal prepare plans a training for`,
      );
    volumes = ending !== undefined;
    cases[split] = names.length;
    for (const name of names) {
      const item = await read(name);
      channels ||= item.image.dims[0]!;
      sizes.push(item.image.dims.slice(1));
      ranges.push(await valueRange(source(name), item.image));
      if (item.labels) addLabels(labels, labelNumbers(item.labels));
    }
  }
  if (ignore !== undefined) labels.delete(ignore);
  const found = [...labels].sort((a, b) => a - b);
  return {
    channels,
    rank: sizes[0]!.length,
    classes: classCount(found),
    cases: cases as DataShape["cases"],
    sizes: { least: extremes(sizes, Math.min), largest: extremes(sizes, Math.max) },
    values: {
      least: Math.min(...ranges.map(({ least }) => least)),
      largest: Math.max(...ranges.map(({ largest }) => largest)),
    },
    volumes,
    labels: found,
  };
}

/** Returns the number of classes that labels in ascending order need, two at least. */
export const classCount = (labels: readonly number[]): number => Math.max(2, (labels.at(-1) ?? 0) + 1);

/**
 * Returns the label that seems to mark pixels without a ground truth, if there is one: the only negative one,
 * or 255 where the others are far below.
 */
export function voidLabel(labels: readonly number[]): number | undefined {
  const [first, second] = labels;
  if (first! < 0) return second === undefined || second >= 0 ? first : undefined;
  return labels.at(-1) === 255 && (labels.at(-2) ?? 0) < 128 ? 255 : undefined;
}

/** Throws CommandError for masks of 0 and 255, which are neither classes nor a class and voids. */
export function checkLabelNumbers(root: string, labels: readonly number[]): void {
  if (labels.at(-1) !== 255 || labels.some((label) => label !== 0 && label !== 255)) return;
  throw new CommandError(`${root}: labels are 0 and 255; expected class numbers: store a mask as 0 and 1`);
}

/** Adds each label that occurs; pixels beside one another are mostly equal. */
function addLabels(labels: Set<number>, numbers: ArrayLike<number>): void {
  let last: number | undefined;
  for (let i = 0; i < numbers.length; i++) {
    const label = numbers[i]!;
    if (label !== last) labels.add((last = label));
  }
}

/** Returns the extreme size of each axis of the first case. */
const extremes = (sizes: readonly (readonly number[])[], of: typeof Math.min): readonly number[] =>
  sizes[0]!.map((first, axis) => of(...sizes.map((size) => size[axis] ?? first)));

/** Returns the shape [C, ...spatial] of the first image of a split, whose labels may be stored as masks. */
export async function firstImageDims(
  root: string,
  split: string,
  { masks, fold }: { readonly masks?: StoredMasks | undefined; readonly fold?: Fold | undefined } = {},
): Promise<readonly number[]> {
  const { names, read } = await openImageCases(root, split, fold);
  return (await read(names[0]!, { masks })).image.dims;
}
