import { call, callSync, native } from "../binding.js";
import { checkClasses, checkIgnore, checkTensor } from "../check.js";
import { checkOptions, optionNames } from "../check-options.js";
import { checkSignal, type SignalOption } from "../device.js";
import type { Labels } from "../tensor.js";

export interface NarrowLabelsOptions extends SignalOption {
  readonly classes: number;
  /** A label beside the classes. */
  readonly ignore?: number;
  /** The array for narrowed labels, one element each; default: a new one. */
  readonly out?: Uint8Array;
}

/** Labels that are neither a class nor the ignored one. */
export interface StrayLabels {
  readonly count: number;
  /** The first of them and its label. */
  readonly pixel: number;
  readonly label: number;
}

export interface NarrowedLabels {
  /** As uint8 where all classes and the ignored label fit, else as they came. */
  readonly labels: Labels;
  readonly stray?: StrayLabels;
}

const names = optionNames<NarrowLabelsOptions>({ signal: true, classes: true, ignore: true, out: true });

/**
 * Looks for labels that are neither a class nor `ignore`, and narrows the others to uint8 where that holds
 * them, in one pass. The shape is any; labels that are uint8 already are not copied. Stray labels are 0 in
 * narrowed ones.
 */
export async function narrowLabels(labels: Labels, options: NarrowLabelsOptions): Promise<NarrowedLabels> {
  const request = narrowRequest(labels, options);
  return narrowed(labels, await call(native.narrowLabels, request, options.signal));
}

/** Runs {@link narrowLabels} on the calling thread. */
export function narrowLabelsSync(labels: Labels, options: NarrowLabelsOptions): NarrowedLabels {
  const request = narrowRequest(labels, options);
  return narrowed(
    labels,
    callSync(() => native.narrowLabelsSync(request)),
  );
}

function narrowRequest(
  labels: Labels,
  options: NarrowLabelsOptions,
): Parameters<typeof native.narrowLabels>[0] {
  checkOptions("options", options, names);
  checkSignal(options.signal);
  const { classes, ignore, out } = options;
  checkTensor("labels", labels, ["uint8", "int32", "int64"], [1, 4]);
  checkClasses(classes);
  checkIgnore(ignore);
  const fits = classes <= 256 && (ignore === undefined || (ignore >= 0 && ignore <= 255));
  return { labels: labels.data, classes, ignore, narrow: fits && labels.type !== "uint8", out };
}

function narrowed(
  labels: Labels,
  { count, first, value, data }: Awaited<ReturnType<typeof native.narrowLabels>>,
): NarrowedLabels {
  const result: Labels = data === undefined ? labels : { type: "uint8", dims: labels.dims, data };
  return count === 0 ? { labels: result } : { labels: result, stray: { count, pixel: first, label: value } };
}
