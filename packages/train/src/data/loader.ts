import {
  checkOptions,
  InvalidArgumentError,
  invalidArgument,
  optionNames,
  Random,
  type Tensor,
} from "@pixelcal/core";
import { prefetch } from "@pixelcal/io";
import { type Augmentation, checkAugmentation } from "./augmentation.js";
import { assemble, type Batch, checkMembers, type Member, stack, unstack } from "./batch.js";
import type { Dataset, DatasetCase, OpenCase, Window } from "./dataset-case.js";
import { foregroundLocations, type Locations } from "./foreground-locations.js";
import { drawIntensities } from "./intensities.js";
import { caseInMemory, caseWithin, padded } from "./open-case.js";
import { checkPatches, coveringWindows, cut, drawWindow, type PatchOptions } from "./patches.js";
import { checkShare, type Share, shareOf, sharesOf } from "./shares.js";
import { drawTransform, identity } from "./transforms.js";
import { drawWarp, readBy, type Warp, warpArray, warpCase, withinWindow } from "./warps.js";

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
   * The patches to cut from cases; whole cases by default. Targets are computed of whole cases and cut with
   * them, so that no distance or neighbourhood ends at a patch's border.
   */
  readonly patches?: PatchOptions;
  /**
   * The size of windows that cover every case, in order, in place of drawn patches: for validation. Where
   * they overlap, pixels count in each. The data set must know the sizes of its cases.
   */
  readonly cover?: readonly number[];
  readonly targets?: Targets;
  /**
   * Bytes of targets to keep, computed case by case before augmentation and transformed with the images:
   * read at the same places, so that distances stay those of the case as it is. 0 (default) computes the
   * targets of every batch anew, after augmentation, unless they are cut with patches.
   */
  readonly targetCacheBytes?: number;
  /** Number of batches to prefetch; 2 by default. */
  readonly prefetch?: number;
  /** The process whose share of every batch to return; whole batches by default. */
  readonly share?: Share;
}

const names = optionNames<LoaderOptions>({
  batchSize: true,
  shuffle: true,
  seed: true,
  remainder: true,
  augment: true,
  patches: true,
  cover: true,
  targets: true,
  targetCacheBytes: true,
  prefetch: true,
  share: true,
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
  if (options.share !== undefined) checkShare(options.share);
  if (options.augment !== undefined) checkAugmentation(options.augment, dataset.rank);
  if (options.patches !== undefined) checkPatches(options.patches, dataset.rank);
  if (options.cover !== undefined) {
    checkPatches({ size: options.cover }, dataset.rank);
    for (const name of ["patches", "augment"] as const)
      if (options[name] !== undefined)
        throw invalidArgument("cover", `no cover beside ${name}`, options.cover);
    if (dataset.size === undefined)
      throw new InvalidArgumentError("cover", "cover: needs a data set that knows the sizes of its cases");
  }
  const count = perEpoch(dataset, options);
  if (remainder === "drop" && count < batchSize) {
    const what = options.patches?.perEpoch === undefined ? "cases" : "patches";
    throw invalidArgument(
      "batchSize",
      `at most ${count}, the number of ${what}, with remainder drop`,
      batchSize,
    );
  }
}

/** Returns the number of items of an epoch, of which each case has one or, as patches, more or fewer. */
const perEpoch = (dataset: Dataset, { patches, cover }: LoaderOptions): number =>
  cover === undefined ? (patches?.perEpoch ?? dataset.names.length) : covering(dataset, cover).length;

/** Returns the windows that cover every case of a data set, padded where it is smaller. */
const covering = ({ names, size }: Dataset, cover: readonly number[]): readonly Draw[] =>
  names.flatMap((_, index) => {
    const spatial = size!(index).map((n, axis) => Math.max(n, cover[axis]!));
    return coveringWindows(cover, spatial).map((window) => ({ index, turn: 0, window }));
  });

/** The draws of a patch after which one is taken that surely holds a labelled pixel. */
const mostDraws = 20;

/** An item of an epoch: the case and how many items of it came before. */
interface Draw {
  readonly index: number;
  readonly turn: number;
  /** The part of the case, where it is not drawn. */
  readonly window?: Window;
}

/** A member of a batch beside the whole case that its item was cut from. */
interface Cropped extends Member {
  readonly source: OpenCase;
  readonly window?: Window;
  /** The warp that the item was read with, if it was drawn. */
  readonly warp?: Warp | undefined;
}

/** Reads a window of a case as it is, or warped, and no more of the case than that takes. */
async function itemOf(source: OpenCase, window: Window, warp: Warp | undefined): Promise<DatasetCase> {
  if (warp === undefined) return source.part(window);
  const read = readBy(warp, source.size);
  return warpCase(await source.part(read), withinWindow(warp, read));
}

/** The batches of a data set by epoch, prefetched. */
export class Loader {
  readonly dataset: Dataset;
  readonly batchesPerEpoch: number;
  readonly #options: LoaderOptions;
  readonly #random: Random;
  readonly #kept = new Map<number, Readonly<Record<string, Tensor>>>();
  readonly #locations = new Map<number, Promise<Locations>>();
  #room: number;

  constructor(dataset: Dataset, options: LoaderOptions) {
    checkLoader(dataset, options);
    const { batchSize, remainder = "keep", seed = 0, targetCacheBytes = 0 } = options;
    this.dataset = dataset;
    this.#options = options;
    this.#random = Random.fromSeed(seed);
    this.#room = targetCacheBytes;
    const batches = perEpoch(dataset, options) / batchSize;
    this.batchesPerEpoch = remainder === "drop" ? Math.floor(batches) : Math.ceil(batches);
  }

  /** Returns the batches of an epoch; their content depends on the options and its number alone. */
  epoch(epoch: number): AsyncGenerator<Batch, void, undefined> {
    return this.after(epoch, 0);
  }

  /** Returns the batches of an epoch but the first `skip`, which are not read. */
  after(epoch: number, skip: number): AsyncGenerator<Batch, void, undefined> {
    if (!Number.isInteger(epoch) || epoch < 0)
      throw invalidArgument("epoch", "an integer of 0 or more", epoch);
    if (!Number.isInteger(skip) || skip < 0) throw invalidArgument("skip", "an integer of 0 or more", skip);
    return this.#batches(epoch, this.#plan(epoch).slice(skip));
  }

  /** Returns every `size`-th batch of an epoch from the `rank`-th on; the others are not read. */
  dealt(epoch: number, share: Share): AsyncGenerator<Batch, void, undefined> {
    checkShare(share);
    return this.#batches(
      epoch,
      this.#plan(epoch).filter((_, k) => k % share.size === share.rank),
    );
  }

  #batches(epoch: number, plan: readonly (readonly Draw[])[]): AsyncGenerator<Batch, void, undefined> {
    // While a batch is in use the next ones are read, unpacked, transformed and given their targets.
    return prefetch(plan, this.#options.prefetch ?? 2, async (draws) => {
      const { share } = this.#options;
      if (share === undefined) return this.#make(epoch, draws);
      const shares = sharesOf(draws.length, share.size);
      return { ...(await this.#make(epoch, shareOf(draws, share))), shares };
    });
  }

  /** Returns what every batch of an epoch is made of. */
  #plan(epoch: number): Draw[][] {
    const { batchSize, shuffle = false, remainder = "keep", cover } = this.#options;
    const cases = this.dataset.names.length;
    const count = perEpoch(this.dataset, this.#options);
    const random = this.#random.split("order").split(epoch);
    const inOrder = Array.from({ length: cases }, (_, i) => i);
    const order =
      cover !== undefined
        ? covering(this.dataset, cover)
        : Array.from({ length: Math.ceil(count / cases) }, (_, turn) =>
            (shuffle ? [...random.permutation(cases)] : inOrder).map((index): Draw => ({ index, turn })),
          ).flat();
    return Array.from({ length: this.batchesPerEpoch }, (_, k) => {
      const start = k * batchSize;
      const end = remainder === "wrap" ? start + batchSize : Math.min(count, start + batchSize);
      return Array.from({ length: end - start }, (_, i) => order[(start + i) % count]!);
    });
  }

  async #make(epoch: number, draws: readonly Draw[]): Promise<Batch> {
    const { augment = {}, patches, cover, targets } = this.#options;
    const least = cover ?? patches?.size;
    const randoms = this.#random.split("augment").split(epoch);
    const members = await Promise.all(
      draws.map(async ({ index, turn, window: given }): Promise<Cropped> => {
        const own = await this.#open(index);
        const source = least === undefined ? own : padded(own, least, this.dataset.labelRange?.ignore);
        const random = turn === 0 ? randoms.split(index) : randoms.split(index).split(turn);
        const transform = drawTransform(augment, this.dataset.rank, random);
        const window = given ?? (patches && (await this.#draw(patches, index, source, random)));
        const part = window ?? { size: source.size, origin: source.size.map(() => 0) };
        const warp = drawWarp(augment, part, random.split("warp"), source.spacing);
        const item = await itemOf(source, part, warp);
        const [channels = 1, ...axes] = item.image.dims;
        const drawn = { channels, rank: axes.length };
        let { image } = item;
        for (const step of drawIntensities(augment, drawn, random.split("intensities")))
          image = await step(image);
        const filled = given && caseWithin(given, source.size, own.size);
        return { index, item: { ...item, image }, source, window, warp, transform, filled };
      }),
    );
    checkMembers(this.dataset, members);
    const batch = assemble(this.dataset, members);
    if (!targets) return batch;
    const mixed = batch.spacing === undefined && members.some(({ item }) => item.spacing !== undefined);
    const byCase = this.#options.targetCacheBytes || mixed || members.some(({ window }) => window);
    if (!byCase) return { ...batch, targets: await targets(batch) };
    return { ...batch, targets: await this.#targetsByCase(members, targets) };
  }

  /**
   * Computes targets of whole cases (kept, to be cut, or with spacings that differ) and cuts, warps and
   * transforms them as the batch.
   */
  async #targetsByCase(members: readonly Cropped[], targets: Targets): Promise<Record<string, Tensor>> {
    const parts = await Promise.all(
      members.map(async ({ index, source, window, warp }) => {
        const found = await this.#targetsOf(index, source, targets);
        if (window === undefined && warp === undefined) return found;
        const follow = async (array: Tensor): Promise<Tensor> =>
          warp === undefined ? cut(array, window!) : warpArray(array, warp);
        const parts = Object.entries(found).map(
          async ([name, array]) => [name, await follow(array)] as const,
        );
        return Object.fromEntries(await Promise.all(parts));
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

  /** Draws a patch, and others in its place while it holds nothing but ignored pixels. */
  async #draw(
    { size, foreground = 0 }: PatchOptions,
    index: number,
    source: OpenCase,
    random: Random,
  ): Promise<Window> {
    const near = foreground > 0 && random.uniform() < foreground;
    const locations = near ? await this.#locationsOf(index, source) : [];
    const draw = (around: Locations): Window => drawWindow(size, source.size, random, around);
    const ignore = this.dataset.labelRange?.ignore;
    let window = draw(locations);
    if (ignore === undefined) return window;
    const isVoid = async (): Promise<boolean> =>
      (await source.labels(window)).data.every((label) => label === ignore);
    for (let tries = 0; await isVoid(); tries++) {
      if (tries < mostDraws) {
        window = draw(locations);
        continue;
      }
      const labelled = (await source.labels()).data.findIndex((label) => label !== ignore);
      return labelled < 0 ? window : draw([Float64Array.of(labelled)]);
    }
    return window;
  }

  #locationsOf(index: number, source: OpenCase): Promise<Locations> {
    const find = async (): Promise<Locations> =>
      foregroundLocations(await source.labels(), this.dataset.labelRange?.ignore);
    const found = this.#locations.get(index) ?? find();
    this.#locations.set(index, found);
    return found;
  }

  async #open(index: number): Promise<OpenCase> {
    return this.dataset.open?.(index) ?? caseInMemory(await this.dataset.read(index));
  }

  async #targetsOf(
    index: number,
    source: OpenCase,
    targets: Targets,
  ): Promise<Readonly<Record<string, Tensor>>> {
    const kept = this.#kept.get(index);
    if (kept) return kept;
    const item = await source.whole();
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
