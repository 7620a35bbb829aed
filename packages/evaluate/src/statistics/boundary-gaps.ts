import type { RingLayout } from "./case-table.js";
import type { Estimate } from "./estimate.js";
import { ascending, type Interval, percentileInterval } from "./interval.js";
import type { Resampled } from "./resample.js";
import { nearBoundary } from "./ring-sums.js";

/** A ring of pixels around the predicted boundary; negative distances are inside. */
export interface RingGap {
  readonly low: number;
  readonly high: number;
  readonly count: number;
  /** The confidence minus the accuracy; NaN for a ring without pixels. */
  readonly gap: number;
  /** The interval of the gap; absent for too few cases. */
  readonly band?: Interval;
  /** The mean log loss; Infinity if any label had probability 0. */
  readonly nll: number;
}

/** The gap between confidence and accuracy by signed distance to the predicted boundary. */
export interface BoundaryGaps {
  readonly unit: "mm" | "px";
  readonly rings: readonly RingGap[];
  /** The ECE of all pixels within 3 of the boundary. */
  readonly ece: Estimate;
}

/** Returns the ECE of all pixels within 3 of the boundary. */
export function pooledBoundaryError(sums: Float64Array, { at, edges, bins }: RingLayout): number {
  const [first, last] = [edges.indexOf(-nearBoundary) + 1, edges.indexOf(nearBoundary)];
  const cells = (edges.length + 1) * bins;
  let [error, pixels] = [0, 0];
  for (let m = 0; m < bins; m++) {
    let gap = 0;
    for (let ring = first; ring <= last; ring++) {
      const cell = at + ring * bins + m;
      pixels += sums[cell]!;
      gap += sums[cell + cells]! - sums[cell + 2 * cells]!;
    }
    error += Math.abs(gap);
  }
  return error / pixels;
}

/** Writes the gap of every ring. */
export function ringStatistics(
  sums: Float64Array,
  { at, edges, bins }: RingLayout,
  into: Float64Array,
): void {
  const cells = (edges.length + 1) * bins;
  for (let ring = 0; ring <= edges.length; ring++) {
    let [count, gap] = [0, 0];
    for (let cell = at + ring * bins; cell < at + (ring + 1) * bins; cell++) {
      count += sums[cell]!;
      gap += sums[cell + cells]! - sums[cell + 2 * cells]!;
    }
    into[ring] = gap / count;
  }
}

/**
 * Returns the rings with their bands, given the sums over all cases and the values of
 * {@link ringStatistics} from `first` on; without a level there are no bands.
 */
export function boundaryGaps(
  sums: Float64Array,
  { at, edges, bins, unit }: RingLayout,
  { observed, drawn }: Resampled,
  {
    first,
    level,
    ece,
  }: { readonly first: number; readonly level: number | undefined; readonly ece: Estimate },
): BoundaryGaps {
  const rings = edges.length + 1;
  const ringOf = (ring: number): RingGap => {
    const cells = sums.subarray(at + ring * bins, at + (ring + 1) * bins);
    const count = cells.reduce((total, value) => total + value, 0);
    const losses = at + 3 * rings * bins;
    const impossible = sums[losses + rings + ring]!;
    return {
      low: ring === 0 ? Number.NEGATIVE_INFINITY : edges[ring - 1]!,
      high: ring === edges.length ? Number.POSITIVE_INFINITY : edges[ring]!,
      count,
      gap: observed[first + ring]!,
      ...(level !== undefined &&
        count > 0 && { band: percentileInterval(ascending(drawn[first + ring]!), level) }),
      nll: impossible > 0 ? Number.POSITIVE_INFINITY : sums[losses + ring]! / count,
    };
  };
  return { unit, rings: Array.from({ length: rings }, (_, ring) => ringOf(ring)), ece };
}
