import { checkOptions, InvalidArgumentError, invalidArgument, optionNames, sameDims } from "@pixelcal/core";
import { Graph, GraphError, OnnxFile, parseModel, rewrite, type TiedWeights } from "@pixelcal/graph";
import { declaredBatch, withBatch } from "./batch-size.js";
import { type CanonicalOptions, canonical, type Ends, imageDims } from "./canonical.js";
import { imageAndLogits } from "./image-and-logits.js";
import type { Model } from "./model.js";

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
  outputs: true,
  classAxis: true,
  channelAxis: true,
  externalData: true,
  tiedWeights: true,
  seed: true,
};
const names = optionNames<SourceOptions>(sourceOptionTable);

/** Returns the number of classes of a model on images of these dims; throws unless it can take them. */
export function modelClasses(model: AnyModel, dims: readonly number[], options: SourceOptions = {}): number {
  checkOptions("options", options, names);
  return imageAndLogits(modelSource(model, options)(dims)).logits.dims[1]!;
}

/**
 * Returns a source of canonical graphs from a model description, a graph or the bytes of an ONNX file; see
 * `canonical`.
 */
export function modelSource(model: AnyModel, options: SourceOptions = {}, ends?: Ends): ModelSource {
  const { seed, externalData, tiedWeights, channelAxis } = options;
  if (seed !== undefined && !(Number.isSafeInteger(seed) && seed >= 0)) {
    throw invalidArgument("seed", "an integer of 0 or more", seed);
  }
  if (model instanceof Graph) {
    const own = model.inputs[0]?.dims[0] ?? 1;
    return (dims) =>
      laidOut(dims, () => {
        const [batch, ...rest] = imageDims(dims, channelAxis) as [number, ...number[]];
        const sized = withBatch(batch, own, (count) => resized(model, [count, ...rest]));
        return canonical(sized, options, ends);
      });
  }
  if (model instanceof Uint8Array || model instanceof OnnxFile) {
    const file = OnnxFile.of(model);
    return (dims) =>
      laidOut(dims, () => {
        const parsed = parsedModel(file, dims, { externalData, tiedWeights, channelAxis });
        return canonical(parsed, options, ends);
      });
  }
  return (dims) => model.build(dims, seed);
}

/** Reads the graph of an ONNX file, laid out for images of canonical dims [N, C, ...spatial]. */
export function parsedModel(
  file: OnnxFile,
  dims: readonly number[],
  { channelAxis, ...reading }: FileOptions & Pick<CanonicalOptions, "channelAxis">,
): Graph {
  const [batch, ...rest] = imageDims(dims, channelAxis) as [number, ...number[]];
  return withBatch(batch, declaredBatch(file), (count) =>
    parseModel(file, { ...reading, shapes: { "": [count, ...rest] } }),
  );
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
