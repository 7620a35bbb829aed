import {
  checkOptions,
  inspectValues,
  type Labels,
  optionNames,
  type SignalOption,
  sameDims,
  type Tensor,
} from "@pixelcal/core";
import type { BufferPool } from "./buffer-pool.js";
import { bytesOf, type FileSource, type SourceName, sourcePath } from "./byte-source.js";
import { FormatError } from "./errors.js";
import { float16ToFloat32 } from "./float16.js";
import { classLabels, int64Steps, refuseStray } from "./labels.js";
import type { Limits } from "./limits.js";
import { packMasks, type StoredMasks, unpackMasks } from "./masks.js";
import { npzNames, readNpz, writeNpz } from "./npz.js";
import { plainPrediction } from "./plain-prediction.js";
import { labelSteps } from "./stored-labels.js";
import { byTurns, convertSteps } from "./turns.js";

/** A case of a data set. */
export interface Case {
  /** The image, [C, ...spatial]. */
  readonly image: Tensor<"float32">;
  /** The labels, [...spatial]. */
  readonly labels: Labels;
  /** The physical size of a pixel per spatial axis, if the file has it. */
  readonly spacing?: readonly number[];
  /** The other requested arrays of the file, as stored. */
  readonly extras: Readonly<Record<string, Tensor>>;
}

/** A case of a prediction folder. */
export interface Prediction {
  /** The probabilities, [C, ...spatial], each within [0, 1]. */
  readonly probs: Tensor<"float32">;
  /** The labels, [...spatial]; as read, uint8 if classes and `ignore` fit. */
  readonly labels: Labels;
  /** The physical size of a pixel per spatial axis, if known. */
  readonly spacing?: readonly number[];
}

/** A prediction to write; probabilities of half precision take half the room and are read as float32. */
export interface WrittenPrediction extends Omit<Prediction, "probs"> {
  readonly probs: Tensor<"float32"> | Tensor<"float16">;
  /** The masks to write the labels as, if they were read as such. */
  readonly masks?: StoredMasks | undefined;
}

async function toFloat32(
  tensor: Tensor,
  path: string,
  key: string,
  signal?: AbortSignal,
): Promise<Tensor<"float32">> {
  const { type, dims, data } = tensor;
  if (type === "float32") return tensor as Tensor<"float32">;
  if (!ArrayBuffer.isView(data)) throw new FormatError(path, key, `expected numbers, got ${type}`);
  const part: (values: never) => ArrayLike<number> =
    type === "float16"
      ? (bits: Uint16Array) => float16ToFloat32(bits)
      : type === "int64" || type === "uint64"
        ? (values: BigInt64Array) => Float32Array.from(values, Number)
        : (values: Float64Array) => values;
  const out = new Float32Array(data.length);
  await byTurns(
    convertSteps(data, (values, at) => out.set(part(values as never), at)),
    signal,
  );
  return { type: "float32", dims, data: out };
}

async function pick(
  arrays: Readonly<Record<string, Tensor>>,
  source: FileSource,
  path: string,
  key: string,
): Promise<Tensor> {
  const array = arrays[key];
  if (array) return array;
  const names = (await npzNames(source, { source: path })).map((name) =>
    /^[\w .-]+$/.test(name) ? name : JSON.stringify(name),
  );
  const more = names.length > 20 ? ` and ${names.length - 20} more` : "";
  const held = names.length === 0 ? "no arrays" : `${names.slice(0, 20).join(", ")}${more}`;
  throw new FormatError(path, key, `no such array in the file, which holds ${held}`);
}

function checkSpatial(path: string, key: string, dense: Tensor, labels: Tensor): void {
  const rank = dense.dims.length - 1;
  if (rank < 1 || rank > 3) {
    throw new FormatError(
      path,
      key,
      `expected [C, ...spatial] with 1 to 3 spatial axes, got [${dense.dims}]`,
    );
  }
  const spatial = dense.dims.slice(1);
  if (!sameDims(spatial, labels.dims)) {
    const named = key === "image" ? "dataset.regions without labels" : "--regions NAME=mask,...";
    const advice = sameDims(spatial, labels.dims.slice(1)) ? `; masks need ${named}` : "";
    throw new FormatError(
      path,
      "label",
      `expected shape [${spatial}] to match ${key} [${dense.dims}], got [${labels.dims}]${advice}`,
    );
  }
  if (dense.dims.includes(0)) throw new FormatError(path, key, `is empty, shape [${dense.dims}]`);
}

async function toSpacing(tensor: Tensor, path: string, rank: number): Promise<readonly number[]> {
  const values = Array.from((await toFloat32(tensor, path, "spacing")).data);
  const plain = tensor.type === "float64" ? Array.from(tensor.data as Float64Array) : values;
  if (plain.length !== rank || plain.some((value) => !(value > 0 && Number.isFinite(value)))) {
    throw new FormatError(path, "spacing", `expected ${rank} positive sizes, got [${plain}]`);
  }
  return plain;
}

export interface ReadCaseOptions extends SourceName, SignalOption {
  /**
   * The names of further arrays to return in `extras`; each must exist. Other arrays of the file are ignored.
   */
  readonly extras?: readonly string[];
  /** The masks that `label` holds in place of a label map, as which they are returned. */
  readonly masks?: StoredMasks | undefined;
  readonly limits?: Partial<Limits>;
}

const caseNames = optionNames<ReadCaseOptions>({
  signal: true,
  source: true,
  extras: true,
  masks: true,
  limits: true,
});

/** Returns an array of labels or masks beside `image` as labels. */
const labelsOf = (
  path: string,
  array: Tensor,
  { dims }: Tensor,
  masks: StoredMasks | undefined,
  signal: AbortSignal | undefined,
): Promise<Labels> =>
  masks === undefined
    ? byTurns(labelSteps(array, path, "label"), signal)
    : packMasks(path, "label", array, dims.slice(1), masks, signal);

/**
 * Reads a case, from a path or from bytes: `image` [C, ...spatial] of any number type (converted to float32),
 * `label` [...spatial] of any integer type, or [regions, ...spatial] with `masks`, and `spacing` if present.
 * Throws FormatError naming file and array.
 */
export async function readCase(source: FileSource, options: ReadCaseOptions = {}): Promise<Case> {
  checkOptions("options", options, caseNames);
  const { extras: names = [], masks, limits, signal } = options;
  const path = sourcePath(source, options.source);
  const wanted = ["image", "label", "spacing", ...names];
  const arrays = await readNpz(source, { ...limits, source: path, keys: wanted, signal });
  const image = await toFloat32(await pick(arrays, source, path, "image"), path, "image", signal);
  const labels = await labelsOf(path, await pick(arrays, source, path, "label"), image, masks, signal);
  checkSpatial(path, "image", image, labels);
  const extras: Record<string, Tensor> = Object.create(null);
  for (const name of names) extras[name] = await pick(arrays, source, path, name);
  const { spacing } = arrays;
  if (!spacing) return { image, labels, extras };
  return { image, labels, extras, spacing: await toSpacing(spacing, path, labels.dims.length) };
}

/** Returns the number of masks [regions, ...spatial] that a case's `label` holds; 0 for a label map. */
export async function maskCount(path: string): Promise<number> {
  const keys = ["image", "label"];
  const { image, label } = await readNpz(path, { source: path, keys });
  return image !== undefined && label?.dims.length === image.dims.length ? label.dims[0]! : 0;
}

/** The excess over 1 that is accepted: float32 softmax leaves values a few units of rounding above 1. */
const tolerance = 1e-5;

export interface ReadPredictionOptions extends SourceName, SignalOption {
  /** A label outside the classes that is accepted. */
  readonly ignore?: number;
  /** The number of labels, background included, if the channels are not their classes; the channels' else. */
  readonly classes?: number;
  /** The masks that `label` holds in place of a label map, as which they are returned. */
  readonly masks?: StoredMasks | undefined;
  /**
   * Whether `probs` must lie within [0, 1] (default), or may hold any numbers, such as logits, one channel
   * for two classes.
   */
  readonly values?: "probabilities" | "any";
  /**
   * The pool of buffers to read stored arrays into. Give `probs.data.buffer` and `labels.data.buffer` back
   * when the prediction is no longer used.
   */
  readonly buffers?: BufferPool;
  readonly limits?: Partial<Limits>;
}

const predictionNames = optionNames<ReadPredictionOptions>({
  signal: true,
  source: true,
  ignore: true,
  classes: true,
  masks: true,
  values: true,
  buffers: true,
  limits: true,
});

/**
 * Reads a prediction, from a path or from bytes: `probs` [C, ...spatial], `label` [...spatial], or [regions,
 * ...spatial] with `masks`, and `spacing` if present. Throws FormatError for NaN, for probabilities outside
 * [0, 1] and for labels outside [0, C), or [0, `classes`), other than `ignore`.
 */
export async function readPrediction(
  source: FileSource,
  options: ReadPredictionOptions = {},
): Promise<Prediction> {
  checkOptions("options", options, predictionNames);
  const { masks, limits, buffers, signal } = options;
  const path = sourcePath(source, options.source);
  const any = options.values === "any";
  const plain = bytesOf(source) === undefined ? await plainPrediction(path, options) : undefined;
  if (plain) {
    const { probs, labels, classes } = plain;
    if (!any) await checkValues(path, probs, signal);
    refuseStray(path, plain, classes, options.ignore);
    return { probs, labels };
  }
  const keys = ["probs", "label", "spacing"];
  const arrays = await readNpz(source, { ...limits, source: path, buffers, keys, signal });
  const values = await pick(arrays, source, path, "probs");
  const probs = await toFloat32(values, path, "probs", signal);
  if (probs.data.buffer !== values.data.buffer) buffers?.give(values.data.buffer);
  const array = await pick(arrays, source, path, "label");
  const stored = await labelsOf(path, array, probs, masks, signal);
  checkSpatial(path, "probs", probs, stored);
  if (!any) await checkValues(path, probs, signal);
  const { classes = any ? Math.max(2, probs.dims[0]!) : probs.dims[0]! } = options;
  const labels = masks ? stored : await classLabels(path, stored, classes, options.ignore, buffers);
  if (labels.data.buffer !== array.data.buffer) buffers?.give(array.data.buffer);
  const { spacing } = arrays;
  if (!spacing) return { probs, labels };
  return { probs, labels, spacing: await toSpacing(spacing, path, labels.dims.length) };
}

async function checkValues(
  path: string,
  probs: Tensor<"float32">,
  signal: AbortSignal | undefined,
): Promise<void> {
  const limits = { low: -tolerance, high: 1 + tolerance, signal };
  const { values } = await inspectValues({ ...probs, dims: [1, ...probs.dims] }, limits);
  if (values.count === 0) return;
  const got = `${probs.data[values.first]} at offset ${values.first}`;
  throw new FormatError(path, "probs", `expected values within [0, 1], got ${got}`);
}

/**
 * Writes a prediction as the authors' repository does, `probs` float32 (or float16) and `label` int64,
 * deflated, atomically. A known spacing is one more array, which that repository ignores.
 */
export async function writePrediction(path: string, prediction: WrittenPrediction): Promise<void> {
  const { probs, labels, masks, spacing } = prediction;
  checkSpatial(path, "probs", probs, labels);
  const stored = masks ? await unpackMasks(labels, masks) : labels;
  const arrays = { probs, label: await byTurns(int64Steps(stored)) };
  if (!spacing) return writeNpz(path, arrays);
  const sizes: Tensor = { type: "float64", dims: [spacing.length], data: Float64Array.from(spacing) };
  await writeNpz(path, { ...arrays, spacing: sizes });
}
