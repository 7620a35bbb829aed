/** What a reader accepts at most. A breach is a FormatError before memory is taken for it. */
export interface Limits {
  /** Bytes of the file. */
  readonly maxFile: number;
  /** Bytes that the arrays read from one file may take together, unpacked. */
  readonly maxOutput: number;
  /** Elements of one array. */
  readonly maxElements: number;
  readonly maxRank: number;
  /** Bytes of one NPY header. */
  readonly maxHeader: number;
  /** Bytes of a table of contents (safetensors header). */
  readonly maxIndex: number;
  /** Entries of one archive. */
  readonly maxEntries: number;
  /** Unpacked bytes of an archive's arrays : bytes of the archive. Binding only above `ratioFloor`: an empty mask packs 1000:1. */
  readonly maxRatio: number;
  /** Unpacked bytes below which any ratio is accepted. */
  readonly ratioFloor: number;
  /** Bytes that one read takes at most; longer ranges are read in pieces. Systems refuse more than 2 GiB. */
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

/**
 * Number of elements of `dims`, or a description of the limit it breaks.
 * Every factor is bounded before it is multiplied, so nothing overflows and a zero cannot hide a huge dim.
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
