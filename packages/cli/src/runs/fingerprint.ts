import { createHash } from "node:crypto";
import { elementCount, type Region } from "@pixelcal/core";
import {
  type Fold,
  FormatError,
  type ImageCase,
  type ImageCases,
  labelNumbers,
  maskRegions,
  openImageCases,
  prefetch,
  readNnunetDataset,
  storedMasks,
} from "@pixelcal/io";
import {
  checkAxes,
  foregroundLimit,
  foregroundValues,
  type ImageAxes,
  type IntensitySummary,
  inTurns,
  type NamedRegion,
  nonZeroWindow,
  resampledSize,
  summarizeIntensities,
  valueRange,
} from "@pixelcal/train";
import { CommandError } from "../command-error.js";
import { checkLabelNumbers, classCount, voidLabel } from "../inputs/data-shape.js";

/** The facts about a data set that a plan is made of; sizes, spacings and values are the training split's. */
export interface Fingerprint {
  readonly cases: Readonly<Record<"train" | "val" | "test", number>>;
  readonly channels: number;
  /** The number of spatial axes. */
  readonly rank: number;
  readonly classes: number;
  readonly ignore?: number;
  /** The regions that dataset.json asks for, and the label that each writes; or those that have masks. */
  readonly regions?: readonly NamedRegion[];
  readonly regionsClassOrder?: readonly number[];
  readonly sizes: readonly (readonly number[])[];
  /** The sizes of the boxes of the pixels that are not 0 in every channel. */
  readonly cropped: readonly (readonly number[])[];
  /** Undefined where some case has none. */
  readonly spacings?: readonly (readonly number[])[];
  /** The least and the largest value, as stored. */
  readonly values: { readonly least: number; readonly largest: number };
  /** The values, as stored, of each channel in the foreground; an empty list without any foreground. */
  readonly foreground: readonly IntensitySummary[];
  /** Whether the images are volumes, whose values are a scanner's. */
  readonly volumes: boolean;
  /** The share of the pixels that have each label, or lie in each mask. */
  readonly shares: Readonly<Record<string, number>>;
  /** The faults that the data may have, a sentence each. */
  readonly remarks: readonly string[];
}

/** A data set that was read once. */
export interface DataRead {
  readonly fingerprint: Fingerprint;
  /** The most bytes that the prepared cases of a split have, resampled to a spacing if there is one. */
  splitBytes(spacing: readonly number[] | undefined): number;
}

interface CaseFacts {
  readonly channels: number;
  readonly size: readonly number[];
  readonly cropped: readonly number[];
  /** Returns values of each channel at pixels of the foreground, which the label to ignore is not. */
  readonly foreground: (ignore: number | undefined) => readonly Float32Array[];
  readonly spacing?: readonly number[];
  readonly counts: ReadonlyMap<number, number>;
  readonly least: number;
  readonly largest: number;
  readonly hash: string;
}

/** A case that was read: its split, its file and its facts. */
type Found = readonly [split: string, source: string, facts: CaseFacts];

const splits = ["train", "val", "test"] as const;

/**
 * Reads every case of a data set. Throws for what a training would refuse: `FormatError` for cases without
 * labels, with values that are not finite, or that no network takes together, `CommandError` for labels that
 * dataset.json does not name. Remarks on the rest.
 */
export async function readData(root: string, fold?: Fold): Promise<DataRead> {
  const found = new Map<string, readonly Found[]>();
  const opened: Partial<Record<(typeof splits)[number], ImageCases>> = {};
  for (const split of splits) {
    const cases = await openImageCases(root, split, fold).catch((error: unknown) => {
      // A data set need not have a test split.
      if (split !== "test") throw error;
      return undefined;
    });
    if (cases !== undefined) opened[split] = cases;
  }
  const { dataset, ending } = opened.train!;
  const known = dataset === undefined ? undefined : await readNnunetDataset(dataset);
  const { names, maskCount } = opened.train!;
  const count = await maskCount(names[0]!);
  const masked =
    count === 0 ? undefined : maskRegions(Array.from({ length: count }, (_, i) => `mask_${i + 1}`));
  const masks = storedMasks(masked, known?.ignore);
  const limit = foregroundLimit(names.length);
  let first: { readonly source: string; readonly axes: ImageAxes } | undefined;
  for (const split of splits) {
    const cases = opened[split];
    if (cases === undefined) continue;
    const facts: Found[] = [];
    const read = async (name: string) => ({ name, item: await cases.read(name, { masks }) });
    // One case is read while the one before it is measured.
    for await (const { name, item } of prefetch(cases.names, 1, read)) {
      const source = cases.source(name);
      const axes = { channels: item.image.dims[0]!, rank: item.image.dims.length - 1 };
      first ??= { source, axes };
      checkAxes(source, axes, first.source, first.axes);
      if (item.labels === undefined && split !== "test")
        throw new FormatError(source, "label", "has no label map");
      const sample = split === "train" ? { ignore: known?.ignore, limit } : undefined;
      facts.push([split, source, await factsOf(source, item, sample)]);
    }
    found.set(split, facts);
  }
  const all = [...found.values()].flat();
  const train = (found.get("train") ?? []).map(([, , facts]) => facts);
  const labels = [...new Set(all.flatMap(([, , { counts }]) => [...counts.keys()]))].sort((a, b) => a - b);
  const areNamed = known !== undefined || masked !== undefined;
  if (!areNamed) checkLabelNumbers(root, labels);
  // Where nothing names the labels, one far from the others is no class.
  const unnamed = areNamed ? undefined : voidLabel(labels);
  const ignore = known?.ignore ?? unnamed;
  const present = labels.filter((label) => label !== ignore);
  const classes = masked ? 2 ** masked.length : (known?.classes ?? classCount(present));
  const stray = present.find((label) => label < 0 || label >= classes);
  if (stray !== undefined) {
    const place = all.find(([, , { counts }]) => counts.has(stray))!;
    throw new CommandError(`${place[1]}: holds the label ${stray}, expected 0 to ${classes - 1}`);
  }
  const spacings = train.flatMap(({ spacing }) => (spacing ? [spacing] : []));
  const fingerprint: Fingerprint = {
    cases: Object.fromEntries(
      splits.map((split) => [split, found.get(split)?.length ?? 0]),
    ) as Fingerprint["cases"],
    channels: train[0]!.channels,
    rank: train[0]!.size.length,
    classes,
    ...(ignore !== undefined && { ignore }),
    ...(masked
      ? { regions: masked.map(({ name }) => ({ name })) }
      : known?.hasRegions && {
          regions: known.regions.map(({ name, labels: members }) => ({ name, labels: members })),
          regionsClassOrder: known.regionsClassOrder!,
        }),
    sizes: train.map(({ size }) => size),
    cropped: train.map(({ cropped }) => cropped),
    ...(spacings.length === train.length && { spacings }),
    values: {
      least: Math.min(...train.map(({ least }) => least)),
      largest: Math.max(...train.map(({ largest }) => largest)),
    },
    foreground: await foregroundOf(train, ignore),
    volumes: ending !== undefined,
    shares: sharesOf(train, masked),
    remarks: [
      ...(unnamed === undefined
        ? []
        : [`the label ${unnamed} seems to mark pixels without a ground truth; dataset.ignore of the plan`]),
      ...remarksOn(all, { ignore, fold }),
      ...(masked ? absentMasks(masked, present) : absentLabels(present, classes)),
    ],
  };
  const bytesOf = (split: string, spacing: readonly number[] | undefined): number =>
    found.get(split)!.reduce((sum, [, , facts]) => sum + preparedBytes(facts, spacing), 0);
  return {
    fingerprint,
    splitBytes: (spacing) => Math.max(bytesOf("train", spacing), bytesOf("val", spacing)),
  };
}

/** Returns the most bytes that a case has, cut and resampled: float32 values, labels of 4 bytes or less. */
function preparedBytes(
  { channels, cropped, spacing }: CaseFacts,
  target: readonly number[] | undefined,
): number {
  // Without a spacing the case is refused where it is prepared.
  if (target !== undefined && spacing === undefined) return Number.POSITIVE_INFINITY;
  const size = target === undefined ? cropped : resampledSize(cropped, spacing!, target);
  return 4 * (channels + 1) * elementCount(size);
}

/** Returns the distribution of each channel's foreground over all cases. */
async function foregroundOf(
  train: readonly CaseFacts[],
  ignore: number | undefined,
): Promise<readonly IntensitySummary[]> {
  const channels = Array.from({ length: train[0]!.channels }, (_, c) =>
    summarizeIntensities(train.map(({ foreground }) => foreground(ignore)[c]!)),
  );
  return (await Promise.all(channels)).filter((summary) => summary !== undefined);
}

/** Measures a case; of one to train with also the values of its foreground. */
async function factsOf(
  source: string,
  { image, labels, spacing }: ImageCase,
  sample: { readonly ignore: number | undefined; readonly limit: number } | undefined,
): Promise<CaseFacts> {
  const range = await valueRange(source, image);
  const numbers = labels === undefined ? [] : labelNumbers(labels);
  const counts = await countsOf(numbers);
  const hash = createHash("sha256").update(image.data).digest("hex");
  const [channels = 0, ...size] = image.dims;
  const { size: cropped } = await nonZeroWindow(image);
  const measured = async (label: number | undefined): Promise<readonly Float32Array[]> =>
    sample ? foregroundValues({ image, labels: { data: numbers } }, label, sample.limit) : [];
  // Whether a label far from the others is one to ignore shows once all cases are read.
  const strange = sample?.ignore ?? voidLabel([...counts.keys()].sort((a, b) => a - b));
  const whole = await measured(sample?.ignore);
  const rest = strange === sample?.ignore ? whole : await measured(strange);
  const foreground = (label: number | undefined): typeof whole => (label === strange ? rest : whole);
  return { channels, size, cropped, foreground, ...(spacing && { spacing }), counts, ...range, hash };
}

/** Counts the pixels of each label; neighbours are mostly equal. */
async function countsOf(numbers: ArrayLike<number>): Promise<ReadonlyMap<number, number>> {
  const counts = new Map<number, number>();
  await inTurns(numbers.length, (begin, end) => {
    for (let from = begin, i = begin; i < end; from = i) {
      const label = numbers[from]!;
      while (i < end && numbers[i] === label) i++;
      counts.set(label, (counts.get(label) ?? 0) + i - from);
    }
  });
  return counts;
}

function sharesOf(cases: readonly CaseFacts[], masked: readonly Region[] | undefined): Fingerprint["shares"] {
  const sums = new Map<number, number>();
  for (const { counts } of cases)
    for (const [label, count] of counts) sums.set(label, (sums.get(label) ?? 0) + count);
  const total = [...sums.values()].reduce((a, b) => a + b, 0);
  const within = ({ labels }: Region): number =>
    labels.reduce((sum, label) => sum + (sums.get(label) ?? 0), 0);
  if (masked) return Object.fromEntries(masked.map((region) => [region.name, within(region) / total]));
  return Object.fromEntries([...sums].sort(([a], [b]) => a - b).map(([label, n]) => [label, n / total]));
}

const absentLabels = (present: readonly number[], classes: number): readonly string[] =>
  Array.from({ length: classes - 1 }, (_, i) => i + 1)
    .filter((label) => !present.includes(label))
    .map((label) => `no case has the label ${label}`);

const absentMasks = (masked: readonly Region[], present: readonly number[]): readonly string[] =>
  masked
    .filter(({ labels }) => !labels.some((label) => present.includes(label)))
    .map(({ name }) => `no case has a pixel in ${name}`);

function remarksOn(
  all: readonly Found[],
  { ignore, fold }: { readonly ignore: number | undefined; readonly fold: Fold | undefined },
): string[] {
  const remarks: string[] = [];
  if (fold === "all")
    remarks.push("every case trains and validates: the validation scores say nothing about other cases");
  const cases = fold === "all" ? all.filter(([split]) => split !== "val") : all;
  const first = new Map<string, Found>();
  for (const one of cases) {
    const [split, source, { hash }] = one;
    const earlier = first.get(hash);
    if (earlier === undefined) first.set(hash, one);
    else if (earlier[0] !== split)
      remarks.push(`${source}: the same image as ${earlier[1]}, of another split`);
  }
  for (const [split, source, { counts, least, largest }] of cases) {
    if (least === largest) remarks.push(`${source}: every value is ${least}`);
    const foreground = [...counts.keys()].some((label) => label !== 0 && label !== ignore);
    if (split === "train" && !foreground) remarks.push(`${source}: has no foreground`);
  }
  return remarks;
}
