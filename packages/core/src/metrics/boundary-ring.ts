import { checkInteger } from "../check.js";
import { checkOptions, optionNames } from "../check-options.js";
import { invalidArgument } from "../errors.js";
import type { CalibrationBins } from "../kernels/bins.js";
import { type BoundaryBins, binsOfRings, checkBoundaryBins } from "../kernels/boundary-bins.js";
import { expectedCalibrationError } from "./calibration-error.js";

/** The calibration of the pixels of a ring, or of several; NaN without pixels. */
export interface BoundaryRing {
  /** The signed distances that bound the ring, -Infinity and Infinity for open ones. */
  readonly from: number;
  readonly to: number;
  readonly count: number;
  /** The mean of p. */
  readonly confidence: number;
  /** The share of pixels whose label agrees. */
  readonly accuracy: number;
  /** The confidence minus the accuracy. */
  readonly gap: number;
  /** The expected calibration error of the ring's bins. */
  readonly expected: number;
  /** The mean log loss; Infinity if any label had probability 0. */
  readonly negativeLogLikelihood: number;
  /** The bins, for the other errors; they have no sums over false positives. */
  readonly bins: CalibrationBins;
}

/** Returns the rings of a group (the class for "classes"), inside first. */
export function boundaryRings(bins: BoundaryBins, group = 0): readonly BoundaryRing[] {
  checkBoundaryBins("bins", bins);
  checkInteger("group", group, 0, bins.groups - 1);
  return Array.from({ length: bins.rings.length + 1 }, (_, ring) => ringOf(bins, ring, ring, group));
}

export interface BoundaryBandOptions {
  /** The signed distances that bound the band, both of them edges of rings; absent for an open side. */
  readonly from?: number;
  readonly to?: number;
  /** The group, a class for "classes"; default 0. */
  readonly group?: number;
}

const bandNames = optionNames<BoundaryBandOptions>({ from: true, to: true, group: true });

/**
 * Returns the rings between two distances as one: with -3 and 3 the expected error of the pixels within 3 of
 * the boundary.
 */
export function boundaryBand(bins: BoundaryBins, options: BoundaryBandOptions): BoundaryRing {
  checkBoundaryBins("bins", bins);
  checkOptions("options", options, bandNames);
  const { from, to, group = 0 } = options;
  checkInteger("group", group, 0, bins.groups - 1);
  const first = from === undefined ? 0 : edgeIndex("from", bins, from) + 1;
  const last = to === undefined ? bins.rings.length : edgeIndex("to", bins, to);
  if (first > last) throw invalidArgument("to", `a distance above ${from}`, to);
  return ringOf(bins, first, last, group);
}

function edgeIndex(argument: string, { rings }: BoundaryBins, edge: number): number {
  const at = rings.indexOf(edge);
  if (at < 0) throw invalidArgument(argument, `one of the rings' edges ${rings.join(", ")}`, edge);
  return at;
}

function ringOf(bins: BoundaryBins, first: number, last: number, group: number): BoundaryRing {
  const own = binsOfRings(bins, first, last, group);
  const at = group * (bins.rings.length + 1);
  const sum = (values: Float64Array): number => values.reduce((total, value) => total + value, 0);
  const count = own.total[0]!;
  const confidence = sum(own.confidenceSum) / count;
  const accuracy = sum(own.accuracySum) / count;
  const losses = sum(bins.logLossSum.subarray(at + first, at + last + 1));
  const impossible = sum(bins.impossible.subarray(at + first, at + last + 1));
  return {
    from: first === 0 ? -Infinity : bins.rings[first - 1]!,
    to: last === bins.rings.length ? Infinity : bins.rings[last]!,
    count,
    confidence,
    accuracy,
    gap: confidence - accuracy,
    expected: expectedCalibrationError(own),
    negativeLogLikelihood: impossible > 0 ? Infinity : losses / count,
    bins: own,
  };
}
