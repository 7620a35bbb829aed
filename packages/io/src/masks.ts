import { invalidArgument, type Labels, type Region, sameDims, type Tensor } from "@pixelcal/core";
import { FormatError } from "./errors.js";
import { labelNumbers } from "./labels.js";
import { byTurns, type Steps, stepElements } from "./turns.js";

/** The most regions whose masks are read as one label map, of 2 ** 15 labels. */
export const mostMasks = 15;

/** Masks [regions, ...spatial] of 0 and 1 that files hold in place of a label map. */
export interface StoredMasks {
  /** The names of the regions, one a mask. */
  readonly names: readonly string[];
  /** The value of pixels without a ground truth, which all masks of a pixel have. */
  readonly ignore?: number | undefined;
}

/**
 * Returns regions whose masks files hold, at most 15: the label of a pixel is the sum of 2 ** r over the
 * masks r that hold it, so every overlap is a label of its own.
 */
export function maskRegions(names: readonly string[]): readonly Region[] {
  if (names.length > mostMasks)
    throw invalidArgument("regions", `at most ${mostMasks} with masks of their own`, names.length);
  return names.map((name, mask) => ({ name, mask, labels: sumsWith(mask, names.length) }));
}

const sumsWith = (mask: number, count: number): readonly number[] =>
  Array.from({ length: 2 ** count }, (_, sum) => sum).filter((sum) => (sum >> mask) & 1);

/** Tells whether files hold a mask of each region in place of a label map. */
export const haveMasks = (regions: readonly Region[] | undefined): boolean =>
  regions?.[0]?.mask !== undefined;

/**
 * Returns the masks that files hold of regions, undefined for regions of a label map. Throws
 * InvalidArgumentError for a label to ignore that is a sum of masks.
 */
export function storedMasks(
  regions: readonly Region[] | undefined,
  ignore?: number,
): StoredMasks | undefined {
  if (regions === undefined || !haveMasks(regions)) return undefined;
  const problem = maskIgnoreProblem(regions.length, ignore);
  if (problem !== undefined) throw invalidArgument("ignore", problem, ignore);
  return { names: regions.map(({ name }) => name), ignore };
}

/** Returns what a label to ignore must be beside masks, if it is not. */
export function maskIgnoreProblem(masks: number, ignore: number | undefined): string | undefined {
  if (ignore === undefined || ignore < 0 || ignore >= 2 ** masks) return undefined;
  return `a number below 0 or above ${2 ** masks - 1}, as ${masks} masks overlap in ${2 ** masks} ways`;
}

/**
 * The label map of {@link maskRegions} that masks add up to, whose ignored pixels have the label `ignore`.
 */
export class MaskSums {
  readonly #stored: StoredMasks;
  readonly #sums: Uint8Array | Int32Array;
  #added = 0;

  constructor(stored: StoredMasks, pixels: number) {
    this.#stored = stored;
    const { names, ignore } = stored;
    const fits = names.length <= 8 && isByte(ignore);
    this.#sums = fits ? new Uint8Array(pixels) : new Int32Array(pixels);
  }

  /**
   * Adds the next mask. Throws FormatError naming its file for values that are not 0 or 1, and for pixels
   * that only some masks ignore.
   */
  async add(
    path: string,
    key: string,
    values: ArrayLike<number | bigint>,
    signal?: AbortSignal,
  ): Promise<void> {
    await byTurns(this.#addSteps(path, key, values), signal);
    this.#added += 1;
  }

  *#addSteps(path: string, key: string, values: ArrayLike<number | bigint>): Steps {
    const { names, ignore } = this.#stored;
    const [sums, mask] = [this.#sums, this.#added];
    for (let i = 0; i < sums.length; i++) {
      const value = Number(values[i]);
      const isIgnored = value === ignore;
      const place = (): string => `in mask ${mask} (${names[mask]}) at pixel ${i}`;
      if (!isIgnored && value !== 0 && value !== 1) {
        const or = ignore === undefined ? "" : ` or ${ignore} to ignore`;
        throw new FormatError(path, key, `expected 0 or 1${or}, got ${value} ${place()}`);
      }
      if (mask > 0 && isIgnored !== (sums[i] === ignore))
        throw new FormatError(
          path,
          key,
          `expected ${ignore} to ignore in all masks of a pixel or in none, got ${value} ${place()}`,
        );
      if (!isIgnored) sums[i]! |= value << mask;
      else sums[i] = value;
      if (i % stepElements === stepElements - 1) yield;
    }
  }

  /** Returns the labels of these dims. */
  labels(dims: readonly number[]): Labels {
    const data = this.#sums;
    return data instanceof Uint8Array ? { type: "uint8", dims, data } : { type: "int32", dims, data };
  }
}

const isByte = (label: number | undefined): boolean => label === undefined || (label >= 0 && label < 256);

/**
 * Returns masks [regions, ...spatial] of an image of `spatial` dims as the label map of {@link MaskSums}.
 * Throws FormatError for another shape, and as its `add` does.
 */
export async function packMasks(
  path: string,
  key: string,
  { type, dims, data }: Tensor,
  spatial: readonly number[],
  stored: StoredMasks,
  signal?: AbortSignal,
): Promise<Labels> {
  const { names } = stored;
  const count = names.length;
  if (!sameDims(dims, [count, ...spatial]))
    throw new FormatError(
      path,
      key,
      `expected ${count} masks [${[count, ...spatial]}] (${names.join(", ")}), got [${dims}]`,
    );
  if (type === "float16") throw new FormatError(path, key, `expected masks of 0 and 1, got ${type}`);
  const values = type === "int64" ? labelNumbers({ type, dims, data }) : data;
  const pixels = values.length / count;
  const sums = new MaskSums(stored, pixels);
  for (let mask = 0; mask < count; mask++)
    await sums.add(path, key, values.subarray(mask * pixels, (mask + 1) * pixels), signal);
  return sums.labels(spatial);
}

/** Returns the masks [regions, ...spatial] of a label map of {@link MaskSums}. */
export const unpackMasks = (labels: Labels, stored: StoredMasks): Promise<Labels> =>
  byTurns(unpackSteps(labels, stored));

function* unpackSteps({ dims, data }: Labels, { names, ignore }: StoredMasks): Steps<Labels> {
  const pixels = data.length;
  const out = isByte(ignore) ? new Uint8Array(names.length * pixels) : new Int32Array(names.length * pixels);
  for (const mask of names.keys())
    for (let i = 0; i < pixels; i++) {
      const label = Number(data[i]);
      out[mask * pixels + i] = label === ignore ? label : (label >> mask) & 1;
      if (i % stepElements === stepElements - 1) yield;
    }
  const all = [names.length, ...dims];
  return out instanceof Uint8Array
    ? { type: "uint8", dims: all, data: out }
    : { type: "int32", dims: all, data: out };
}
