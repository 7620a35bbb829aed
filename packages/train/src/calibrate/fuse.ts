import {
  type Calibrator,
  type CalibratorJson,
  calibratorFromJSON,
  checkOptions,
  invalidArgument,
  optionNames,
} from "@pixelcal/core";
import {
  Graph,
  modelMetadata,
  OnnxFile,
  onnxTypes,
  ops,
  spliceModel,
  type Value,
  withoutSplices,
} from "@pixelcal/graph";
import { canonicalAxes, movedAxes, readingNames } from "../model/canonical.js";
import { withCarriedReading } from "../model/carried-reading.js";
import { addCalibrator } from "./calibrator-graph.js";
import { isLabel, keptInHalves, labelsOf } from "./distributions.js";
import { type LogitsPlace, logitsPlace, type PlaceOptions } from "./logits-place.js";
import { fittingMethods, unfitting } from "./methods.js";

/** The first part of the names of all nodes and metadata of a calibrator in a file. */
const prefix = "pixelcal_calibrator";

/** The options of {@link fuseCalibrator}: which output, and what the file records. */
export interface FuseOptions extends PlaceOptions {
  /** Adds the logits as they were as the output NAME_uncalibrated; false by default. */
  readonly keepLogits?: boolean;
  /** A fingerprint of the data that the calibrator was fitted to. */
  readonly data?: string;
  /** The version of PixelCal that fitted it. */
  readonly version?: string;
}

const names = optionNames<FuseOptions>({
  keepLogits: true,
  data: true,
  version: true,
  output: true,
  dims: true,
  ...readingNames,
  externalData: true,
  tiedWeights: true,
});

/** A calibrator that a file holds. */
export interface FusedCalibrator {
  readonly output: string;
  readonly method: string;
  readonly version?: string;
  readonly data?: string;
  /** One, or one for each channel where every channel is a sigmoid of its own. */
  readonly calibrators: readonly CalibratorJson[];
}

/** Calibrators of a model: one, or one of two classes for each channel that is a sigmoid of its own. */
export type ModelCalibrators = Calibrator | readonly Calibrator[];

/**
 * Returns an ONNX file whose chosen output is calibrated: the same name, type and shape, the same weights and
 * open sizes, and standard operators of the file's own operator set behind its logits. A calibrator that the
 * file already holds is replaced. Files with weights beside them need them beside the result. Throws
 * `InvalidArgumentError` for outputs and calibrators that do not fit each other.
 */
export function fuseCalibrator(
  model: Uint8Array | OnnxFile,
  calibrators: ModelCalibrators,
  options: FuseOptions = {},
): Uint8Array {
  checkOptions("options", options, names);
  const { keepLogits = false, data, version, ...where } = options;
  const file = new OnnxFile(withoutCalibrator(model));
  const place = logitsPlace(file, withCarriedReading(file, where));
  const list = "length" in calibrators ? calibrators : [calibrators];
  checkFit(place, list);
  const graph = new Graph("calibrator");
  const stored = graph.input("logits", place.type, place.dims);
  graph.output("calibrated", calibrated(stored, place, list));
  const keep = keepLogits
    ? { name: `${place.output}_uncalibrated`, elementType: onnxTypes[place.type], dims: openDims(place) }
    : undefined;
  const description = { calibrators: list.map((each) => each.toJSON()) };
  const method = list.map(({ name }) => name).join(", ");
  const facts = { method, output: place.output, parameters: JSON.stringify(description), data, version };
  const metadata = Object.entries(facts).flatMap(([key, value]) =>
    value === undefined ? [] : [[`${prefix}.${key}`, value] as const],
  );
  const splice = { value: place.value, graph, prefix, keep };
  return Buffer.concat(spliceModel(file, [splice], Object.fromEntries(metadata)));
}

/** Returns the file without its calibrator, the bytes from before; a file without one as it is. */
export const withoutCalibrator = (model: Uint8Array | OnnxFile): Uint8Array => withoutSplices(model, prefix);

/** Returns the calibrator that a file holds, as its metadata records it; undefined where it has none. */
export function fusedCalibrator(model: Uint8Array | OnnxFile): FusedCalibrator | undefined {
  const metadata = modelMetadata(model);
  const fact = (key: string): string | undefined => metadata[`${prefix}.${key}`];
  const [method, output, parameters] = [fact("method"), fact("output"), fact("parameters")];
  if (method === undefined || output === undefined || parameters === undefined) return undefined;
  const { calibrators } = JSON.parse(parameters) as { calibrators: readonly unknown[] };
  return {
    method,
    output,
    data: fact("data"),
    version: fact("version"),
    calibrators: calibrators.map((json) => calibratorFromJSON(json).toJSON()),
  };
}

function checkFit(place: LogitsPlace, list: readonly Calibrator[]): void {
  const { channels, dims, axis, output } = place;
  const count = dims[axis]!;
  const expected = channels === "labels" ? count : 1;
  const classes = channels === "classes" ? count : 2;
  if (list.length !== expected)
    throw invalidArgument("calibrators", `${expected} for the channels of ${output}`, list.length);
  const known = fittingMethods(place);
  for (const { name, classes: own } of list) {
    if (own !== classes) throw invalidArgument("calibrators", `${classes} classes, as ${output} has`, own);
    if (!known.includes(name)) throw unfitting("calibrators", name, place);
  }
}

/** Adds everything between the logits as the file has them and the calibrated ones. */
function calibrated(stored: Value, place: LogitsPlace, list: readonly Calibrator[]): Value {
  const { axis, type, channels, dims } = place;
  const floats = type === "float32" ? stored : ops.Cast(stored, "float32");
  const logits = axis === 1 ? floats : ops.Transpose(floats, canonicalAxes(dims.length, axis));
  const made =
    channels === "classes"
      ? addCalibrator(logits, list[0]!)
      : ops.Concat(
          list.map((each, c) =>
            oneChannel(list.length === 1 ? logits : ops.Slice(logits, [c], [c + 1], [1]), each),
          ),
          1,
        );
  const keeps = channels === "classes" && list[0]!.keepsLabels;
  const typed =
    type === "float32"
      ? made
      : keeps
        ? keptInHalves(made, isLabel(logits, labelsOf(logits)))
        : ops.Cast(made, type);
  return axis === 1 ? typed : ops.Transpose(typed, movedAxes(dims.length, axis));
}

/** Calibrates a channel z as the logits [0, z] of two classes. */
function oneChannel(z: Value, calibrator: Calibrator): Value {
  const two = addCalibrator(ops.Concat([ops.Mul(z, 0), z], 1), calibrator);
  const [none, some] = [0, 1].map((c) => ops.Slice(two, [c], [c + 1], [1]));
  return ops.Sub(some!, none!);
}

/** Returns dims to declare for the logits: open but for the classes. */
const openDims = ({ dims, axis, output }: LogitsPlace): readonly (number | string)[] =>
  dims.map((size, i) => (i === axis ? size : `${output}_${i}`));
