/** The limits of a reader. It throws a FormatError before it takes memory beyond them. */
export interface Limits {
  /** The size of the file, in bytes. */
  readonly maxFile: number;
  /** The unpacked size of all arrays read from one file, in bytes. */
  readonly maxOutput: number;
  /** The number of elements of one array. */
  readonly maxElements: number;
  readonly maxRank: number;
  /** The size of one NPY header, in bytes. */
  readonly maxHeader: number;
  /** The size of a table of contents (safetensors header), in bytes. */
  readonly maxIndex: number;
  /** The number of entries of one archive. */
  readonly maxEntries: number;
  /**
   * The ratio of an archive's unpacked to packed bytes. Applies only above `ratioFloor`: an empty mask packs
   * 1000:1.
   */
  readonly maxRatio: number;
  /** The number of unpacked bytes below which any ratio is accepted. */
  readonly ratioFloor: number;
  /** The size of one read, in bytes; longer ranges are read in pieces. Systems refuse more than 2 GiB. */
  readonly readSize: number;
}

export const defaultLimits: Limits = {
  maxFile: 8 * 2 ** 30,
  maxOutput: 8 * 2 ** 30,
  maxElements: 2 ** 31 - 1,
  maxRank: 8,
  maxHeader: 64 * 1024,
  maxIndex: 16 * 2 ** 20,
  maxEntries: 10_000,
  maxRatio: 200,
  ratioFloor: 64 * 2 ** 20,
  readSize: 2 ** 30,
};

/** The names of the limits, for `optionNames` of core. */
export const limitNames: { readonly [K in keyof Limits]: true } = {
  maxFile: true,
  maxOutput: true,
  maxElements: true,
  maxRank: true,
  maxHeader: true,
  maxIndex: true,
  maxEntries: true,
  maxRatio: true,
  ratioFloor: true,
  readSize: true,
};

/**
 * Returns the number of elements of `dims`, or a description of the limit it exceeds. Every factor is bounded
 * before it is multiplied, so nothing overflows and a zero cannot hide a huge dimension.
 */
export function boundedCount(dims: readonly number[], limits: Limits): number | string {
  if (dims.length > limits.maxRank) return `rank ${dims.length} exceeds the limit of ${limits.maxRank}`;
  let count = 1;
  for (const dim of dims) {
    if (!Number.isSafeInteger(dim) || dim < 0) return `dimension ${dim} is not a whole number >= 0`;
    if (dim > limits.maxElements)
      return `dimension ${dim} exceeds the limit of ${limits.maxElements} elements`;
    count *= dim;
    if (count > limits.maxElements)
      return `shape [${dims}] exceeds the limit of ${limits.maxElements} elements`;
  }
  return count;
}
