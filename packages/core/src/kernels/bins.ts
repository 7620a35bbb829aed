import { checkInteger } from "../check.js";
import { InvalidArgumentError, invalidArgument } from "../errors.js";
import { holds } from "../tensor.js";

/** The rule that puts pixels into bins; bins of the same layout can be merged. */
export interface BinLayout {
  /**
   * The binned quantity. `foreground`: p = 1 - p_0 (in float32) against label != 0. `classes`: every p_c
   * against label == c, one group per class. `top-label`: max_c p_c against whether its class (the first of
   * equals) is the label.
   */
  readonly of: "foreground" | "classes" | "top-label";
  /**
   * The edge that belongs to a bin: `right-closed` means (lo, hi]; `left-closed` means [lo, hi), the last bin
   * closed.
   */
  readonly edges: "right-closed" | "left-closed";
  /**
   * Whether the first bin holds p = 0 (always for `left-closed`); otherwise such pixels are in no bin and
   * counted in `dropped`.
   */
  readonly includeLowest: boolean;
  /** The number of bins per group. */
  readonly bins: number;
  readonly scheme: "equal-width" | "equal-mass";
  /**
   * The limits: bin m lies between limits[m] and limits[m + 1]. With `equal-mass` the limits of group g start
   * at g * (bins + 1).
   */
  readonly limits: Float64Array;
  /** The probability above which pixels are counted; -1 when all are. */
  readonly threshold: number;
  /**
   * The number of groups: 1, or the number of classes for `classes`. Sums of group g and bin m are at g *
   * bins + m.
   */
  readonly groups: number;
  /** Whether `squaredConfidenceSum` is there. */
  readonly squares: boolean;
}

/** The sums over pixels (or their weights) per group and bin. */
export interface CalibrationBins extends BinLayout {
  /** All counted pixels per group, including pixels in no bin. */
  readonly total: Float64Array;
  /** The pixels in no bin per group: p = 0 where `includeLowest` is false. */
  readonly dropped: Float64Array;
  readonly count: Float64Array;
  /** The sum of p. */
  readonly confidenceSum: Float64Array;
  /** The number of pixels whose label agrees. */
  readonly accuracySum: Float64Array;
  /** The sum of p over the pixels whose label disagrees. */
  readonly falsePositiveSum: Float64Array;
  /** Sum of p^2; only with `squares`. */
  readonly squaredConfidenceSum?: Float64Array;
}

const layoutChoices = [
  ["of", ["foreground", "classes", "top-label"]],
  ["edges", ["right-closed", "left-closed"]],
  ["scheme", ["equal-width", "equal-mass"]],
] as const;
const perGroup = ["total", "dropped"] as const;
const perCell = ["count", "confidenceSum", "accuracySum", "falsePositiveSum"] as const;

/** Throws unless `bins` is what `calibrationBins` returns: a layout, and sums of its lengths. */
export function checkBins(argument: string, bins: CalibrationBins): void {
  if (typeof bins !== "object" || bins === null)
    throw invalidArgument(argument, "bins returned by calibrationBins", bins);
  const problem = problemOf(bins);
  if (problem) throw invalidArgument(`${argument}.${problem.field}`, problem.expected, problem.got);
}

interface Problem {
  readonly field: string;
  readonly expected: string;
  readonly got: unknown;
}

/**
 * Returns what is wrong with bins; undefined as a rule, without a text that only a message needs: it would be
 * most of the garbage of a case's scores.
 */
function problemOf(bins: CalibrationBins): Problem | undefined {
  const { groups, bins: width, scheme, includeLowest, threshold, squares } = bins;
  const whole = (value: number, most: number): boolean =>
    Number.isInteger(value) && value >= 1 && value <= most;
  if (!whole(groups, 32767)) return { field: "groups", expected: "an integer from 1 to 32767", got: groups };
  if (!whole(width, 4096)) return { field: "bins", expected: "an integer from 1 to 4096", got: width };
  for (const [field, choices] of layoutChoices)
    if (!(choices as readonly string[]).includes(bins[field]))
      return { field, expected: `one of ${choices.join(", ")}`, got: bins[field] };
  if (includeLowest !== undefined && typeof includeLowest !== "boolean")
    return { field: "includeLowest", expected: "a boolean", got: includeLowest };
  if (typeof threshold !== "number") return { field: "threshold", expected: "a number", got: threshold };
  const rows = scheme === "equal-mass" ? groups : 1;
  let problem = sumsProblem("limits", bins.limits, rows * (width + 1));
  for (const field of perGroup) problem ??= sumsProblem(field, bins[field], groups);
  for (const field of perCell) problem ??= sumsProblem(field, bins[field], groups * width);
  if (problem) return problem;
  if (squares !== undefined && typeof squares !== "boolean")
    return { field: "squares", expected: "a boolean", got: squares };
  return squares ? squaresProblem(bins) : undefined;
}

function squaresProblem({ squaredConfidenceSum: sums, groups, bins }: CalibrationBins): Problem | undefined {
  const field = "squaredConfidenceSum";
  if (sums === undefined) return { field, expected: "sums of p^2 (squares: true)", got: undefined };
  return sumsProblem(field, sums, groups * bins);
}

function sumsProblem(field: string, sums: Float64Array, length: number): Problem | undefined {
  if (areSums(sums, length)) return undefined;
  if (!holds("float64", sums)) return { field, expected: `a Float64Array of ${length} numbers`, got: sums };
  return sums.length === length ? undefined : { field, expected: `${length} numbers`, got: sums.length };
}

// A proxy is an instance too, but no view.
const areSums = (sums: Float64Array | undefined, length: number): boolean =>
  ArrayBuffer.isView(sums) && sums instanceof Float64Array && sums.length === length;

/** Returns the sums of p^2; throws unless the bins have them. */
export function squaresOf(argument: string, bins: CalibrationBins): Float64Array {
  const problem = squaresProblem(bins);
  if (problem) throw invalidArgument(`${argument}.${problem.field}`, problem.expected, problem.got);
  return bins.squaredConfidenceSum!;
}

/** Returns the number of sums of a histogram. */
export function histogramLength({ groups, bins, squares }: BinLayout): number {
  return groups * (2 + (squares ? 5 : 4) * bins);
}

/** Returns the bins whose sums lie in `sums` in the order of the fields; they are views of it. */
export function histogramOf(layout: BinLayout, sums: Float64Array): CalibrationBins {
  const { of, edges, includeLowest, bins, scheme, limits, threshold, groups, squares } = layout;
  const cells = groups * bins;
  // Several times as fast as `subarray`, which looks for a subclass.
  const part = (at: number, length: number): Float64Array =>
    new Float64Array(sums.buffer, sums.byteOffset + at * sums.BYTES_PER_ELEMENT, length);
  const cellsAt = (index: number): Float64Array => part(2 * groups + index * cells, cells);
  const found = {
    of,
    edges,
    includeLowest,
    bins,
    scheme,
    limits,
    threshold,
    groups,
    squares,
    total: part(0, groups),
    dropped: part(groups, groups),
    count: cellsAt(0),
    confidenceSum: cellsAt(1),
    accuracySum: cellsAt(2),
    falsePositiveSum: cellsAt(3),
  };
  return squares ? { ...found, squaredConfidenceSum: cellsAt(4) } : found;
}

/** Returns bins that hold no pixels. */
export function emptyBins(layout: BinLayout): CalibrationBins {
  return histogramOf(layout, new Float64Array(histogramLength(layout)));
}

/** Adds two sets of bins; throws when their layouts differ. */
export function mergeBins(a: CalibrationBins, b: CalibrationBins): CalibrationBins {
  checkBins("a", a);
  checkBins("b", b);
  checkSameLayout(a, b);
  const sum = (x: Float64Array, y: Float64Array): Float64Array => x.map((value, i) => value + y[i]!);
  return {
    ...a,
    total: sum(a.total, b.total),
    dropped: sum(a.dropped, b.dropped),
    count: sum(a.count, b.count),
    confidenceSum: sum(a.confidenceSum, b.confidenceSum),
    accuracySum: sum(a.accuracySum, b.accuracySum),
    falsePositiveSum: sum(a.falsePositiveSum, b.falsePositiveSum),
    ...(a.squares && { squaredConfidenceSum: sum(squaresOf("a", a), squaresOf("b", b)) }),
  };
}

/** Returns the bins of one class (or group) alone; the arrays are views. */
export function binsOfClass(bins: CalibrationBins, group: number): CalibrationBins {
  checkBins("bins", bins);
  checkInteger("group", group, 0, bins.groups - 1);
  const width = bins.bins;
  const cells = (sums: Float64Array): Float64Array => sums.subarray(group * width, (group + 1) * width);
  return {
    ...bins,
    groups: 1,
    limits:
      bins.scheme === "equal-mass"
        ? bins.limits.subarray(group * (width + 1), (group + 1) * (width + 1))
        : bins.limits,
    total: bins.total.subarray(group, group + 1),
    dropped: bins.dropped.subarray(group, group + 1),
    count: cells(bins.count),
    confidenceSum: cells(bins.confidenceSum),
    accuracySum: cells(bins.accuracySum),
    falsePositiveSum: cells(bins.falsePositiveSum),
    ...(bins.squares && { squaredConfidenceSum: cells(squaresOf("bins", bins)) }),
  };
}

function checkSameLayout(a: BinLayout, b: BinLayout): void {
  const names = ["of", "edges", "includeLowest", "bins", "scheme", "threshold", "groups", "squares"] as const;
  for (const name of names) {
    if (a[name] !== b[name]) {
      throw new InvalidArgumentError("bins", `bins: layouts differ (${name} ${a[name]} and ${b[name]})`);
    }
  }
  const at = a.limits.findIndex((limit, i) => limit !== b.limits[i]);
  if (at >= 0) {
    const limits = `${a.limits[at]} and ${b.limits[at]}`;
    throw new InvalidArgumentError("bins", `bins: layouts differ (limit ${at} is ${limits})`);
  }
}
