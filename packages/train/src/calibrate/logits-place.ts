import { InvalidArgumentError, invalidArgument, sameDims } from "@pixelcal/core";
import { type Graph, inspectModel, type OnnxFile, parseModel, type Value, valueTypes } from "@pixelcal/graph";
import {
  axisAtLogits,
  axisOf,
  type CanonicalOptions,
  canonicalAxes,
  checkSoftmax,
  logitsBehind,
  movedAxes,
  refuseDerived,
} from "../model/canonical.js";
import { imageSize, mainOutput } from "../model/declared-image.js";
import { declaredChannels, type PassThrough, passThrough } from "../model/pass-through.js";
import { type FileOptions, parseOptions } from "../model/source.js";
import { unstacked } from "../model/stacked-outputs.js";

/** The way to read the outputs of a file, and dims [N, C, ...spatial] to lay it out for. */
export interface PlaceOptions extends Omit<CanonicalOptions, "outputs">, FileOptions {
  /** The output to calibrate; the one that has the image's size by default. */
  readonly output?: string;
  /** Declared by the file by default, open sizes filled in. */
  readonly dims?: readonly number[];
}

/** Where the logits of an output are in a file, and how they lie there. */
export interface LogitsPlace {
  readonly output: string;
  /** The value's name in the file. */
  readonly value: string;
  /** Its element type there: "float32" or "float16". */
  readonly type: "float32" | "float16";
  /** Its dims for the layout that was tried. */
  readonly dims: readonly number[];
  /** The axis of the classes in it. */
  readonly axis: number;
  /** The channels: classes of a softmax, one channel z for logits [0, z], or sigmoids of their own. */
  readonly channels: "classes" | "foreground" | "labels";
  /**
   * Whether its pixels are the image's ("image"), are those in another order or shape ("moved"), or are
   * interpolated to the image's later ("resized").
   */
  readonly raster: "image" | "moved" | "resized";
}

/**
 * Finds the logits of one output of a file. Throws `InvalidArgumentError` where the output holds no logits,
 * softmax or sigmoid of them, or where the file computes them inside a function, a branch or a stack.
 */
export function logitsPlace(file: OnnxFile, options: PlaceOptions = {}): LogitsPlace {
  const { classAxis = 1, output: named } = options;
  const stored = passThrough(file, { ...options, ...(named !== undefined && { outputs: [named] }) });
  if (stored !== undefined) return storedPlace(file, stored, options);
  const dims = options.dims ?? imageSize(inspectModel(file).inputs, options).dims;
  const model = unstacked(parseModel(file, parseOptions(file, dims, options)));
  const output = chosenOutput(model, dims, options);
  const copy = model.outputs.get(output)!;
  const found = logitsBehind(copy);
  refuseDerived(output, copy, found);
  const wanted = axisOf("classAxis", classAxis, Math.max(2, copy.dims.length));
  checkSoftmax(output, found, wanted, classAxis);
  const axis = axisAtLogits(found, wanted);
  const { logits, activation } = found;
  const type = valueTypes(file).get(logits.name);
  if (axis === undefined || type === undefined) {
    const message = `output: the logits of ${output} cannot be reached in the file; expected a value of its main graph with the classes on an axis`;
    throw new InvalidArgumentError("output", message);
  }
  if (type !== "float32" && type !== "float16")
    throw invalidArgument("output", "float32 or float16 logits", `${type} in ${output}`);
  const channels = logits.dims[axis]!;
  return {
    output,
    value: logits.name,
    type,
    dims: logits.dims,
    axis,
    channels: channels === 1 ? "foreground" : activation === "sigmoid" ? "labels" : "classes",
    raster: rasterOf(spatialOf(logits, axis), spatialOf(copy, wanted), dims.slice(2)),
  };
}

/** Finds the logits of a file that no graph can be made of, as far as it declares its sizes. */
function storedPlace(file: OnnxFile, ends: PassThrough, options: PlaceOptions): LogitsPlace {
  const { output, activation, logits, moved, reason } = ends;
  const { classAxis = 1 } = options;
  const type = valueTypes(file).get(logits ?? "");
  if (logits === undefined || moved || (type !== "float32" && type !== "float16")) {
    const message = `output: the logits of ${output.name} cannot be reached in a file with ${reason}; expected a float value of its main graph`;
    throw new InvalidArgumentError("output", message);
  }
  const channels = declaredChannels(ends, options);
  const image = options.dims ?? imageSize([ends.image], options).dims;
  const axis = axisOf("classAxis", classAxis, image.length);
  const whole = movedAxes(image.length, axis).map((from) => (from === 1 ? channels : image[from]!));
  const dims = whole.map((size, at) => {
    const own = output.dims![at];
    return at > 0 && typeof own === "number" ? own : size;
  });
  return {
    output: output.name,
    value: logits,
    type,
    dims,
    axis,
    channels: channels === 1 ? "foreground" : activation === "sigmoid" ? "labels" : "classes",
    raster: sameDims(dims, whole) ? "image" : "resized",
  };
}

/** Returns the sizes of a value without batch and classes. */
const spatialOf = ({ dims }: Value, axis: number): readonly number[] =>
  canonicalAxes(dims.length, axis)
    .slice(2)
    .map((from) => dims[from]!);

function rasterOf(
  logits: readonly number[],
  output: readonly number[],
  image: readonly number[],
): LogitsPlace["raster"] {
  if (!sameDims(output, image)) return "resized";
  return sameDims(logits, image) ? "image" : "moved";
}

function chosenOutput(model: Graph, dims: readonly number[], options: PlaceOptions): string {
  const { output = mainOutput(model, dims, options) } = options;
  if (model.outputs.has(output)) return output;
  throw invalidArgument("output", `one of ${[...model.outputs.keys()].join(", ")}`, output);
}
