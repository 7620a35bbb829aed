import {
  type BinLayout,
  type BinOptions,
  binLayout,
  binsOfClass,
  type CalibrationBins,
  type CalibrationBinsOptions,
  calibrationBins,
  emptyBins,
} from "../calibration.js";
import { optionNames } from "../check-options.js";
import type { Labels, Probabilities } from "../tensor.js";
import { Accumulator, checkMetricOptions } from "./accumulator.js";
import {
  averageCalibrationError,
  classwiseExpectedCalibrationError,
  expectedCalibrationError,
  maximumCalibrationError,
  type PixelCalibrationErrorOptions,
  pixelErrorOptions,
  pixelExpectedCalibrationError,
  rootMeanSquareCalibrationError,
} from "./calibration-error.js";

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
  falsePositiveWeight: true,
  variant: true,
  falsePositiveThreshold: true,
});

/** Errors of one group of bins over all pixels seen. */
export interface CalibrationErrors {
  readonly expected: number;
  readonly rootMeanSquare: number;
  readonly average: number;
  readonly maximum: number;
  /** pECE; NaN for "top-label", which has no false positives. */
  readonly pixel: number;
}

export interface CalibrationResult extends CalibrationErrors {
  /** Pixels counted, over all groups ("classes" counts each once per class), and those of them that are in no bin. */
  readonly total: number;
  readonly dropped: number;
  readonly bins: CalibrationBins;
  /** The errors of every class for "classes" (then the others are their means over classes with pixels), else empty. */
  readonly perClass: readonly CalibrationErrors[];
}

/** Calibration errors over all pixels of a stream of cases; keeps five sums per bin. */
export class CalibrationMetric extends Accumulator<CalibrationResult, CalibrationMetricOptions> {
  protected override readonly kind: string = "CalibrationMetric";
  readonly #layout: BinLayout;
  readonly #pixels: CalibrationBinsOptions;
  readonly #pixelError: PixelCalibrationErrorOptions;

  constructor(options: CalibrationMetricOptions) {
    checkMetricOptions(options, names);
    const { classes, ignore, comparison = "float64", threshold } = options;
    const layout = binLayout(options, classes);
    const { bins, of, edges, includeLowest } = layout;
    const pixels = { ignore, bins, of, edges, includeLowest, comparison, threshold };
    const pixelError = pixelErrorOptions(options, layout.limits);
    super(
      { classes, ...pixels, ...pixelError },
      partLengths(layout).reduce((sum, length) => sum + length),
    );
    this.#layout = layout;
    this.#pixels = pixels;
    this.#pixelError = pixelError;
  }

  static restore(state: Uint8Array): CalibrationMetric {
    const make = (options: CalibrationMetricOptions): CalibrationMetric => new CalibrationMetric(options);
    return Accumulator.restored("CalibrationMetric", state, make);
  }

  async update(probs: Probabilities, labels: Labels): Promise<void> {
    this.checkProbs(probs);
    const bins = await calibrationBins(probs, labels, this.#pixels);
    let at = 0;
    for (const part of parts(bins)) {
      for (let i = 0; i < part.length; i++) this.sums[at + i]! += part[i]!;
      at += part.length;
    }
  }

  /** The bins of everything seen. */
  bins(): CalibrationBins {
    const bins = emptyBins(this.#layout);
    let at = 0;
    for (const sums of parts(bins)) {
      sums.set(this.sums.subarray(at, at + sums.length));
      at += sums.length;
    }
    return bins;
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
    };
  }

  #errors(bins: CalibrationBins): CalibrationErrors {
    return {
      expected: expectedCalibrationError(bins),
      rootMeanSquare: rootMeanSquareCalibrationError(bins),
      average: averageCalibrationError(bins),
      maximum: maximumCalibrationError(bins),
      pixel: bins.of === "top-label" ? Number.NaN : pixelExpectedCalibrationError(bins, this.#pixelError),
    };
  }
}

function parts(bins: CalibrationBins): readonly Float64Array[] {
  return [bins.total, bins.dropped, bins.count, bins.confidenceSum, bins.accuracySum, bins.falsePositiveSum];
}

// The lengths of the parts, without the parts.
function partLengths({ groups, bins }: BinLayout): readonly number[] {
  const cells = groups * bins;
  return [groups, groups, cells, cells, cells, cells];
}
