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
} from "@pixelcal/io";
import type { LabelRange } from "@pixelcal/losses";
import type { Preparation } from "../preparation/preparation.js";
import { prepareCase } from "../preparation/prepare-case.js";
import type { Dataset, DatasetCase, DatasetImage } from "./dataset-case.js";
import { inTurns } from "./in-turns.js";

/** The dims [C, ...spatial] of images, and the first case that has them. */
export interface CaseShape {
  readonly dims: readonly number[];
  readonly index: number;
}

export interface FileDatasetOptions {
  readonly classes: number;
  /** A label outside [0, classes) that marks pixels without ground truth. */
  readonly ignore?: number;
  /** The fold whose cases train and validate; the folders' or lists' own split by default. */
  readonly fold?: Fold;
  /** The way from stored images to those of the data set; as stored by default. */
  readonly preparation?: Preparation;
  /** Arrays to load beside image and label. */
  readonly extras?: readonly string[];
  /** Bytes of cases to keep in memory; 1 GiB by default, 0 for none. */
  readonly cacheBytes?: number;
  /** Which cases to read and check before training starts: all of them (default) or only the first. */
  readonly check?: "all" | "first";
}

const names = optionNames<FileDatasetOptions>({
  classes: true,
  ignore: true,
  fold: true,
  preparation: true,
  extras: true,
  cacheBytes: true,
  check: true,
});

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
  values: { readonly least: number; readonly largest: number } = {
    least: Number.POSITIVE_INFINITY,
    largest: Number.NEGATIVE_INFINITY,
  };
  readonly #shapes = new Map<string, CaseShape>();
  readonly #sizes = new Map<number, readonly number[]>();
  /** The files that the cases are read from, and a line that says what was recognised. */
  readonly cases: ImageCases;
  readonly #options: FileDatasetOptions;
  readonly #cache = new Map<number, DatasetImage>();
  #room: number;

  private constructor(cases: ImageCases, options: FileDatasetOptions) {
    this.cases = cases;
    this.names = cases.names;
    this.classes = options.classes;
    const { classes, ignore } = options;
    this.labelRange = { classes, ...(ignore !== undefined && { ignore }) };
    this.#options = options;
    this.#room = options.cacheBytes ?? 2 ** 30;
  }

  /**
   * Lists the cases of a split and checks them: readable, the same number of channels and spatial axes
   * everywhere, finite images, labels in [0, classes) or `ignore`. Throws FormatError naming the file.
   */
  static async open(root: string, split: string, options: FileDatasetOptions): Promise<FileDataset> {
    checkOptions("options", options, names);
    const { classes, cacheBytes = 0, check = "all", extras = [], preparation } = options;
    if (extras.length > 0 && (preparation?.crop || preparation?.spacing))
      throw invalidArgument(
        "extras",
        "no further arrays beside a preparation that crops or resamples",
        extras,
      );
    if (check !== "all" && check !== "first") throw invalidArgument("check", "all or first", check);
    if (!Number.isInteger(classes) || classes < 2)
      throw invalidArgument("classes", "an integer of 2 or more", classes);
    if (!(cacheBytes >= 0)) throw invalidArgument("cacheBytes", "a number of 0 or more", cacheBytes);
    const dataset = new FileDataset(await openImageCases(root, split, options.fold), options);
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

  async read(index: number): Promise<DatasetCase> {
    const item = await this.readImage(index);
    if (!isLabelled(item)) throw new FormatError(this.source(index), "label", "has no label map");
    return item;
  }

  /** Reads a case as `read` does, or an image without labels. */
  async readImage(index: number): Promise<DatasetImage> {
    if (!(index in this.names))
      throw invalidArgument("index", `an integer below ${this.names.length}`, index);
    const kept = this.#cache.get(index);
    if (kept) return kept;
    const { extras } = this.#options;
    const item = await this.#accept(index, await this.cases.read(this.names[index]!, { extras }));
    // The first cases that fit stay: with a shuffled order over more cases than fit, evicting the oldest
    // would never hit.
    const bytes = caseBytes(item);
    if (bytes <= this.#room && !this.#cache.has(index)) {
      this.#room -= bytes;
      this.#cache.set(index, item);
    }
    return item;
  }

  async #checkAll(): Promise<void> {
    // Four at a time: unpacking runs on threads, and memory stays bounded.
    for (let start = 1; start < this.names.length; start += 4) {
      const few = this.names.slice(start, start + 4).map((_, i) => this.read(start + i));
      // Where several fail, the first file's error is thrown, whichever failed first.
      for (const result of await Promise.allSettled(few))
        if (result.status === "rejected") throw result.reason;
    }
  }

  async #accept(index: number, { image: stored, labels, ...item }: ImageCase): Promise<DatasetImage> {
    const path = this.source(index);
    const [channels, ...size] = stored.dims as [number, ...number[]];
    const rank = size.length;
    if (this.rank > 0 && (channels !== this.channels || rank !== this.rank)) {
      const [first, here] = [
        [this.channels, this.rank],
        [channels, rank],
      ].map(([c, r]) => `${c} channel(s) and ${r} spatial axes`);
      throw new FormatError(path, "image", `has ${here}, but ${this.source(0)} has ${first}`);
    }
    await this.#checkValues(path, stored);
    const found = labels && (await acceptedLabels(path, labels, this.labelRange));
    const whole = { ...item, image: stored, ...(found && { labels: found }) };
    const { preparation } = this.#options;
    const accepted = preparation ? await prepared(path, whole, preparation) : whole;
    const { image } = accepted;
    this.least = image.dims.slice(1).map((n, axis) => Math.min(n, this.least[axis] ?? n));
    this.#sizes.set(index, image.dims.slice(1));
    const shape = image.dims.join();
    const first = this.#shapes.get(shape)?.index ?? index;
    this.#shapes.set(shape, { dims: image.dims, index: Math.min(first, index) });
    return accepted;
  }

  async #checkValues(path: string, { data }: DatasetImage["image"]): Promise<void> {
    let { least, largest } = this.values;
    await inTurns(data.length, (begin, end) => {
      for (let i = begin; i < end; i++) {
        const value = data[i]!;
        if (!Number.isFinite(value))
          throw new FormatError(path, "image", `expected finite values, got ${value} at offset ${i}`);
        if (value < least) least = value;
        if (value > largest) largest = value;
      }
    });
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
