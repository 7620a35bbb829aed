import { checkOptions, InvalidArgumentError, invalidArgument, optionNames, sameDims } from "@pixelcal/core";
import {
  type DeclaredValue,
  Graph,
  GraphError,
  inspectModel,
  OnnxFile,
  ops,
  type ParseOptions,
  parseModel,
  rewrite,
  type TiedWeights,
} from "@pixelcal/graph";
import { declaredBatch, withBatch } from "./batch-size.js";
import {
  axisOf,
  type CanonicalOptions,
  canonical,
  canonicalNames,
  type Ends,
  imageDims,
  multiLabel,
} from "./canonical.js";
import { withCarriedReading } from "./carried-reading.js";
import { furtherTensors, imageAmong, withFurtherInputs } from "./further-inputs.js";
import { imageAndLogits } from "./image-and-logits.js";
import type { Model } from "./model.js";
import { declaredChannels, isMultiLabel, passThrough } from "./pass-through.js";

/** A network: its description, a graph, or an ONNX file as bytes or decoded. */
export type AnyModel = Model | Graph | OnnxFile | Uint8Array;

/** Returns whether a network is a description, which can be laid out anew. */
export const isDescription = (model: AnyModel): model is Model =>
  !(model instanceof Graph || model instanceof OnnxFile || model instanceof Uint8Array);

/** Builds a network's graph for images of given dims. */
export type ModelSource = (dims: readonly number[]) => Graph;

/** Options for reading the weights of an ONNX file. */
export interface FileOptions {
  /** The folder of the weights that it keeps in other files. */
  readonly externalData?: string;
  /** The treatment of weights that several layers share; "named" by default. */
  readonly tiedWeights?: TiedWeights;
}

export interface SourceOptions extends CanonicalOptions, FileOptions {
  /** Seed of the initial weights of a description. */
  readonly seed?: number;
}

const sourceOptionTable: { readonly [K in keyof Required<SourceOptions>]: true } = {
  ...canonicalNames,
  externalData: true,
  tiedWeights: true,
  seed: true,
};
const names = optionNames<SourceOptions>(sourceOptionTable);

/** Returns the number of classes of a model on images of these dims; throws unless it can take them. */
export function modelClasses(model: AnyModel, dims: readonly number[], given: SourceOptions = {}): number {
  checkOptions("options", given, names);
  const file = model instanceof Uint8Array || model instanceof OnnxFile ? OnnxFile.of(model) : undefined;
  const options = withCarriedReading(file, given);
  const stored = file && passThrough(file, options);
  if (stored === undefined) return imageAndLogits(modelSource(file ?? model, options)(dims)).logits.dims[1]!;
  const channels = declaredChannels(stored, options);
  if (isMultiLabel(stored, options)) throw multiLabel(stored.output.name, channels);
  return Math.max(2, channels);
}

/**
 * Returns a source of canonical graphs from a model description, a graph or the bytes of an ONNX file; see
 * `canonical`.
 */
export function modelSource(model: AnyModel, options: SourceOptions = {}, ends?: Ends): ModelSource {
  const { seed, inputs, channels } = options;
  if (seed !== undefined && !(Number.isSafeInteger(seed) && seed >= 0)) {
    throw invalidArgument("seed", "an integer of 0 or more", seed);
  }
  if (channels !== undefined && channels !== "repeat") throw invalidArgument("channels", "repeat", channels);
  if (model instanceof Graph) {
    const fixed = withFurtherInputs(model, inputs);
    const own = fixed.inputs[0]?.dims[0] ?? 1;
    return (dims) =>
      laidOut(dims, () => {
        const taken = imageDims(networkDims(dims, fixed.inputs[0], options), options.channelAxis);
        const [batch, ...rest] = taken as [number, ...number[]];
        const sized = withBatch(batch, own, (count) => resized(fixed, [count, ...rest]));
        return withImage(canonical(sized, options, ends), dims);
      });
  }
  if (model instanceof Uint8Array || model instanceof OnnxFile) {
    const file = OnnxFile.of(model);
    return (dims) =>
      laidOut(dims, () => withImage(canonical(parsedModel(file, dims, options), options, ends), dims));
  }
  return (dims) => model.build(dims, seed);
}

/** The way to read a file's graph, apart from its outputs. */
export type ParsingOptions = FileOptions & Pick<CanonicalOptions, "channelAxis" | "channels" | "inputs">;

/**
 * Reads the graph of an ONNX file, laid out for images of canonical dims [N, C, ...spatial]: its image has as
 * many channels as the network takes.
 */
export function parsedModel(file: OnnxFile, dims: readonly number[], options: ParsingOptions): Graph {
  const image = imageAmong(inspectModel(file).inputs, options.inputs);
  return withBatch(dims[0]!, declaredBatch(image), (count) =>
    parseModel(file, parseOptions(file, dims.with(0, count), options)),
  );
}

/** Returns how to parse a file for images of canonical dims [N, C, ...spatial]. */
export function parseOptions(
  file: OnnxFile,
  dims: readonly number[],
  { externalData, tiedWeights, ...options }: ParsingOptions,
): ParseOptions {
  const declared = inspectModel(file).inputs;
  const image = imageAmong(declared, options.inputs);
  const taken = imageDims(networkDims(dims, image, options), options.channelAxis);
  const values = furtherTensors(declared, options.inputs, taken);
  return { externalData, tiedWeights, shapes: { [image.name]: taken }, values };
}

/** Returns the dims [N, C, ...spatial] of what a network gets of images of these dims. */
export function networkDims(
  dims: readonly number[],
  image: Pick<DeclaredValue, "name" | "dims"> | undefined,
  { channels, channelAxis = 1 }: Pick<CanonicalOptions, "channelAxis" | "channels">,
): readonly number[] {
  if (channels === undefined || dims[1] !== 1) return dims;
  const own = image?.dims?.[axisOf("channelAxis", channelAxis, dims.length)];
  if (typeof own === "number") return dims.with(1, own);
  throw new InvalidArgumentError(
    "channels",
    `channels: the network does not say how many ${image?.name} has`,
  );
}

/** Returns a canonical model whose image has these dims: one channel is repeated. */
function withImage(model: Graph, dims: readonly number[]): Graph {
  const [image] = model.inputs;
  if (image === undefined || sameDims(image.dims, dims)) return model;
  return rewrite(model, {
    input: ({ name, type, dims: own }, target) => ops.Expand(target.input(name, type, dims), own),
  });
}

function resized(model: Graph, dims: readonly number[]): Graph {
  const [image] = model.inputs;
  if (image === undefined || model.inputs.length > 1 || sameDims(image.dims, dims)) return model;
  return rewrite(model, { input: (value, target) => target.input(value.name, value.type, dims) });
}

const fileFaults: ReadonlySet<string> = new Set(["model", "externalData", "tiedWeights"]);

/** Turns errors about a size into errors about the image: a graph may hold sizes of other images. */
function laidOut(dims: readonly number[], make: () => Graph): Graph {
  try {
    return make();
  } catch (cause) {
    // A fault of the file is one at any size.
    if (!(cause instanceof GraphError) || fileFaults.has(cause.where)) throw cause;
    const message = `image: the model cannot take [${dims.join(", ")}]: ${cause.message}`;
    throw new InvalidArgumentError("image", message, { cause });
  }
}
