import { basename, dirname, resolve, sep } from "node:path";
import { FormatError } from "../errors.js";
import type { ImageCases } from "./image-case.js";
import { isObject, readJson } from "./json-file.js";
import { volumeMaskCount } from "./read-mask-volumes.js";
import { type ChosenCases, everyFifth, type Fold, knownSplit } from "./split.js";
import { readVolumeCase } from "./volume-case.js";

/** A case of a data list: the paths of its channels and of its labels, one or a mask for each region. */
interface Entry {
  readonly images: readonly string[];
  readonly labels: readonly string[];
  readonly fold: number | undefined;
}

/** The keys of a split's list, MONAI's and the Medical Segmentation Decathlon's. */
const keys = { train: ["training"], val: ["validation"], test: ["test", "testing"] } as const;

/** Returns whether a dataset.json is a data list, which nnU-Net's is not. */
export const isDataList = async (path: string): Promise<boolean> => {
  const json = await readJson(path);
  return isObject(json) && Array.isArray(json.training);
};

/** Returns the name of an image's file without the ending. */
const stemOf = (path: string): string =>
  basename(path).replace(/(\.(nii|hdr|img))?(\.gz)?$|\.[A-Za-z]\w*$/, "");

/**
 * Returns how cases are named: by the file of their image, or where files of a list have one name, as in
 * sub-01/ses-1/ct.nii.gz, by as many folders above it as tell them apart, in every list.
 */
function naming(lists: readonly (readonly string[])[]): (path: string) => string {
  const foldersOf = (path: string): readonly string[] => dirname(path).split(sep);
  for (let count = 0; lists.flat().some((path) => foldersOf(path).length > count); count++) {
    const nameOf = (path: string): string => {
      const folders = foldersOf(path);
      return [...folders.slice(folders.length - count), stemOf(path)].join("_");
    };
    if (lists.every((list) => new Set(list.map(nameOf)).size === new Set(list).size)) return nameOf;
  }
  return stemOf;
}

/** The lists of a data list, and the names of their cases. */
interface Lists {
  readonly entries: Readonly<Record<keyof typeof keys, readonly Entry[]>>;
  readonly nameOf: (path: string) => string;
}

async function readLists(path: string): Promise<Lists> {
  const json = await readJson(path);
  if (!isObject(json)) throw new FormatError(path, "training", "expected a JSON object of lists of cases");
  const listed = (key: string): readonly Entry[] => {
    const list = json[key] ?? [];
    if (!Array.isArray(list)) throw new FormatError(path, key, "expected a list of cases");
    return list.map((item, i) => entryOf(path, `${key}[${i}]`, item));
  };
  const of = (split: keyof typeof keys): readonly Entry[] =>
    keys[split].map(listed).find((list) => list.length > 0) ?? [];
  const entries = { train: of("train"), val: of("val"), test: of("test") };
  const nameOf = naming(Object.values(entries).map((list) => list.map(({ images }) => images[0]!)));
  return { entries, nameOf };
}

/**
 * Returns the files of the labels of a data list by the name of their case: of its list to test, to validate
 * or to train with, the first with a case that `isPredicted`. Of a list to train with, which a
 * cross-validation predicts, these are the folds with such cases, or without folds those cases alone.
 */
export async function listedLabels(
  path: string,
  isPredicted: (name: string) => boolean,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const { entries, nameOf } = await readLists(path);
  const named = (list: readonly Entry[]) =>
    list
      .filter(({ labels }) => labels.length > 0)
      .map((entry) => ({ ...entry, name: nameOf(entry.images[0]!) }));
  const lists = [entries.test, entries.val, entries.train].map(named);
  const found = lists.find((list) => list.some(({ name }) => isPredicted(name))) ?? [];
  const folds = new Set(found.filter(({ name }) => isPredicted(name)).map(({ fold }) => fold));
  const isExpected = ({ name, fold }: (typeof found)[number]): boolean =>
    found !== lists[2] || (fold === undefined ? isPredicted(name) : folds.has(fold));
  return new Map(found.filter(isExpected).map(({ name, labels }) => [name, labels]));
}

/**
 * Opens a data list, `{"training": [{"image": "a.nii.gz", "label": "b.nii.gz", "fold": 0}], ...}`. Without a
 * list of validation, the cases of fold 0 validate, or every fifth one where no folds are given.
 */
export async function openDataList(path: string, given: string, fold?: Fold): Promise<ImageCases> {
  const split = knownSplit(path, given);
  const { entries: lists, nameOf } = await readLists(path);
  const separate = lists.val.length > 0;
  if (fold !== undefined && separate)
    throw new FormatError(path, "validation", "the list has a validation of its own; leave the fold out");
  const { cases: entries, how } =
    split === "test" || separate ? { cases: lists[split], how: "" } : folded(path, lists.train, split, fold);
  if (entries.length === 0)
    throw new FormatError(
      path,
      keys[split][0],
      `no cases of ${split}; expected a list of {"image", "label"}`,
    );
  const byName = new Map<string, Entry>();
  for (const entry of entries) {
    const name = nameOf(entry.images[0]!);
    if (byName.has(name)) throw new FormatError(path, keys[split][0], `two cases are named ${name}`);
    byName.set(name, entry);
  }
  const names = [...byName.keys()].sort();
  const first = byName.get(names[0]!)!.images;
  return {
    layout: `MONAI data list, ${names.length} cases of ${split}${how}, ${filesEach(first.length)}`,
    names,
    ending: endingOf(first[0]!),
    source: (name) => byName.get(name)!.images[0]!,
    files: (name) => {
      const { images, labels } = byName.get(name)!;
      return [...images, ...labels];
    },
    read: (name, options) => {
      const { images, labels } = byName.get(name)!;
      return readVolumeCase(images, labels, options);
    },
    maskCount: (name) => volumeMaskCount(byName.get(name)!.labels),
  };
}

function folded(
  path: string,
  all: readonly Entry[],
  split: "train" | "val",
  fold: Fold = 0,
): ChosenCases<Entry> {
  if (fold === "all" || !all.some((entry) => entry.fold !== undefined))
    return everyFifth(path, all, split, fold, ({ images }) => /sub-[A-Za-z0-9]+/.exec(images[0]!)?.[0]);
  const cases = all.filter((entry) => (entry.fold === fold) === (split === "val"));
  return { cases, how: ` (fold ${fold} validates)` };
}

function entryOf(path: string, key: string, item: unknown): Entry {
  const fields = typeof item === "string" ? { image: item } : item;
  const fail = (what: string): never => {
    throw new FormatError(path, key, what);
  };
  if (!isObject(fields)) return fail('expected {"image", "label"}');
  const { image, label, fold } = fields;
  const pathsOf = (name: string, value: unknown): readonly string[] => {
    const paths: readonly unknown[] = Array.isArray(value) ? value : [value];
    if (paths.length === 0 || !paths.every((each) => typeof each === "string" && each !== ""))
      return fail(`${name}: expected a path or a list of paths, got ${JSON.stringify(value)}`);
    return (paths as readonly string[]).map((relative) => resolve(dirname(path), relative));
  };
  if (fold !== undefined && typeof fold !== "number")
    return fail(`fold: expected a number, got ${JSON.stringify(fold)}`);
  return {
    images: pathsOf("image", image),
    labels: label === undefined ? [] : pathsOf("label", label),
    fold: fold as number | undefined,
  };
}

/** Says in words how many files an image has, each of which may have several channels. */
export const filesEach = (count: number): string =>
  count === 1 ? "1 image file each" : `${count} image files each`;

const endingOf = (path: string): string =>
  /(\.nii|\.hdr|\.img)?(\.gz)$|\.[A-Za-z]\w*$/.exec(basename(path))?.[0] ?? "";
