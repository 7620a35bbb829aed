import { call, native } from "../binding.js";
import { checkChoice, checkClasses, checkIgnore, checkLabels } from "../check.js";
import { checkOptions, optionNames } from "../check-options.js";
import { checkCall, type DeviceOption } from "../device.js";
import { invalidArgument } from "../errors.js";
import type { Labels, Tensor } from "../tensor.js";
import { type SignedDistanceOptions, signedRequest } from "./signed-distance.js";

export interface BorderLevelsOptions extends Omit<SignedDistanceOptions, "keep" | "out"> {
  /**
   * The form of the result. distances: signed distances as they are; border: distances inside moved by the
   * smallest spacing, so that the innermost pixels of the border have 0, and 0 everywhere for a class without
   * a border; scaled-border: either side of that divided by its largest.
   */
  readonly form: "distances" | "border" | "scaled-border";
  /** The label of pixels that are a class of their own, which is left out of the result. */
  readonly ignore?: number;
}

const levelNames = optionNames<BorderLevelsOptions>({
  device: true,
  signal: true,
  classes: true,
  spacing: true,
  normalize: true,
  truncate: true,
  absent: true,
  form: true,
  ignore: true,
});

/**
 * Computes levels of the signed distances to every class, `[N, classes, ...spatial]`, as losses at boundaries
 * need them. Throws on a label that is neither in [0, classes) nor `ignore`.
 */
export async function borderLevels(labels: Labels, options: BorderLevelsOptions): Promise<Tensor<"float32">> {
  checkOptions("options", options, levelNames);
  const { form, ignore, ...distances } = options;
  if (form === undefined) throw invalidArgument("form", "distances, border or scaled-border", form);
  checkChoice("form", form, ["distances", "border", "scaled-border"]);
  checkIgnore(ignore);
  const { request, dims } = signedRequest(labels, distances);
  const data = await call(
    native.borderLevels,
    { ...request, labels: labels.data, form, ignore },
    options.signal,
  );
  return { type: "float32", dims, data };
}

export interface BorderDistancesOptions extends DeviceOption {
  readonly classes: number;
  /** The label of pixels that are in no class; they have 0. */
  readonly ignore?: number;
}

const distanceNames = optionNames<BorderDistancesOptions>({
  device: true,
  signal: true,
  classes: true,
  ignore: true,
});

/**
 * Computes the distance of every pixel to the border of every class, `[N, classes, ...spatial]`, in pixels:
 * to the nearest pixel of the class from outside, to the nearest of another from inside; 0 everywhere for a
 * class without a border. Throws on a label that is neither in [0, classes) nor `ignore`.
 */
export async function borderDistances(
  labels: Labels,
  options: BorderDistancesOptions,
): Promise<Tensor<"float32">> {
  checkOptions("options", options, distanceNames);
  const { classes, ignore, device, signal } = options;
  checkCall(options);
  checkLabels(labels);
  checkClasses(classes);
  checkIgnore(ignore);
  const [batch, ...size] = labels.dims as [number, ...number[]];
  const request = { labels: labels.data, batch, size, classes, ignore, device };
  const data = await call(native.borderDistances, request, signal);
  return { type: "float32", dims: [batch, classes, ...size], data };
}
