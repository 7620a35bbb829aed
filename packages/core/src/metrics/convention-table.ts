import { binsOfClass, type CalibrationBins } from "../kernels/bins.js";
import type { BinOptions } from "../kernels/calibration-bins.js";
import {
  averageCalibrationError,
  expectedCalibrationError,
  maximumCalibrationError,
  rootMeanSquareCalibrationError,
} from "./calibration-error.js";

/** The tools whose calibration errors can be had, beside the two conventions of `evaluate`. */
export const calibrationConventions = [
  "marginloss",
  "monai",
  "torchmetrics",
  "metrics-reloaded",
  "netcal",
] as const;

export type CalibrationConvention = (typeof calibrationConventions)[number];

/** The errors that a tool gives, and NaN for those that it does not. */
export interface ConventionalErrors {
  readonly expected: number;
  /** The mean over non-empty bins. */
  readonly average: number;
  readonly maximum: number;
  readonly rootMeanSquare: number;
  /** The mean over classes of their expected errors. */
  readonly classwise: number;
  /** The expected errors of every class, where the tool gives them. */
  readonly perClass: readonly number[];
}

const none: ConventionalErrors = {
  expected: Number.NaN,
  average: Number.NaN,
  maximum: Number.NaN,
  rootMeanSquare: Number.NaN,
  classwise: Number.NaN,
  perClass: [],
};

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** The bins that a tool counts in, and the errors that it makes of them. */
export interface Convention {
  /** The tool's number of bins. */
  readonly bins: number;
  /** Whether only the pixels whose label is not 0 count. */
  readonly ofForeground?: boolean;
  histograms(bins: number, classes: number): readonly BinOptions[];
  errors(histograms: readonly CalibrationBins[]): ConventionalErrors;
}

export const conventions: Readonly<Record<CalibrationConvention, Convention>> = {
  marginloss: {
    bins: 15,
    ofForeground: true,
    histograms: (bins) => {
      const layout = { bins, includeLowest: false, comparison: "torch" } as const;
      return [
        { ...layout, of: "top-label" },
        { ...layout, of: "classes" },
      ];
    },
    errors: ([topLabel, classes]) => {
      // Its classes are those up to the largest label of the foreground, the background among them.
      const largest = groupsOf(classes!).findLastIndex(({ accuracySum }) =>
        accuracySum.some((hits) => hits > 0),
      );
      const perClass = classErrors(classes!).slice(0, largest + 1);
      return { ...none, expected: expectedCalibrationError(topLabel!), classwise: mean(perClass), perClass };
    },
  },

  monai: {
    bins: 20,
    histograms: (bins) => [{ bins, of: "classes", comparison: "monai" }],
    errors: ([classes]) => {
      const groups = groupsOf(classes!);
      const perClass = classErrors(classes!);
      return {
        ...none,
        expected: mean(perClass),
        average: mean(groups.map(averageCalibrationError)),
        maximum: mean(groups.map(maximumCalibrationError)),
        classwise: mean(perClass),
        perClass,
      };
    },
  },

  torchmetrics: {
    bins: 15,
    histograms: (bins) => {
      const layout = { edges: "left-closed", of: "top-label", comparison: "torch" } as const;
      // A probability of exactly 1 has a bin of its own: what exceeds the largest float32 below 1.
      return [
        { ...layout, bins },
        { ...layout, bins: 1, threshold: 1 - 2 ** -24 },
      ];
    },
    errors: ([all, ones]) => {
      const split = withOnesApart(all!, ones!);
      return {
        ...none,
        expected: expectedCalibrationError(split),
        // Its maximum counts an empty bin as 0.
        maximum: maximumCalibrationError(split),
        rootMeanSquare: rootMeanSquareCalibrationError(split),
      };
    },
  },

  "metrics-reloaded": {
    bins: 10,
    histograms: (bins) => [{ bins, of: "classes", includeLowest: false }],
    errors: ([classes]) => {
      const perClass = classErrors(classes!);
      const binary = binsOfClass(classes!, Math.min(1, classes!.groups - 1));
      // The binary error divides by the pixels in bins, the classwise one by all.
      const counted = { ...binary, total: Float64Array.of(binary.total[0]! - binary.dropped[0]!) };
      return {
        ...none,
        expected: expectedCalibrationError(counted),
        maximum: maximumCalibrationError(binary),
        classwise: mean(perClass),
        perClass,
      };
    },
  },

  netcal: {
    bins: 10,
    histograms: (bins, classes) => [
      { bins, edges: "left-closed", of: classes === 2 ? "classes" : "top-label" },
    ],
    errors: ([found]) => {
      const group = found!.of === "classes" ? binsOfClass(found!, 1) : found!;
      return {
        ...none,
        expected: expectedCalibrationError(group),
        average: averageCalibrationError(group),
        maximum: maximumCalibrationError(group),
      };
    },
  },
};

function groupsOf(bins: CalibrationBins): readonly CalibrationBins[] {
  return Array.from({ length: bins.groups }, (_, group) => binsOfClass(bins, group));
}

function classErrors(bins: CalibrationBins): readonly number[] {
  return groupsOf(bins).map(expectedCalibrationError);
}

/** Returns the bins with one more, for the pixels of `ones`, which are taken out of the last. */
function withOnesApart(all: CalibrationBins, ones: CalibrationBins): CalibrationBins {
  const apart = (sums: Float64Array, own: Float64Array): Float64Array => {
    const values = Float64Array.of(...sums, own[0]!);
    values[sums.length - 1]! -= own[0]!;
    return values;
  };
  return {
    ...all,
    bins: all.bins + 1,
    limits: Float64Array.of(...all.limits, 1),
    count: apart(all.count, ones.count),
    confidenceSum: apart(all.confidenceSum, ones.confidenceSum),
    accuracySum: apart(all.accuracySum, ones.accuracySum),
    falsePositiveSum: apart(all.falsePositiveSum, ones.falsePositiveSum),
  };
}
