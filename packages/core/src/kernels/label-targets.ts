import type { Targets } from "@pixelcal/native";
import { call, callSync, native } from "../binding.js";
import { checkClasses, checkLabels } from "../check.js";
import { checkOptions, optionNames } from "../check-options.js";
import { checkCall, type DeviceOption, type KeepOption } from "../device.js";
import { arrayOf, resultTensor } from "../device-tensor.js";
import { InvalidArgumentError } from "../errors.js";
import type { Labels, Tensor } from "../tensor.js";
import { type SignedDistanceOptions, signedRequest } from "./signed-distance.js";
import { type SoftLabelsOptions, softLabelsRequest } from "./soft-labels.js";

type Own = "classes" | "device" | "signal" | "keep" | "out";

/** The wanted targets: each is computed if its option is given. */
export interface LabelTargetsOptions extends DeviceOption, KeepOption {
  readonly classes: number;
  readonly oneHot?: boolean;
  readonly signedDistance?: Omit<SignedDistanceOptions, Own>;
  /** The options of soft labels, with kernels that do not read an image. */
  readonly softLabels?: Omit<SoftLabelsOptions, Own | "image" | "ignore">;
}

const names = optionNames<LabelTargetsOptions>({
  device: true,
  signal: true,
  keep: true,
  classes: true,
  oneHot: true,
  signedDistance: true,
  softLabels: true,
});
const signedDistanceNames = optionNames<Omit<SignedDistanceOptions, Own>>({
  spacing: true,
  normalize: true,
  truncate: true,
  absent: true,
});
const softLabelsNames = optionNames<Omit<SoftLabelsOptions, Own | "image" | "ignore">>({
  preset: true,
  kernel: true,
  size: true,
  sigma: true,
  morphology: true,
  border: true,
  dimensions: true,
});

/** The targets that were asked for, each `[N, classes, ...spatial]`. */
export interface LabelTargets {
  readonly oneHot?: Tensor<"float32">;
  readonly signedDistance?: Tensor<"float32">;
  readonly softLabels?: Tensor<"float32">;
}

/**
 * Computes what a loss needs of the labels in one call: signed distances, soft labels and one-hot labels.
 * With a device the labels are uploaded once. Throws on a label outside [0, classes).
 */
export async function labelTargets(labels: Labels, options: LabelTargetsOptions): Promise<LabelTargets> {
  const { request, dims } = targetsRequest(labels, options);
  return targetTensors(await call(native.targets, request, options.signal), dims);
}

/** Runs {@link labelTargets} on the calling thread. */
export function labelTargetsSync(labels: Labels, options: LabelTargetsOptions): LabelTargets {
  const { request, dims } = targetsRequest(labels, options);
  return targetTensors(
    callSync(() => native.targetsSync(request)),
    dims,
  );
}

function targetsRequest(
  labels: Labels,
  options: LabelTargetsOptions,
): { request: Parameters<typeof native.targets>[0]; dims: readonly number[] } {
  checkOptions("options", options, names);
  const { classes, device, keep, oneHot = false, signedDistance, softLabels } = options;
  checkCall(options);
  if (signedDistance !== undefined) checkOptions("signedDistance", signedDistance, signedDistanceNames);
  if (softLabels !== undefined) checkOptions("softLabels", softLabels, softLabelsNames);
  checkLabels(labels);
  checkClasses(classes);
  if (!oneHot && !signedDistance && !softLabels) {
    throw new InvalidArgumentError("options", "options: needs oneHot, signedDistance or softLabels");
  }
  const [batch, ...size] = labels.dims as [number, ...number[]];
  const request = {
    ...(signedDistance && signedRequest(labels, { ...signedDistance, classes }).request),
    ...(softLabels && softLabelsRequest(labels, { ...softLabels, classes }).request),
    labels: arrayOf<"uint8" | "int32" | "int64">(labels),
    batch,
    size,
    classes,
    device,
    keep,
    out: undefined,
    oneHot,
    signedDistance: signedDistance !== undefined,
    softLabels: softLabels !== undefined,
  };
  return { request, dims: [batch, classes, ...size] };
}

function targetTensors(targets: Targets, dims: readonly number[]): LabelTargets {
  return Object.fromEntries(
    Object.entries(targets).map(([name, data]) => [
      name,
      resultTensor("float32", dims, data as Float32Array),
    ]),
  );
}
