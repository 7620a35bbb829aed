import {
  checkOptions,
  InvalidArgumentError,
  invalidArgument,
  type Labels,
  optionNames,
} from "@pixelcal/core";
import {
  classLabels,
  type Fold,
  FormatError,
  type ImageCase,
  type ImageCases,
  labelNumbers,
  openImageCases,
  type StoredMasks,
} from "@pixelcal/io";
import type { LabelRange } from "@pixelcal/losses";
import type { Preparation } from "../preparation/preparation.js";
import { prepareCase } from "../preparation/prepare-case.js";
import { CaseStore, StoredCase } from "./case-store.js";
import type { Dataset, DatasetCase, DatasetImage, OpenCase } from "./dataset-case.js";
import { checkAxes, type ValueRange, valueRange } from "./image-checks.js";
import { caseInMemory } from "./open-case.js";

/** The dims [C, ...spatial] of images, and the first case that has them. */
export interface CaseShape {
  readonly dims: readonly number[];
  readonly index: number;
}

export interface FileDatasetOptions {
  readonly classes: number;
  /** The masks that files hold in place of label maps; `classes` is then 2 to the power of their number. */
  readonly masks?: StoredMasks | undefined;
  /** A label outside [0, classes) that marks pixels without ground truth. */
  readonly ignore?: number;
  /** The fold whose cases train and validate; the folders' or lists' own split by default. */
  readonly fold?: Fold | undefined;
  /** The way from stored images to those of the data set; as stored by default. */
  readonly preparation?: Preparation;
  /** Arrays to load beside image and label. */
  readonly extras?: readonly string[];
  /** Bytes of cases to keep in memory; 1 GiB by default, 0 for none. */
  readonly cacheBytes?: number;
  /**
   * A folder for the cases that are not kept in memory, prepared and uncompressed: they are read in parts,
   * and found there again by their content. Without it they are read and prepared whenever they are needed.
   */
  readonly store?: string;
  /** Which cases to read and check before training starts: all of them (default) or only the first. */
  readonly check?: "all" | "first";
}

const names = optionNames<FileDatasetOptions>({
  classes: true,
  masks: true,
  ignore: true,
  fold: true,
  preparation: true,
  extras: true,
  cacheBytes: true,
  store: true,
  check: true,
});

/** Bytes of cases that a split keeps in memory by default. */
export const usualCacheBytes: number = 2 ** 30;

/** Bytes of cases that are unpacked and prepared at the same time, if one alone does not have more. */
const unpacked = 2 ** 28;

const isLabelled = (item: DatasetImage): item is DatasetImage & DatasetCase => item.labels !== undefined;

function caseBytes({ image, labels, extras }: DatasetImage): number {
  const more = Object.values(extras).reduce((sum, { data }) => sum + data.byteLength, 0);
  return image.data.byteLength + (labels?.data.byteLength ?? 0) + more;
}

/**
 * The cases of one split of a data set, sorted by name: `root/split/*.npz`, nnU-Net's raw folder or a MONAI
 * data list.
 */
export class FileDataset implements Dataset {
  readonly names: readonly string[];
  readonly classes: number;
  readonly labelRange: LabelRange;
  channels = 0;
  rank = 0;
  /** The least size per spatial axis of the cases read so far; of all with option `check` "all". */
  least: readonly number[] = [];
  /** The least and the largest value of the images read so far, as stored. */
  values: ValueRange = {
    least: Number.POSITIVE_INFINITY,
    largest: Number.NEGATIVE_INFINITY,
  };
  readonly #shapes = new Map<string, CaseShape>();
  readonly #sizes = new Map<number, readonly number[]>();
  /** The files that the cases are read from, and a line that says what was recognised. */
  readonly cases: ImageCases;
  readonly #options: FileDatasetOptions;
  readonly #cache = new Map<number, DatasetImage>();
  readonly #stored = new Map<number, StoredCase>();
  #store: CaseStore | undefined;
  #room: number;
  /** Whether some case did not fit into memory: those after it are not kept there either. */
  #isFull = false;

  private constructor(cases: ImageCases, options: FileDatasetOptions) {
    this.cases = cases;
    this.names = cases.names;
    this.classes = options.classes;
    const { classes, ignore } = options;
    this.labelRange = { classes, ...(ignore !== undefined && { ignore }) };
    this.#options = options;
    this.#room = options.cacheBytes ?? usualCacheBytes;
  }

  /**
   * Lists the cases of a split and checks them: readable, the same number of channels and spatial axes
   * everywhere, finite images, labels in [0, classes) or `ignore`. Throws FormatError naming the file.
   */
  static async open(root: string, split: string, options: FileDatasetOptions): Promise<FileDataset> {
    checkOptions("options", options, names);
    const { classes, cacheBytes = 0, check = "all", extras = [], preparation, store } = options;
    if (extras.length > 0 && (preparation?.crop || preparation?.spacing))
      throw invalidArgument(
        "extras",
        "no further arrays beside a preparation that crops or resamples",
        extras,
      );
    if (extras.length > 0 && store !== undefined)
      throw invalidArgument("extras", "no further arrays beside a store", extras);
    if (check !== "all" && check !== "first") throw invalidArgument("check", "all or first", check);
    if (!Number.isInteger(classes) || classes < 2)
      throw invalidArgument("classes", "an integer of 2 or more", classes);
    if (!(cacheBytes >= 0)) throw invalidArgument("cacheBytes", "a number of 0 or more", cacheBytes);
    const dataset = new FileDataset(await openImageCases(root, split, options.fold), options);
    if (store !== undefined) dataset.#store = await CaseStore.open(store);
    // A file of training must have labels, an image to predict need not.
    const { image } = await (check === "all" ? dataset.read(0) : dataset.readImage(0));
    dataset.channels = image.dims[0]!;
    dataset.rank = image.dims.length - 1;
    if (check === "all") await dataset.#checkAll();
    return dataset;
  }

  source(index: number): string {
    return this.cases.source(this.names[index]!);
  }

  /** Returns the spatial size of a case that was read, as all are with option `check` "all". */
  size = (index: number): readonly number[] => {
    const size = this.#sizes.get(index);
    if (size === undefined) throw invalidArgument("index", "a case that was read", index);
    return size;
  };

  /** The shapes of the images read so far, in the order of their first cases; of all with `check` "all". */
  get shapes(): readonly CaseShape[] {
    return [...this.#shapes.values()].sort((a, b) => a.index - b.index);
  }

  /** The number of cases read so far that the store holds, as memory does not. */
  get stored(): number {
    return this.#stored.size;
  }

  async read(index: number): Promise<DatasetCase> {
    return this.#labelled(index, await this.readImage(index));
  }

  /** Reads a case as `read` does, or an image without labels. */
  async readImage(index: number): Promise<DatasetImage> {
    const found = await this.#find(index);
    return found instanceof StoredCase ? found.whole() : found;
  }

  /** Opens a case to be read in parts: from memory, from the store, or else as `read` does. */
  async open(index: number): Promise<OpenCase> {
    const found = await this.#find(index);
    return found instanceof StoredCase ? found : caseInMemory(this.#labelled(index, found));
  }

  #labelled(index: number, item: DatasetImage): DatasetImage & DatasetCase {
    if (!isLabelled(item)) throw new FormatError(this.source(index), "label", "has no label map");
    return item;
  }

  /** Returns a case that is kept, or reads and keeps it: in memory where it fits, else in the store. */
  async #find(index: number): Promise<DatasetImage | StoredCase> {
    if (!(index in this.names))
      throw invalidArgument("index", `an integer below ${this.names.length}`, index);
    const kept = this.#cache.get(index) ?? this.#stored.get(index);
    if (kept) return kept;
    const path = this.#isFull ? await this.#pathOf(index) : undefined;
    const known = path === undefined ? undefined : await this.#store!.find(path);
    if (known !== undefined) return this.#keep(index, known);
    const { extras, masks } = this.#options;
    const stored = await this.cases.read(this.names[index]!, { extras, masks });
    const { item, values } = await this.#accept(index, stored);
    // The first cases that fit stay: with a shuffled order over more cases than fit, evicting the oldest
    // would never hit.
    const bytes = caseBytes(item);
    if (!this.#isFull && bytes <= this.#room) {
      if (this.#cache.has(index)) return item;
      this.#room -= bytes;
      this.#cache.set(index, item);
      return item;
    }
    this.#isFull = true;
    if (this.#store === undefined || !isLabelled(item)) return item;
    const place = path ?? (await this.#pathOf(index))!;
    // The first that does not fit was read before the store was asked.
    const there = path === undefined ? await this.#store.find(place) : undefined;
    return this.#keep(index, there ?? (await this.#store.write(place, item, values)));
  }

  /** Returns where the store has a case, which depends on its files and on what is made of them. */
  async #pathOf(index: number): Promise<string | undefined> {
    const { classes, ignore, preparation } = this.#options;
    return this.#store?.pathOf(this.cases.files(this.names[index]!), { classes, ignore, preparation });
  }

  #keep(index: number, stored: StoredCase): StoredCase {
    this.#note(index, [stored.channels, ...stored.size], stored.values);
    this.#stored.set(index, stored);
    return stored;
  }

  async #checkAll(): Promise<void> {
    // Some at a time: unpacking runs on threads. Memory stays bounded, whatever the size of a case.
    const bytes = caseBytes(await this.read(0));
    const most = Math.max(1, Math.min(4, Math.floor(unpacked / bytes)));
    for (let start = 1; start < this.names.length; start += most) {
      const few = this.names.slice(start, start + most).map((_, i) => this.#find(start + i));
      // Where several fail, the first file's error is thrown, whichever failed first.
      for (const [i, result] of (await Promise.allSettled(few)).entries()) {
        if (result.status === "rejected") throw result.reason;
        if (!(result.value instanceof StoredCase)) this.#labelled(start + i, result.value);
      }
    }
  }

  async #accept(
    index: number,
    { image: stored, labels, ...item }: ImageCase,
  ): Promise<{ item: DatasetImage; values: ValueRange }> {
    const path = this.source(index);
    this.#checkAxes(path, stored.dims);
    const values = await valueRange(path, stored);
    const found = labels && (await acceptedLabels(path, labels, this.labelRange));
    const whole = { ...item, image: stored, ...(found && { labels: found }) };
    const { preparation } = this.#options;
    const accepted = preparation ? await prepared(path, whole, preparation) : whole;
    this.#note(index, accepted.image.dims, values);
    return { item: accepted, values };
  }

  #checkAxes(path: string, [channels = 0, ...{ length: rank }]: readonly number[]): void {
    if (this.rank > 0) checkAxes(path, { channels, rank }, this.source(0), this);
  }

  /** Notes the size of a case that is ready, and the values that its file holds. */
  #note(index: number, dims: readonly number[], { least, largest }: ValueRange): void {
    this.#checkAxes(this.source(index), dims);
    const size = dims.slice(1);
    this.least = size.map((n, axis) => Math.min(n, this.least[axis] ?? n));
    this.#sizes.set(index, size);
    const shape = dims.join();
    const first = this.#shapes.get(shape)?.index ?? index;
    this.#shapes.set(shape, { dims, index: Math.min(first, index) });
    this.values = {
      least: Math.min(least, this.values.least),
      largest: Math.max(largest, this.values.largest),
    };
  }
}

/** Returns a prepared case; what does not fit its preparation is an error of its file. */
async function prepared(path: string, item: DatasetImage, preparation: Preparation): Promise<DatasetImage> {
  try {
    return (await prepareCase(item, preparation)).item;
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error;
    throw new FormatError(path, undefined, error.message, { cause: error });
  }
}

/**
 * Returns a file's labels, checked: as uint8 where every number of the range fits (stored ones without a
 * copy), else as int32. Throws FormatError naming the file and the first stray label.
 */
export async function acceptedLabels(
  path: string,
  labels: Labels,
  { classes, ignore }: LabelRange,
): Promise<DatasetCase["labels"]> {
  const checked = await classLabels(path, labels, classes, ignore);
  if (checked.type !== "int64") return checked;
  const numbers = labelNumbers(checked);
  const data = numbers instanceof Int32Array ? numbers : new Int32Array(numbers);
  return { type: "int32", dims: labels.dims, data };
}
