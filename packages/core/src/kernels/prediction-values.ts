import type { ClassValues, Outside, ValueFindings } from "@pixelcal/native";
import { call, native } from "../binding.js";
import { checkChoice, checkClasses, checkIgnore, checkLabels, checkProbabilities } from "../check.js";
import { checkOptions, optionNames } from "../check-options.js";
import { checkSignal, type SignalOption } from "../device.js";
import { invalidArgument } from "../errors.js";
import type { Labels, Probabilities, Tensor } from "../tensor.js";
import { checkDims } from "./probability-maps.js";

export type { Outside, ValueFindings };

/** Which pixels may hold anything. */
export interface ValueSelection extends SignalOption {
  /** `[1, ...spatial]`; needed with `ignore` alone. */
  readonly labels?: Labels;
  /** Pixels with this label may hold anything. */
  readonly ignore?: number;
}

/** Closed ranges; a limit that is absent is infinite. */
export interface InspectValuesOptions extends ValueSelection {
  readonly low?: number;
  readonly high?: number;
  /** Limits of the sums over the classes. */
  readonly lowSum?: number;
  readonly highSum?: number;
}

export interface ToProbabilitiesOptions extends ValueSelection {
  /**
   * `clamp` cuts values off at 0 and 1; `softmax` takes the softmax of logits over the classes; `sigmoid` the
   * sigmoid of the foreground's channel of logits, or of two channels; `normalize` divides by the sum over
   * the classes.
   */
  readonly transform: "clamp" | "softmax" | "sigmoid" | "normalize";
  /** By how much sums of sigmoids may miss 1; default 0. */
  readonly tolerance?: number;
}

const inspectNames = optionNames<InspectValuesOptions>({
  signal: true,
  labels: true,
  ignore: true,
  low: true,
  high: true,
  lowSum: true,
  highSum: true,
});
const transformNames = optionNames<ToProbabilitiesOptions>({
  signal: true,
  labels: true,
  ignore: true,
  transform: true,
  tolerance: true,
});

/**
 * Finds values of one image `[1, C, ...spatial]`, and sums over its classes, that are outside of limits or
 * NaN.
 */
export async function inspectValues(
  values: Probabilities,
  options: InspectValuesOptions = {},
): Promise<ValueFindings> {
  checkOptions("options", options, inspectNames);
  const { low, high, lowSum, highSum } = options;
  const request = { ...classValues(values, options), low, high, lowSum, highSum };
  return call(native.inspectValues, request, options.signal);
}

/**
 * Returns the probabilities `[1, max(C, 2), ...spatial]` that the values of one image stand for, equal ones
 * at ignored pixels, and the pixels that have none: those without a finite softmax, and sigmoids that do not
 * sum to 1.
 */
export async function toProbabilities(
  values: Probabilities,
  options: ToProbabilitiesOptions,
): Promise<{ readonly probs: Tensor<"float32">; readonly outside: Outside }> {
  checkOptions("options", options, transformNames);
  const { transform, tolerance } = options;
  checkChoice("transform", transform, ["clamp", "softmax", "sigmoid", "normalize"]);
  const request = { ...classValues(values, options), transform, tolerance };
  const { data, count, first } = await call(native.toProbabilities, request, options.signal);
  const dims = [1, Math.max(2, request.classes), ...values.dims.slice(2)];
  return { probs: { type: "float32", dims, data }, outside: { count, first } };
}

function classValues(values: Probabilities, { labels, ignore, signal }: ValueSelection): ClassValues {
  checkSignal(signal);
  checkProbabilities(values, "values");
  const [batch, classes, ...spatial] = values.dims as [number, number, ...number[]];
  if (batch !== 1) throw invalidArgument("values", "one image", batch);
  checkClasses(classes);
  checkIgnore(ignore);
  const pixels = spatial.reduce((product, size) => product * size, 1);
  if (ignore === undefined) return { values: values.data, classes, pixels };
  if (labels === undefined) throw invalidArgument("labels", "labels beside ignore", labels);
  checkLabels(labels);
  checkDims("labels", labels, [1, ...spatial]);
  return { values: values.data, classes, pixels, labels: labels.data, ignore };
}
