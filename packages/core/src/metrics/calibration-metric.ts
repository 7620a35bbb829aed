import { checkClasses } from "../check.js";
import { optionNames } from "../check-options.js";
import { InvalidArgumentError, invalidArgument } from "../errors.js";
import { binsOfClass, histogramLength, histogramOf } from "../kernels/bins.js";
import {
  type BinLayout,
  type BinOptions,
  binLayout,
  type CalibrationBins,
} from "../kernels/calibration-bins.js";
import { Accumulator, checkMetricOptions, type StateContent } from "./accumulator.js";
import {
  averageCalibrationError,
  calibratedPixelExpectedCalibrationError,
  classwiseExpectedCalibrationError,
  expectedCalibrationError,
  maximumCalibrationError,
  type PixelCalibrationErrorOptions,
  pixelErrorOptions,
  pixelExpectedCalibrationError,
  rootMeanSquareCalibrationError,
} from "./calibration-error.js";
import type { CasePart } from "./case-plan.js";
import { MixedSums } from "./exact-sums.js";
import { checkCounts, checkTotals, type MetricJson, stateBytes } from "./metric-state.js";
import type { ScoredCase } from "./scored-case.js";

export interface CalibrationMetricOptions extends BinOptions, PixelCalibrationErrorOptions {
  readonly classes: number;
  readonly ignore?: number;
}

const names = optionNames<CalibrationMetricOptions>({
  classes: true,
  ignore: true,
  bins: true,
  of: true,
  edges: true,
  includeLowest: true,
  comparison: true,
  threshold: true,
  squares: true,
  falsePositiveWeight: true,
  variant: true,
  falsePositiveThreshold: true,
});

/** The errors of one group of bins over all pixels seen. */
export interface CalibrationErrors {
  readonly expected: number;
  readonly rootMeanSquare: number;
  readonly average: number;
  readonly maximum: number;
  /** The pECE; NaN for "top-label", which has no false positives. */
  readonly pixel: number;
  /** The pECE if all p were right; NaN for "top-label" and without `squares`. */
  readonly pixelIfCalibrated: number;
}

export interface CalibrationResult extends CalibrationErrors {
  /**
   * The pixels counted over all groups ("classes" counts each once per class), and how many of them are in no
   * bin.
   */
  readonly total: number;
  readonly dropped: number;
  readonly bins: CalibrationBins;
  /**
   * The errors of every class for "classes" (the other fields are then means over classes with pixels), else
   * empty.
   */
  readonly perClass: readonly CalibrationErrors[];
}

/**
 * The calibration errors over all pixels of a stream of cases; keeps four sums per bin, five with `squares`.
 * Each update's sums are rounded to 2^-40, and then exact: any order and any split into partial states gives
 * the same bytes.
 */
export class CalibrationMetric extends Accumulator<CalibrationResult, CalibrationMetricOptions> {
  protected override readonly kind: string = "CalibrationMetric";
  readonly #layout: BinLayout;
  readonly #sums: MixedSums;
  readonly #part: CasePart;
  readonly #pixelError: PixelCalibrationErrorOptions;

  constructor(options: CalibrationMetricOptions) {
    checkMetricOptions(options, names);
    const { classes, ignore, threshold, variant } = options;
    if (variant === "excess" && options.squares !== true)
      throw new InvalidArgumentError("squares", 'squares: expected true with variant "excess"');
    const layout = binLayout(options, classes);
    const { bins, of, edges, includeLowest } = layout;
    // Absent from states if it is off, as it was before there was such an option.
    const squares = layout.squares || undefined;
    // Limits that are exact in float32, such as halves and quarters, compare the same in both precisions.
    const { limits } = binLayout({ bins }, classes);
    const exact = limits.every((limit) => Math.fround(limit) === limit);
    const comparison = exact ? "float64" : (options.comparison ?? "float64");
    const binned = { bins, of, edges, includeLowest, comparison, threshold, squares };
    const pixelError = pixelErrorOptions(options, layout.limits);
    const mixed = mixedSums(layout);
    super({ classes, ignore, ...binned, ...pixelError }, mixed.length);
    this.#layout = layout;
    this.#sums = mixed;
    this.#part = { kind: "histogram", layout };
    this.#pixelError = pixelError;
  }

  static restore(state: Uint8Array): CalibrationMetric {
    const make = (options: CalibrationMetricOptions): CalibrationMetric => new CalibrationMetric(options);
    return Accumulator.restored("CalibrationMetric", state, make, {
      fromOne: withDropped,
      fromTwo: withFractions,
    });
  }

  static fromJSON(json: MetricJson): CalibrationMetric {
    return CalibrationMetric.restore(stateBytes("CalibrationMetric", json));
  }

  protected override checkSums(sums: Float64Array): void {
    let at = 0;
    for (const { length, counts } of partLengths(this.#layout)) {
      (counts ? checkCounts : checkTotals)(sums, at, at + length);
      at += length;
    }
    if (!this.#sums.fit(sums)) throw invalidArgument("state", "whole numbers and fractions", sums);
  }

  override async measure(scored: ScoredCase): Promise<() => void> {
    this.checkProbs(scored.probs);
    const found = await scored.part(this.#part, this.options);
    return () => this.#sums.add(this.sums, found);
  }

  override merge(other: this): void {
    super.merge(other);
    this.#sums.carry(this.sums);
  }

  /** Returns the bins of all pixels seen. */
  bins(): CalibrationBins {
    return histogramOf(this.#layout, this.#sums.values(this.sums));
  }

  compute(): CalibrationResult {
    const bins = this.bins();
    const total = bins.total.reduce((sum, count) => sum + count, 0);
    const dropped = bins.dropped.reduce((sum, count) => sum + count, 0);
    if (bins.of !== "classes") return { bins, total, dropped, ...this.#errors(bins), perClass: [] };
    const perClass = Array.from(bins.total, (_, c) => this.#errors(binsOfClass(bins, c)));
    const seen = perClass.filter((_, c) => bins.total[c]! > 0);
    const mean = (name: keyof CalibrationErrors): number =>
      seen.reduce((sum, errors) => sum + errors[name], 0) / seen.length;
    return {
      bins,
      total,
      dropped,
      perClass,
      expected: classwiseExpectedCalibrationError(bins),
      rootMeanSquare: mean("rootMeanSquare"),
      average: mean("average"),
      maximum: mean("maximum"),
      pixel: mean("pixel"),
      pixelIfCalibrated: mean("pixelIfCalibrated"),
    };
  }

  #errors(bins: CalibrationBins): CalibrationErrors {
    return {
      expected: expectedCalibrationError(bins),
      rootMeanSquare: rootMeanSquareCalibrationError(bins),
      average: averageCalibrationError(bins),
      maximum: maximumCalibrationError(bins),
      pixel: bins.of === "top-label" ? Number.NaN : pixelExpectedCalibrationError(bins, this.#pixelError),
      pixelIfCalibrated:
        bins.of === "top-label" || !bins.squares
          ? Number.NaN
          : calibratedPixelExpectedCalibrationError(bins, this.#pixelError),
    };
  }
}

// Returns the lengths of the parts without allocating them; parts that are not counts are sums of p.
function partLengths({ groups, bins, squares }: BinLayout): readonly { length: number; counts: boolean }[] {
  const cells = groups * bins;
  return [
    { length: groups, counts: true },
    { length: groups, counts: true },
    { length: cells, counts: true },
    { length: cells, counts: false },
    { length: cells, counts: true },
    { length: cells, counts: false },
    { length: squares ? cells : 0, counts: false },
  ];
}

function mixedSums(layout: BinLayout): MixedSums {
  const real: [number, number][] = [];
  let at = 0;
  for (const { length, counts } of partLengths(layout)) {
    if (!counts && length > 0) real.push([at, at + length]);
    at += length;
  }
  return new MixedSums(at, real);
}

// Version 2 kept the sums of p as numbers.
function withFractions({ options, sums }: StateContent): Float64Array {
  const old = options as CalibrationMetricOptions;
  const layout = binLayout(old, old.classes);
  if (sums.length !== histogramLength(layout))
    throw invalidArgument("state", `${histogramLength(layout)} sums`, sums.length);
  let at = 0;
  for (const { length, counts } of partLengths(layout)) {
    if (!counts) checkTotals(sums, at, at + length);
    at += length;
  }
  return mixedSums(layout).of(sums);
}

// Version 1 left p = 0 out of right-closed bins and did not record how many pixels were in no bin.
function withDropped({ options, sums }: StateContent): StateContent {
  const old = options as CalibrationMetricOptions;
  checkClasses(old.classes);
  const { groups, bins, edges } = binLayout(old, old.classes);
  if (sums.length !== groups * (1 + 4 * bins)) {
    throw invalidArgument("state", `${groups * (1 + 4 * bins)} sums`, sums.length);
  }
  const upgraded = new Float64Array(sums.length + groups);
  upgraded.set(sums.subarray(0, groups));
  upgraded.set(sums.subarray(groups), 2 * groups);
  for (let g = 0; g < groups; g++) {
    const counts = sums.subarray(groups + g * bins, groups + (g + 1) * bins);
    upgraded[groups + g] = counts.reduce((rest, count) => rest - count, sums[g]!);
  }
  return { options: edges === "left-closed" ? old : { ...old, includeLowest: false }, sums: upgraded };
}
