import { join } from "node:path";
import { checkOptions, invalidArgument, type Labels, optionNames, type Tensor } from "@pixelcal/core";
import { type Case, classLabels, FormatError, labelNumbers, listCases, readCase } from "@pixelcal/io";
import type { LabelRange } from "@pixelcal/losses";

/** A case as a loader takes it. */
export interface DatasetCase {
  /** [C, ...spatial], all finite */
  readonly image: Tensor<"float32">;
  /** [...spatial] */
  readonly labels: Tensor<"uint8"> | Tensor<"int32">;
  readonly spacing?: readonly number[];
  /** Further arrays of the case: [...spatial], [C, ...spatial] or not spatial. */
  readonly extras: Readonly<Record<string, Tensor>>;
}

/** Cases by index. Reading a case twice may give the same arrays; callers must not change them. */
export interface Dataset {
  readonly names: readonly string[];
  readonly classes: number;
  /** Numbers that the labels of every case hold, where the data set checks them. */
  readonly labelRange?: LabelRange;
  readonly channels: number;
  /** Number of spatial axes. */
  readonly rank: number;
  read(index: number): Promise<DatasetCase>;
  /** Names the file or place of a case, for messages. */
  source(index: number): string;
}

export interface NpzDatasetOptions {
  readonly classes: number;
  /** A label outside [0, classes) that marks pixels without ground truth. */
  readonly ignore?: number;
  /** Arrays to load beside image and label. */
  readonly extras?: readonly string[];
  /** Bytes of cases to keep in memory; 1 GiB by default, 0 for none. */
  readonly cacheBytes?: number;
  /** Which cases to read and check before training starts: all of them (default) or only the first. */
  readonly check?: "all" | "first";
}

const names = optionNames<NpzDatasetOptions>({
  classes: true,
  ignore: true,
  extras: true,
  cacheBytes: true,
  check: true,
});

const expectedLayout =
  "expected ROOT/{train,val,test}/*.npz, each with image float32 (C, ...) and label int64 (...)";

function caseBytes(item: DatasetCase): number {
  const extras = Object.values(item.extras).reduce((sum, { data }) => sum + data.byteLength, 0);
  return item.image.data.byteLength + item.labels.data.byteLength + extras;
}

/** The .npz cases of one split of a data set, sorted by name. */
export class NpzDataset implements Dataset {
  readonly names: readonly string[];
  readonly classes: number;
  readonly labelRange: LabelRange;
  channels = 0;
  rank = 0;
  /** The least size per spatial axis of the cases read so far; of all with option `check` "all". */
  least: readonly number[] = [];
  readonly #folder: string;
  readonly #options: NpzDatasetOptions;
  readonly #cache = new Map<number, DatasetCase>();
  #room: number;

  private constructor(folder: string, names: readonly string[], options: NpzDatasetOptions) {
    this.#folder = folder;
    this.names = names;
    this.classes = options.classes;
    const { classes, ignore } = options;
    this.labelRange = { classes, ...(ignore !== undefined && { ignore }) };
    this.#options = options;
    this.#room = options.cacheBytes ?? 2 ** 30;
  }

  /**
   * Lists `root/split/*.npz` and checks the cases: readable, the same number of channels and spatial axes
   * everywhere, finite images, labels in [0, classes) or `ignore`. Throws FormatError naming the file.
   */
  static async open(root: string, split: string, options: NpzDatasetOptions): Promise<NpzDataset> {
    checkOptions("options", options, names);
    const { classes, cacheBytes = 0, check = "all" } = options;
    if (check !== "all" && check !== "first") throw invalidArgument("check", "all or first", check);
    if (!Number.isInteger(classes) || classes < 2)
      throw invalidArgument("classes", "an integer of 2 or more", classes);
    if (!(cacheBytes >= 0)) throw invalidArgument("cacheBytes", "a number of 0 or more", cacheBytes);
    const folder = join(root, split);
    const dataset = new NpzDataset(folder, await listCases(folder, expectedLayout), options);
    const { image, labels } = await dataset.read(0);
    dataset.channels = image.dims[0]!;
    dataset.rank = labels.dims.length;
    if (check === "all") await dataset.#checkAll();
    return dataset;
  }

  source(index: number): string {
    return join(this.#folder, `${this.names[index]}.npz`);
  }

  async read(index: number): Promise<DatasetCase> {
    if (!(index in this.names))
      throw invalidArgument("index", `an integer below ${this.names.length}`, index);
    const kept = this.#cache.get(index);
    if (kept) return kept;
    const path = this.source(index);
    const item = await this.#accept(path, await readCase(path, { extras: this.#options.extras }));
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

  async #accept(path: string, { image, labels, spacing, extras }: Case): Promise<DatasetCase> {
    const [channels, rank] = [image.dims[0]!, labels.dims.length];
    if (this.rank > 0 && (channels !== this.channels || rank !== this.rank)) {
      const [first, here] = [
        [this.channels, this.rank],
        [channels, rank],
      ].map(([c, r]) => `${c} channel(s) and ${r} spatial axes`);
      throw new FormatError(path, "image", `has ${here}, but ${this.source(0)} has ${first}`);
    }
    const wrong = image.data.findIndex((value) => !Number.isFinite(value));
    if (wrong >= 0)
      throw new FormatError(
        path,
        "image",
        `expected finite values, got ${image.data[wrong]} at offset ${wrong}`,
      );
    this.least = labels.dims.map((n, axis) => Math.min(n, this.least[axis] ?? n));
    return { image, labels: await acceptedLabels(path, labels, this.labelRange), spacing, extras };
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
