import { call, callSync, native } from "../binding.js";
import {
  checkClasses,
  checkInteger,
  checkLabels,
  checkOut,
  checkProbabilities,
  checkTensor,
} from "../check.js";
import { checkOptions, optionNames } from "../check-options.js";
import { checkCall, type DeviceOption, type KeepOption } from "../device.js";
import { arrayOf, resultTensor } from "../device-tensor.js";
import { invalidArgument } from "../errors.js";
import { checkDims, checkSelection, type PixelSelection } from "../kernels/probability-maps.js";
import { elementCount, type Labels, type Probabilities, type Tensor } from "../tensor.js";
import { checkEmptyPolicy, type EmptyPolicy } from "./empty-policy.js";

/** The options of {@link argMax}. */
export interface ArgMaxOptions extends DeviceOption, KeepOption {
  readonly out?: Tensor<"uint8"> | Tensor<"int32">;
}

const argMaxNames = optionNames<ArgMaxOptions>({ device: true, signal: true, keep: true, out: true });

/**
 * Returns the class of the largest probability (or logit) at every pixel, the first of equals: `[N, C,
 * ...spatial]` to `[N, ...spatial]`, uint8 up to 256 classes, else int32. Throws on NaN.
 */
export async function argMax(
  values: Probabilities,
  options: ArgMaxOptions = {},
): Promise<Tensor<"uint8"> | Tensor<"int32">> {
  const { request, dims } = argMaxRequest(values, options);
  return labelTensor(await call(native.argMax, request, options.signal), dims, request.classes);
}

/** Runs {@link argMax} on the calling thread. */
export function argMaxSync(
  values: Probabilities,
  options: ArgMaxOptions = {},
): Tensor<"uint8"> | Tensor<"int32"> {
  const { request, dims } = argMaxRequest(values, options);
  return labelTensor(
    callSync(() => native.argMaxSync(request)),
    dims,
    request.classes,
  );
}

function argMaxRequest(
  values: Probabilities,
  options: ArgMaxOptions,
): { request: Parameters<typeof native.argMax>[0]; dims: readonly number[] } {
  checkOptions("options", options, argMaxNames);
  const { device, keep, out } = options;
  checkCall(options);
  checkProbabilities(values, "values");
  const [batch, classes, ...spatial] = values.dims as [number, number, ...number[]];
  checkClasses(classes);
  const dims = [batch, ...spatial];
  checkOut(out, classes <= 256 ? "uint8" : "int32", dims);
  const pixels = elementCount(spatial);
  const array = arrayOf<"float32" | "float16">(values);
  return { request: { values: array, device, keep, batch, classes, pixels, out: out?.data }, dims };
}

function labelTensor(
  data: Uint8Array | Int32Array,
  dims: readonly number[],
  classes: number,
): Tensor<"uint8"> | Tensor<"int32"> {
  return classes <= 256
    ? resultTensor("uint8", dims, data as Uint8Array)
    : resultTensor("int32", dims, data as Int32Array);
}

export interface ConfusionOptions extends PixelSelection, DeviceOption {
  readonly classes: number;
  readonly out?: Tensor<"float64">;
}

const confusionNames = optionNames<ConfusionOptions>({
  device: true,
  signal: true,
  classes: true,
  ignore: true,
  mask: true,
  out: true,
});

/** Counts pixels per image, true class and predicted class, `[N, classes, classes]`. */
export async function confusionCounts(
  predicted: Labels,
  labels: Labels,
  options: ConfusionOptions,
): Promise<Tensor<"float64">> {
  const request = confusionRequest(predicted, labels, options);
  const { batch, classes } = request;
  const data = await call(native.confusionCounts, request, options.signal);
  return { type: "float64", dims: [batch, classes, classes], data };
}

/** Runs {@link confusionCounts} on the calling thread. */
export function confusionCountsSync(
  predicted: Labels,
  labels: Labels,
  options: ConfusionOptions,
): Tensor<"float64"> {
  const request = confusionRequest(predicted, labels, options);
  const { batch, classes } = request;
  const data = callSync(() => native.confusionCountsSync(request));
  return { type: "float64", dims: [batch, classes, classes], data };
}

function confusionRequest(
  predicted: Labels,
  labels: Labels,
  options: ConfusionOptions,
): Parameters<typeof native.confusionCounts>[0] & { batch: number } {
  checkOptions("options", options, confusionNames);
  checkCall(options);
  checkLabels(predicted, "predicted");
  checkLabels(labels);
  checkDims("predicted", predicted, labels.dims);
  const { classes, ignore, mask, out } = options;
  checkClasses(classes);
  checkSelection({ ignore, mask }, labels.dims);
  const [batch, ...spatial] = labels.dims as [number, ...number[]];
  checkOut(out, "float64", [batch, classes, classes]);
  const pixels = elementCount(spatial);
  return {
    predicted: arrayOf<"uint8" | "int32" | "int64">(predicted),
    labels: arrayOf<"uint8" | "int32" | "int64">(labels),
    device: options.device,
    batch,
    classes,
    pixels,
    ignore,
    mask: arrayOf<"uint8" | "bool">(mask),
    out: out?.data,
  };
}

/**
 * The pixel counts of one region in the prediction and in the labels; counts of several images may be added
 * up.
 */
export interface OverlapCounts {
  readonly truePositive: number;
  readonly falsePositive: number;
  readonly falseNegative: number;
}

/**
 * Returns the counts of one class, or of the foreground (any class but 0), in one image of `confusionCounts`.
 */
export function overlapCounts(
  confusion: Tensor<"float64">,
  region: number | "foreground",
  image = 0,
): OverlapCounts {
  checkTensor("confusion", confusion, ["float64"], [3, 3]);
  const [batch, classes] = confusion.dims as [number, number, number];
  if (region !== "foreground") checkInteger("region", region, 0, classes - 1);
  checkInteger("image", image, 0, batch - 1);
  const within = (c: number): boolean => (region === "foreground" ? c !== 0 : c === region);
  let [truePositive, falsePositive, falseNegative] = [0, 0, 0];
  for (let truth = 0; truth < classes; truth++) {
    for (let predicted = 0; predicted < classes; predicted++) {
      const count = confusion.data[(image * classes + truth) * classes + predicted]!;
      if (within(truth) && within(predicted)) truePositive += count;
      else if (within(predicted)) falsePositive += count;
      else if (within(truth)) falseNegative += count;
    }
  }
  return { truePositive, falsePositive, falseNegative };
}

/** The overlap where the formula gives 0 / 0 or a misleading number; "diagonal" means the same as "worst". */
export interface OverlapPolicy extends EmptyPolicy {
  /**
   * The overlap of a region that is predicted but absent from the labels: a number from 0 to 1, or NaN, which
   * leaves such cases out (MONAI's ignore_empty). Default: as `oneEmpty`.
   */
  readonly labelEmpty?: number;
  /**
   * The number added to numerator and denominator; default 0. The SDC repository's Dice adds 1e-6, and is 1
   * where both masks are empty.
   */
  readonly smooth?: number;
}

const policyNames = optionNames<OverlapPolicy>({
  bothEmpty: true,
  oneEmpty: true,
  labelEmpty: true,
  smooth: true,
});

/**
 * Returns the policy in its normal form, equal for policies of equal meaning; throws on invalid values. The
 * defaults are `bothEmpty: "undefined"` ("perfect" when smoothed), `oneEmpty: "worst"` and no smoothing.
 */
export function checkOverlapPolicy(policy: OverlapPolicy): OverlapPolicy {
  checkEmptyPolicy(policy);
  const { smooth = 0, labelEmpty } = policy;
  if (!(typeof smooth === "number" && smooth >= 0 && smooth < Number.POSITIVE_INFINITY)) {
    throw invalidArgument("smooth", "a finite number of at least 0", smooth);
  }
  const defined = labelEmpty !== undefined && !Number.isNaN(labelEmpty);
  if (defined && !(typeof labelEmpty === "number" && labelEmpty >= 0 && labelEmpty <= 1)) {
    throw invalidArgument("labelEmpty", "a number from 0 to 1, or NaN", labelEmpty);
  }
  const { bothEmpty = smooth > 0 ? "perfect" : "undefined" } = policy;
  const oneEmpty = policy.oneEmpty === "undefined" ? "undefined" : "worst";
  // The formula itself gives 0 here.
  const formula = labelEmpty === 0 && smooth === 0 && oneEmpty === "worst";
  return { bothEmpty, oneEmpty, labelEmpty: formula ? undefined : labelEmpty, smooth };
}

/** Returns the Dice similarity coefficient, 2 TP / (2 TP + FP + FN). */
export function diceScore(counts: OverlapCounts, policy: OverlapPolicy = {}): number {
  const { truePositive: tp, falsePositive: fp, falseNegative: fn } = checkedCounts(counts);
  return ratio(2 * tp, 2 * tp + fp + fn, counts, policy);
}

/** Returns the intersection over union, TP / (TP + FP + FN). */
export function intersectionOverUnion(counts: OverlapCounts, policy: OverlapPolicy = {}): number {
  const { truePositive: tp, falsePositive: fp, falseNegative: fn } = checkedCounts(counts);
  return ratio(tp, tp + fp + fn, counts, policy);
}

/** Throws unless `counts` holds three counts; returns them. */
export function checkedCounts(counts: OverlapCounts): OverlapCounts {
  if (typeof counts !== "object" || counts === null) throw invalidArgument("counts", "an object", counts);
  for (const name of ["truePositive", "falsePositive", "falseNegative"] as const) {
    const count = counts[name];
    if (!(Number.isFinite(count) && count >= 0)) {
      throw invalidArgument(`counts.${name}`, "a number of at least 0", count);
    }
  }
  return counts;
}

function ratio(numerator: number, denominator: number, counts: OverlapCounts, policy: OverlapPolicy): number {
  checkOptions("policy", policy, policyNames);
  const { bothEmpty, oneEmpty, labelEmpty, smooth = 0 } = checkOverlapPolicy(policy);
  const noLabel = counts.truePositive + counts.falseNegative === 0;
  const noPrediction = counts.truePositive + counts.falsePositive === 0;
  if (noLabel && noPrediction) return bothEmpty === "perfect" ? 1 : Number.NaN;
  if (noLabel && labelEmpty !== undefined) return labelEmpty;
  if ((noLabel || noPrediction) && oneEmpty === "undefined") return Number.NaN;
  return (numerator + smooth) / (denominator + smooth);
}
