import { optionNames } from "../check-options.js";
import {
  type BoundaryBins,
  type BoundaryLayout,
  boundarySums,
  sumLengths,
  withSums,
} from "../kernels/boundary-bins.js";
import {
  type BoundaryOptions,
  boundaryCalibration,
  boundaryLayout,
} from "../kernels/boundary-calibration.js";
import type { Labels, Probabilities } from "../tensor.js";
import { Accumulator, checkMetricOptions } from "./accumulator.js";
import { type BoundaryRing, boundaryRings } from "./boundary-ring.js";
import { addExactly, carry, exactValues } from "./exact-sums.js";
import type { MetricUpdateOptions } from "./metric.js";
import { checkCounts, type MetricJson, stateBytes } from "./metric-state.js";
import type { ScoredCase } from "./scored-case.js";

export interface BoundaryCalibrationMetricOptions extends BoundaryOptions {
  readonly classes: number;
  readonly ignore?: number;
}

const names = optionNames<BoundaryCalibrationMetricOptions>({
  classes: true,
  ignore: true,
  rings: true,
  bins: true,
  of: true,
  edges: true,
  boundary: true,
});

const knownOfUpdate = optionNames<MetricUpdateOptions>({ signal: true, spacing: true });

export interface BoundaryCalibrationResult {
  readonly bins: BoundaryBins;
  /** The rings of each group: of every class for "classes", else of one. */
  readonly rings: readonly (readonly BoundaryRing[])[];
}

/**
 * The calibration by distance to the boundary over all pixels of a stream of cases. Its sums are exact: any
 * order and any split into partial states gives the same bytes.
 */
export class BoundaryCalibrationMetric extends Accumulator<
  BoundaryCalibrationResult,
  BoundaryCalibrationMetricOptions
> {
  protected override readonly kind: string = "BoundaryCalibrationMetric";
  protected override readonly updateNames: ReadonlySet<string> = knownOfUpdate;
  readonly #layout: BoundaryLayout;

  constructor(options: BoundaryCalibrationMetricOptions) {
    checkMetricOptions(options, names);
    const { classes, ignore } = options;
    const layout = boundaryLayout(options, classes);
    const { rings, bins, of, edges, boundary } = layout;
    const length = sumLengths(layout).reduce((sum, part, of) => sum + (isCount(of) ? 1 : 2) * part, 0);
    super({ classes, ignore, rings, bins, of, edges, boundary }, length);
    this.#layout = layout;
  }

  static restore(state: Uint8Array): BoundaryCalibrationMetric {
    const make = (options: BoundaryCalibrationMetricOptions): BoundaryCalibrationMetric =>
      new BoundaryCalibrationMetric(options);
    return Accumulator.restored("BoundaryCalibrationMetric", state, make);
  }

  static fromJSON(json: MetricJson): BoundaryCalibrationMetric {
    return BoundaryCalibrationMetric.restore(stateBytes("BoundaryCalibrationMetric", json));
  }

  // Wholes are counts, and so are fractions in their unit.
  protected override checkSums(sums: Float64Array): void {
    checkCounts(sums, 0, sums.length);
  }

  override update(probs: Probabilities, labels: Labels, options: MetricUpdateOptions = {}): Promise<void> {
    return super.update(probs, labels, options);
  }

  override async measure({ probs, labels, spacing, signal }: ScoredCase): Promise<() => void> {
    this.checkProbs(probs);
    const { rings, bins, of, edges, boundary, ignore } = this.options;
    const options = { rings, bins, of, edges, boundary, ignore, spacing, signal };
    const found = boundarySums(await boundaryCalibration(probs, labels, options));
    return () => {
      for (const [of, wholes, fractions] of this.#parts())
        if (fractions) addExactly(wholes, fractions, found[of]!);
        else wholes.forEach((_, i) => void (wholes[i]! += found[of]![i]!));
    };
  }

  override merge(other: this): void {
    super.merge(other);
    for (const [, wholes, fractions] of this.#parts()) if (fractions) carry(wholes, fractions);
  }

  // The index of each sum with its whole numbers and, unless it is a count, its fractions: views.
  #parts(): (readonly [number, Float64Array, Float64Array | undefined])[] {
    let at = 0;
    const take = (length: number): Float64Array => this.sums.subarray(at, (at += length));
    return sumLengths(this.#layout).map((length, of) => [
      of,
      take(length),
      isCount(of) ? undefined : take(length),
    ]);
  }

  /** Returns the sums of all pixels seen. */
  bins(): BoundaryBins {
    const parts = this.#parts().map(([, wholes, fractions]) =>
      fractions ? exactValues(wholes, fractions) : wholes.slice(),
    );
    return withSums(this.#layout, parts);
  }

  compute(): BoundaryCalibrationResult {
    const bins = this.bins();
    return { bins, rings: Array.from({ length: bins.groups }, (_, group) => boundaryRings(bins, group)) };
  }
}

// Whether a sum of `boundarySums` counts pixels; the others, of p and of log losses, are multiples of 2^-40.
function isCount(of: number): boolean {
  return of !== 2 && of !== 3;
}
