import { call, native } from "../binding.js";
import { checkIgnore } from "../check.js";
import { checkOptions, optionNames } from "../check-options.js";
import { checkSignal, type SignalOption } from "../device.js";
import { invalidArgument } from "../errors.js";
import type { StrayLabels } from "./narrow-labels.js";

export interface StoredPredictionOptions extends SignalOption {
  /** The number of labels, 1 to 256; default: the channels, at least 2. */
  readonly classes?: number;
  /** A label beside the classes, 0 to 255. */
  readonly ignore?: number;
  /** The arrays to read into. */
  readonly probs: Float32Array;
  readonly labels: Uint8Array;
}

/** The arrays of a file of a prediction. */
export interface StoredPrediction {
  /** The shape of the probabilities, [C, ...spatial]; that of the labels is [...spatial]. */
  readonly dims: readonly number[];
  /** Whether the given arrays had the sizes of the file's, and hold them now. */
  readonly read: boolean;
  readonly stray?: StrayLabels;
}

const names = optionNames<StoredPredictionOptions>({
  signal: true,
  classes: true,
  ignore: true,
  probs: true,
  labels: true,
});

/**
 * Reads the prediction in an NPZ archive as `numpy.savez` writes it, in one pass: float32 `probs` [C,
 * ...spatial] and int64 `label` [...spatial], neither packed, and no other array. Labels are narrowed to
 * uint8, stray ones to 0. Returns undefined for any other file, and for one that is damaged or cannot be
 * read: the general reader, `readNpz` of @pixelcal/io, says why. Runs on Node's threads for files.
 */
export async function readStoredPrediction(
  path: string,
  options: StoredPredictionOptions,
): Promise<StoredPrediction | undefined> {
  checkOptions("options", options, names);
  checkSignal(options.signal);
  const { classes, ignore, probs, labels, signal } = options;
  if (typeof path !== "string") throw invalidArgument("path", "a path", path);
  checkIgnore(ignore);
  const request = { path, classes, ignore, values: probs.length, pixels: labels.length, probs, labels };
  const found = await call(native.readStoredPrediction, request, signal);
  if (found === undefined) return undefined;
  const { dims, count, first, value } = found;
  const read = found.probs !== undefined;
  return count === 0 ? { dims, read } : { dims, read, stray: { count, pixel: first, label: value } };
}
