import { checkChoice, checkInteger, checkLabels } from "../check.js";
import { checkOptions, optionNames } from "../check-options.js";
import type { DeviceOption } from "../device.js";
import { invalidArgument } from "../errors.js";
import { type CalibrationBins, checkBins } from "../kernels/bins.js";
import { type BinOptions, calibrationHistograms } from "../kernels/calibration-bins.js";
import { type Labels, type Probabilities, type Tensor, tensor } from "../tensor.js";
import {
  type CalibrationConvention,
  type ConventionalErrors,
  calibrationConventions,
  conventions,
} from "./convention-table.js";

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
  const { convention, bins, ignore, device, signal } = options;
  const { ofForeground, errors } = conventions[checkConvention(convention)];
  const histograms = conventionHistograms(convention, probs?.dims?.[1] ?? 0, bins);
  const pixels =
    ofForeground === true
      ? // To leave out the background is to ignore label 0, unless another label is ignored.
        ignore === undefined
        ? { ignore: 0 }
        : { ignore, mask: foregroundOf(labels) }
      : { ignore };
  return errors(await calibrationHistograms(probs, labels, histograms, { ...pixels, device, signal }));
}

/**
 * Returns the histograms that a tool's errors are made of, for {@link conventionErrors}: so that they come
 * from the same pass as others, for example of a `CaseScorer`. Those of "marginloss" are to be of the pixels
 * whose label is not 0 (`pixels: "objects"` of a `CaseScorer`).
 */
export function conventionHistograms(
  convention: CalibrationConvention,
  classes: number,
  bins?: number,
): readonly BinOptions[] {
  const { histograms, bins: own } = conventions[checkConvention(convention)];
  if (bins !== undefined) checkInteger("bins", bins, 1, 4096);
  return histograms(bins ?? own, classes);
}

/** Returns a tool's errors from its {@link conventionHistograms}. */
export function conventionErrors(
  convention: CalibrationConvention,
  histograms: readonly CalibrationBins[],
): ConventionalErrors {
  const { errors, histograms: layouts } = conventions[checkConvention(convention)];
  if (!Array.isArray(histograms) || histograms.length !== layouts(1, 2).length)
    throw invalidArgument("histograms", `those of conventionHistograms("${convention}")`, histograms);
  histograms.forEach((bins, i) => void checkBins(`histograms[${i}]`, bins));
  return errors(histograms);
}

function checkConvention(convention: CalibrationConvention): CalibrationConvention {
  checkChoice("convention", convention ?? "none given", calibrationConventions);
  return convention;
}

/** Returns the mask of the pixels whose label is not 0. */
function foregroundOf(labels: Labels): Tensor<"uint8"> {
  checkLabels(labels);
  const mask = new Uint8Array(labels.data.length);
  for (let i = 0; i < mask.length; i++) mask[i] = Number(Number(labels.data[i]) !== 0);
  return tensor("uint8", mask, labels.dims);
}
