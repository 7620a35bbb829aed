import { checkOptions, invalidArgument, optionNames, Random, type Tensor } from "@pixelcal/core";
import { prefetch } from "@pixelcal/io";
import { assemble, type Batch, checkMembers, type Member, stack, unstack } from "./batch.js";
import { checkCrop, cut, cutCase, drawWindow, type Window } from "./crop.js";
import type { Dataset, DatasetCase } from "./dataset.js";
import { type Augmentation, checkAugmentation, drawTransform, identity } from "./transforms.js";

/**
 * Computes what a loss needs of the labels [N, ...spatial] ahead of the step. Called for several batches at
 * the same time.
 */
export type Targets = (
  batch: Pick<Batch, "images" | "labels" | "labelRange" | "spacing">,
) => Promise<Readonly<Record<string, Tensor>>>;

export interface LoaderOptions {
  readonly batchSize: number;
  readonly shuffle?: boolean;
  /** Decides order and augmentation, each a pure function of (seed, epoch, case); 0 by default. */
  readonly seed?: number;
  /**
   * Cases left over after the last whole batch: a smaller batch (as PyTorch does; a step graph of that size
   * is needed), none, or a whole batch filled up from the start of the epoch's order. "keep" by default.
   */
  readonly remainder?: "keep" | "drop" | "wrap";
  readonly augment?: Augmentation;
  /**
   * The spatial size of the window that is cut from each case, at a place drawn anew for every epoch; the
   * whole case by default. Targets are computed of whole cases and cut with them, so that no distance or
   * neighbourhood ends at a window's border.
   */
  readonly crop?: readonly number[];
  readonly targets?: Targets;
  /**
   * Bytes of targets to keep, computed case by case before augmentation and transformed with the images; 0
   * (default) computes the targets of every batch anew, after augmentation.
   */
  readonly targetCacheBytes?: number;
  /** Number of batches to prefetch; 2 by default. */
  readonly prefetch?: number;
}

const names = optionNames<LoaderOptions>({
  batchSize: true,
  shuffle: true,
  seed: true,
  remainder: true,
  augment: true,
  crop: true,
  targets: true,
  targetCacheBytes: true,
  prefetch: true,
});

function checkLoader(dataset: Dataset, options: LoaderOptions): void {
  checkOptions("options", options, names);
  const { batchSize, remainder = "keep", prefetch: depth = 2, targetCacheBytes = 0 } = options;
  if (!Number.isInteger(batchSize) || batchSize < 1)
    throw invalidArgument("batchSize", "an integer of 1 or more", batchSize);
  if (!Number.isInteger(depth) || depth < 1)
    throw invalidArgument("prefetch", "an integer of 1 or more", depth);
  if (!(targetCacheBytes >= 0))
    throw invalidArgument("targetCacheBytes", "a number of 0 or more", targetCacheBytes);
  if (!["keep", "drop", "wrap"].includes(remainder)) {
    throw invalidArgument("remainder", "keep, drop or wrap", remainder);
  }
  if (remainder === "drop" && dataset.names.length < batchSize) {
    throw invalidArgument(
      "batchSize",
      `at most ${dataset.names.length}, the number of cases, with remainder drop`,
      batchSize,
    );
  }
  if (options.augment !== undefined) checkAugmentation(options.augment, dataset.rank);
  if (options.crop !== undefined) checkCrop(options.crop, dataset.rank);
}

/** A member of a batch beside the whole case that its item was cut from. */
interface Cropped extends Member {
  readonly whole: DatasetCase;
  readonly window?: Window;
}

/** The batches of a data set by epoch, prefetched. */
export class Loader {
  readonly dataset: Dataset;
  readonly batchesPerEpoch: number;
  readonly #options: LoaderOptions;
  readonly #random: Random;
  readonly #kept = new Map<number, Readonly<Record<string, Tensor>>>();
  #room: number;

  constructor(dataset: Dataset, options: LoaderOptions) {
    checkLoader(dataset, options);
    const { batchSize, remainder = "keep", seed = 0, targetCacheBytes = 0 } = options;
    this.dataset = dataset;
    this.#options = options;
    this.#random = Random.fromSeed(seed);
    this.#room = targetCacheBytes;
    const batches = dataset.names.length / batchSize;
    this.batchesPerEpoch = remainder === "drop" ? Math.floor(batches) : Math.ceil(batches);
  }

  /** Returns the batches of an epoch; their content depends on the options and its number alone. */
  epoch(epoch: number): AsyncGenerator<Batch, void, undefined> {
    if (!Number.isInteger(epoch) || epoch < 0)
      throw invalidArgument("epoch", "an integer of 0 or more", epoch);
    // While a batch is in use the next ones are read, unpacked, transformed and given their targets.
    return prefetch(this.#plan(epoch), this.#options.prefetch ?? 2, (indices) => this.#make(epoch, indices));
  }

  /** Returns the case indices of every batch of an epoch. */
  #plan(epoch: number): number[][] {
    const { batchSize, shuffle = false, remainder = "keep" } = this.#options;
    const count = this.dataset.names.length;
    const random = this.#random.split("order").split(epoch);
    const order = shuffle ? [...random.permutation(count)] : Array.from({ length: count }, (_, i) => i);
    return Array.from({ length: this.batchesPerEpoch }, (_, k) => {
      const start = k * batchSize;
      const end = remainder === "wrap" ? start + batchSize : Math.min(count, start + batchSize);
      return Array.from({ length: end - start }, (_, i) => order[(start + i) % count]!);
    });
  }

  async #make(epoch: number, indices: readonly number[]): Promise<Batch> {
    const { augment = {}, crop, targets } = this.#options;
    const draws = this.#random.split("augment").split(epoch);
    const items = await Promise.all(indices.map((index) => this.dataset.read(index)));
    const members = indices.map((index, i): Cropped => {
      const whole = items[i]!;
      const random = draws.split(index);
      const transform = drawTransform(augment, this.dataset.rank, random);
      if (crop === undefined) return { index, item: whole, whole, transform };
      const window = drawWindow(crop, whole.labels.dims, random, this.dataset.source(index));
      return { index, item: cutCase(whole, window), whole, window, transform };
    });
    checkMembers(this.dataset, members);
    const batch = assemble(this.dataset, members);
    if (!targets) return batch;
    const mixed = batch.spacing === undefined && members.some(({ item }) => item.spacing !== undefined);
    const byCase = this.#options.targetCacheBytes || mixed || crop !== undefined;
    if (!byCase) return { ...batch, targets: await targets(batch) };
    return { ...batch, targets: await this.#targetsByCase(members, targets) };
  }

  /**
   * Computes targets of whole cases (kept, to be cut, or with spacings that differ) and cuts and transforms
   * them as the batch.
   */
  async #targetsByCase(members: readonly Cropped[], targets: Targets): Promise<Record<string, Tensor>> {
    const parts = await Promise.all(
      members.map(async ({ index, whole, window }) => {
        const found = await this.#targetsOf(index, whole, targets);
        if (window === undefined) return found;
        return Object.fromEntries(Object.entries(found).map(([name, array]) => [name, cut(array, window)]));
      }),
    );
    const spatial = members[0]!.item.labels.dims;
    const transforms = members.map(({ transform }) => transform);
    const names = Object.keys(parts[0]!);
    return Object.fromEntries(
      names.map((name) => [
        name,
        stack(
          parts.map((part) => part[name]!),
          spatial,
          transforms,
        ),
      ]),
    );
  }

  async #targetsOf(
    index: number,
    item: DatasetCase,
    targets: Targets,
  ): Promise<Readonly<Record<string, Tensor>>> {
    const kept = this.#kept.get(index);
    if (kept) return kept;
    const plain = identity(this.dataset.rank);
    const single = assemble(this.dataset, [{ index, item, transform: plain }]);
    const arrays = Object.entries(await targets(single)).map(
      ([name, array]) => [name, unstack(array)] as const,
    );
    const bytes = arrays.reduce((sum, [, { data }]) => sum + data.byteLength, 0);
    const result = Object.fromEntries(arrays);
    if (bytes <= this.#room && !this.#kept.has(index)) {
      this.#room -= bytes;
      this.#kept.set(index, result);
    }
    return result;
  }
}
