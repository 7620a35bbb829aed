import { type BoundaryBins, type BoundaryOptions, boundaryBand } from "@pixelcal/core";
import { numbersOf } from "./numbers-of.js";

/** The distance from the predicted boundary up to which "boundary ECE" counts pixels. */
export const nearBoundary = 3;

/** The rings of which every case keeps the sums: of the top label, around the predicted boundary. */
export const keptRings: BoundaryOptions = { of: "top-label" };

/** The sums over the pixels of one case by ring of signed distance to the predicted boundary. */
export interface RingSums {
  /** The unit of distances: physical where cases have a spacing and the convention uses it. */
  readonly unit: "mm" | "px";
  /** The distances between rings, negative in the predicted foreground; there is one ring more. */
  readonly edges: readonly number[];
  /** The number of bins of confidence in each ring; sums of ring r and bin m are at r * bins + m. */
  readonly bins: number;
  readonly count: readonly number[];
  readonly confidence: readonly number[];
  readonly accuracy: readonly number[];
  /** The sums of -ln p of the label by ring, without the pixels whose label had probability 0. */
  readonly logLoss: readonly number[];
  readonly impossible: readonly number[];
}

export function ringSums(bins: BoundaryBins, unit: RingSums["unit"]): RingSums {
  return {
    unit,
    edges: bins.rings,
    bins: bins.bins,
    count: numbersOf(bins.count),
    confidence: numbersOf(bins.confidenceSum),
    accuracy: numbersOf(bins.accuracySum),
    logLoss: numbersOf(bins.logLossSum),
    impossible: numbersOf(bins.impossible),
  };
}

/** Returns the expected calibration error of the pixels near the predicted boundary of one case. */
export const boundaryError = (bins: BoundaryBins): number =>
  boundaryBand(bins, { from: -nearBoundary, to: nearBoundary }).expected;

/** Returns whether sums of two cases may be added. */
export const sameRings = (a: RingSums, b: RingSums): boolean =>
  a.unit === b.unit && a.bins === b.bins && a.edges.join() === b.edges.join();
