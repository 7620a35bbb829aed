import { call, native } from "../binding.js";
import { checkClasses, checkIgnore, checkLabels, checkTensor } from "../check.js";
import { checkOptions, optionNames } from "../check-options.js";
import { checkSignal, type SignalOption } from "../device.js";
import { invalidArgument } from "../errors.js";
import type { Labels, Tensor } from "../tensor.js";

export interface RingTargetsOptions extends SignalOption {
  readonly classes: number;
  /** The target of a class's pixels that have a neighbour of another, above 0. */
  readonly inner: number;
  /** The target of the pixels of others that have a neighbour of the class, 0 or more. */
  readonly outer: number;
  /** The label of pixels that are in no class and have an all-zero target. */
  readonly ignore?: number;
}

const ringNames = optionNames<RingTargetsOptions>({
  signal: true,
  classes: true,
  inner: true,
  outer: true,
  ignore: true,
});

/**
 * Computes targets `[N, classes, ...spatial]` that are softened where classes meet: 1 for a pixel's class if
 * its 3^d window has no other, else `inner`, and `outer` for the others in its window, divided by their sum.
 */
export async function ringTargets(labels: Labels, options: RingTargetsOptions): Promise<Tensor<"float32">> {
  checkOptions("options", options, ringNames);
  const { classes, inner, outer, ignore, signal } = options;
  checkSignal(signal);
  checkLabels(labels);
  checkClasses(classes);
  checkIgnore(ignore);
  if (!(Number.isFinite(inner) && inner > 0)) throw invalidArgument("inner", "a number above 0", inner);
  if (!(Number.isFinite(outer) && outer >= 0)) throw invalidArgument("outer", "a number of 0 or more", outer);
  const [batch, ...size] = labels.dims as [number, ...number[]];
  const request = { labels: labels.data, batch, size, classes, inner, outer, ignore };
  const data = await call(native.ringTargets, request, signal);
  return { type: "float32", dims: [batch, classes, ...size], data };
}

export interface MixedPixelsOptions extends SignalOption {
  /** The value above which a class has a pixel to itself. */
  readonly limit: number;
}

const mixedNames = optionNames<MixedPixelsOptions>({ signal: true, limit: true });

/** Returns 1 for the pixels of soft labels `[N, C, ...spatial]` that no class has to itself, else 0. */
export async function mixedPixels(
  softLabels: Tensor<"float32">,
  options: MixedPixelsOptions,
): Promise<Tensor<"float32">> {
  checkOptions("options", options, mixedNames);
  const { limit, signal } = options;
  checkSignal(signal);
  checkTensor("softLabels", softLabels, ["float32"], [3, 5]);
  if (!Number.isFinite(limit)) throw invalidArgument("limit", "a finite number", limit);
  const [batch, classes, ...size] = softLabels.dims as [number, number, ...number[]];
  const request = { soft: softLabels.data, batch, classes, size, limit };
  const data = await call(native.mixedPixels, request, signal);
  return { type: "float32", dims: [batch, ...size], data };
}
