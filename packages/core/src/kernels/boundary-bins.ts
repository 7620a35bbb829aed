import { checkChoice, checkInteger } from "../check.js";
import { InvalidArgumentError, invalidArgument } from "../errors.js";
import { holds } from "../tensor.js";
import type { CalibrationBins } from "./bins.js";

/** The rule that put pixels into rings and bins; sums of the same layout can be added. */
export interface BoundaryLayout {
  /** The binned quantity as in `BinLayout.of`; a number is one class, a single group. */
  readonly of: "foreground" | "classes" | "top-label" | number;
  readonly boundary: "predicted" | "label";
  readonly edges: "right-closed" | "left-closed";
  /** The number of bins of each ring. */
  readonly bins: number;
  /** The limits: bin m lies between limits[m] and limits[m + 1]. */
  readonly limits: Float64Array;
  /** The signed distances between rings; there is one ring more. */
  readonly rings: readonly number[];
  /** The number of groups: the classes for "classes", else 1. */
  readonly groups: number;
}

/**
 * The sums over pixels by distance to a boundary, exact multiples of 2^-40. Those of group g, ring r and bin
 * m are at (g * (rings.length + 1) + r) * bins + m, those per ring at g * (rings.length + 1) + r.
 */
export interface BoundaryBins extends BoundaryLayout {
  readonly count: Float64Array;
  /** The number of pixels whose label agrees. */
  readonly accuracySum: Float64Array;
  /** The sum of p. */
  readonly confidenceSum: Float64Array;
  /**
   * The sum per ring of -ln p_label for "top-label", else of -ln p where the label agrees and -ln (1 - p).
   */
  readonly logLossSum: Float64Array;
  /** The pixels per ring whose label had probability 0, which `logLossSum` leaves out. */
  readonly impossible: Float64Array;
}

const sums = ["count", "accuracySum", "confidenceSum", "logLossSum", "impossible"] as const;

/** Returns the lengths of the sums, in the order of {@link boundarySums}. */
export function sumLengths({ groups, rings, bins }: BoundaryLayout): readonly number[] {
  const all = groups * (rings.length + 1);
  return [all * bins, all * bins, all * bins, all, all];
}

/** Returns count, accuracySum, confidenceSum, logLossSum and impossible. */
export function boundarySums(bins: BoundaryBins): readonly Float64Array[] {
  return sums.map((name) => bins[name]);
}

/** Returns the bins with these sums, in the order of {@link boundarySums}. */
export function withSums(layout: BoundaryLayout, parts: readonly Float64Array[]): BoundaryBins {
  const [count, accuracySum, confidenceSum, logLossSum, impossible] = parts as [
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  return { ...layout, count, accuracySum, confidenceSum, logLossSum, impossible };
}

/** Returns the bins whose sums lie in `all`, in the order of {@link boundarySums}; they are views of it. */
export function ringBins(layout: BoundaryLayout, all: Float64Array): BoundaryBins {
  let at = all.byteOffset;
  const parts = sumLengths(layout).map((length) => {
    const part = new Float64Array(all.buffer, at, length);
    at += part.byteLength;
    return part;
  });
  return withSums(layout, parts);
}

/** Throws unless `bins` is what `boundaryCalibration` returns. */
export function checkBoundaryBins(argument: string, bins: BoundaryBins): void {
  if (typeof bins !== "object" || bins === null || !Array.isArray(bins.rings))
    throw invalidArgument(argument, "bins returned by boundaryCalibration", bins);
  checkInteger(`${argument}.groups`, bins.groups, 1, 32767);
  checkInteger(`${argument}.bins`, bins.bins, 1, 1024);
  if (typeof bins.of !== "number")
    checkChoice(`${argument}.of`, bins.of ?? "", ["foreground", "classes", "top-label"]);
  checkChoice(`${argument}.boundary`, bins.boundary ?? "", ["predicted", "label"]);
  checkChoice(`${argument}.edges`, bins.edges ?? "", ["right-closed", "left-closed"]);
  for (const edge of bins.rings)
    if (typeof edge !== "number") throw invalidArgument(`${argument}.rings`, "numbers", bins.rings);
  const lengths = sumLengths(bins);
  sums.forEach((name, i) => {
    const part: unknown = bins[name];
    if (!holds("float64", part) || (part as Float64Array).length !== lengths[i])
      throw invalidArgument(`${argument}.${name}`, `a Float64Array of ${lengths[i]} numbers`, part);
  });
}

/** Adds two sets of sums; throws when their layouts differ. */
export function mergeBoundaryBins(a: BoundaryBins, b: BoundaryBins): BoundaryBins {
  checkBoundaryBins("a", a);
  checkBoundaryBins("b", b);
  for (const name of ["of", "boundary", "edges", "bins", "groups"] as const)
    if (a[name] !== b[name])
      throw new InvalidArgumentError("b", `b: layouts differ (${name} ${a[name]} and ${b[name]})`);
  if (a.rings.length !== b.rings.length || a.rings.some((edge, i) => edge !== b.rings[i]))
    throw new InvalidArgumentError("b", `b: layouts differ (rings ${a.rings} and ${b.rings})`);
  const [mine, theirs] = [boundarySums(a), boundarySums(b)];
  return withSums(
    a,
    mine.map((part, i) => part.map((value, at) => value + theirs[i]![at]!)),
  );
}

/** Returns the bins of the pixels of some rings, without sums over false positives (NaN). */
export function binsOfRings(bins: BoundaryBins, first: number, last: number, group: number): CalibrationBins {
  const empty = (): Float64Array => new Float64Array(bins.bins);
  const [count, confidenceSum, accuracySum] = [empty(), empty(), empty()];
  for (let ring = first; ring <= last; ring++) {
    const at = (group * (bins.rings.length + 1) + ring) * bins.bins;
    for (let m = 0; m < bins.bins; m++) {
      count[m]! += bins.count[at + m]!;
      confidenceSum[m]! += bins.confidenceSum[at + m]!;
      accuracySum[m]! += bins.accuracySum[at + m]!;
    }
  }
  return {
    of: typeof bins.of === "number" ? "classes" : bins.of,
    edges: bins.edges,
    includeLowest: true,
    bins: bins.bins,
    scheme: "equal-width",
    limits: bins.limits,
    threshold: -1,
    groups: 1,
    squares: false,
    total: Float64Array.of(count.reduce((sum, n) => sum + n, 0)),
    dropped: new Float64Array(1),
    count,
    confidenceSum,
    accuracySum,
    falsePositiveSum: empty().fill(Number.NaN),
  };
}
