import { checkChoice, checkInteger, checkLabels } from "../check.js";
import { checkOptions, optionNames } from "../check-options.js";
import type { DeviceOption } from "../device.js";
import { binsOfClass, type CalibrationBins } from "../kernels/bins.js";
import { calibrationHistograms, type HistogramOptions } from "../kernels/calibration-bins.js";
import { type Labels, type Probabilities, type Tensor, tensor } from "../tensor.js";
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

export interface ConventionalErrorsOptions extends DeviceOption {
  /**
   * The tool. marginloss: MarginLoss's evaluator (NACL), over the pixels whose label is not 0; monai: MONAI's
   * CalibrationErrorMetric, every class against the rest; torchmetrics: MulticlassCalibrationError;
   * metrics-reloaded: MetricsReloaded's binary ECE of class 1 and its classwise error; netcal: netcal's ECE,
   * ACE and MCE of the top label, or of class 1 with two classes.
   */
  readonly convention: CalibrationConvention;
  /** The number of bins; default the tool's own: 15, 20, 15, 10 and 10. */
  readonly bins?: number;
  /** The label of pixels to leave out, which those tools that cannot do not see. */
  readonly ignore?: number;
}

const names = optionNames<ConventionalErrorsOptions>({
  convention: true,
  bins: true,
  ignore: true,
  device: true,
  signal: true,
});

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

/**
 * Returns the calibration errors of probabilities `[N, C, ...spatial]` against labels `[N, ...spatial]`, all
 * images together, as a tool computes them: which pixels and scores count, which bin holds an edge, and what
 * becomes of probabilities of exactly 0 and 1. Tools that compute in float32 agree to its rounding.
 */
export async function conventionalErrors(
  probs: Probabilities,
  labels: Labels,
  options: ConventionalErrorsOptions,
): Promise<ConventionalErrors> {
  checkOptions("options", options, names);
  const { convention } = options;
  checkChoice("convention", convention, calibrationConventions);
  if (convention === undefined) checkChoice("convention", "none given", calibrationConventions);
  if (options.bins !== undefined) checkInteger("bins", options.bins, 1, 4096);
  return conventions[convention](probs, labels, options);
}

type Convention = (
  probs: Probabilities,
  labels: Labels,
  options: ConventionalErrorsOptions,
) => Promise<ConventionalErrors>;

const conventions: Readonly<Record<CalibrationConvention, Convention>> = {
  async marginloss(probs, labels, { bins = 15, ignore, device, signal }) {
    const layout = { bins, includeLowest: false, comparison: "float32" } as const;
    const histograms = [
      { ...layout, of: "top-label" },
      { ...layout, of: "classes" },
    ] as const;
    const [topLabel, classes] = await calibrationHistograms(probs, labels, histograms, {
      // To leave out the background is to ignore label 0, unless another label is ignored.
      ...(ignore === undefined ? { ignore: 0 } : { ignore, mask: foregroundOf(labels) }),
      device,
      signal,
    });
    // Its classes are those up to the largest label of the foreground, the background among them.
    const largest = groupsOf(classes!).findLastIndex(({ accuracySum }) =>
      accuracySum.some((hits) => hits > 0),
    );
    const perClass = classErrors(classes!).slice(0, largest + 1);
    return { ...none, expected: expectedCalibrationError(topLabel!), classwise: mean(perClass), perClass };
  },

  async monai(probs, labels, { bins = 20, ...pixels }) {
    const [classes] = await histogramsOf(
      probs,
      labels,
      [{ bins, of: "classes", comparison: "float32" }],
      pixels,
    );
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

  async torchmetrics(probs, labels, { bins = 15, ...pixels }) {
    const layout = { edges: "left-closed", of: "top-label", comparison: "float32" } as const;
    // A probability of exactly 1 has a bin of its own: what exceeds the largest float32 below 1.
    const [all, ones] = await histogramsOf(
      probs,
      labels,
      [
        { ...layout, bins },
        { ...layout, bins: 1, threshold: 1 - 2 ** -24 },
      ],
      pixels,
    );
    const split = withOnesApart(all!, ones!);
    return {
      ...none,
      expected: expectedCalibrationError(split),
      // Its maximum counts an empty bin as 0.
      maximum: maximumCalibrationError(split),
      rootMeanSquare: rootMeanSquareCalibrationError(split),
    };
  },

  async "metrics-reloaded"(probs, labels, { bins = 10, ...pixels }) {
    const layout = { bins, of: "classes", includeLowest: false } as const;
    const [classes] = await histogramsOf(probs, labels, [layout], pixels);
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

  async netcal(probs, labels, { bins = 10, ...pixels }) {
    const binary = probs?.dims?.[1] === 2;
    const layout = { bins, edges: "left-closed", of: binary ? "classes" : "top-label" } as const;
    const [found] = await histogramsOf(probs, labels, [layout], pixels);
    const group = binary ? binsOfClass(found!, 1) : found!;
    return {
      ...none,
      expected: expectedCalibrationError(group),
      average: averageCalibrationError(group),
      maximum: maximumCalibrationError(group),
    };
  },
};

/** Returns the mask of the pixels whose label is not 0. */
function foregroundOf(labels: Labels): Tensor<"uint8"> {
  checkLabels(labels);
  const mask = new Uint8Array(labels.data.length);
  for (let i = 0; i < mask.length; i++) mask[i] = Number(Number(labels.data[i]) !== 0);
  return tensor("uint8", mask, labels.dims);
}

function histogramsOf(
  probs: Probabilities,
  labels: Labels,
  histograms: readonly HistogramOptions[],
  { ignore, device, signal }: Omit<ConventionalErrorsOptions, "convention"> & { convention?: string },
): Promise<CalibrationBins[]> {
  return calibrationHistograms(probs, labels, histograms, { ignore, device, signal });
}

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
