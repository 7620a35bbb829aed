import { InvalidArgumentError, invalidArgument } from "@pixelcal/core";
import { Graph, GraphError, parseModel, rewrite } from "@pixelcal/graph";
import { modelEnds } from "./model-arrays.js";
import type { Model } from "./models/model.js";

/** Lays a network out for images of given dims. */
export type ModelSource = (dims: readonly number[]) => Graph;

/** A source from a model description, a graph or the bytes of an ONNX file; `seed` is for descriptions alone. */
export function modelSource(model: Model | Graph | Uint8Array, seed?: number): ModelSource {
  if (seed !== undefined && !(Number.isSafeInteger(seed) && seed >= 0)) {
    throw invalidArgument("seed", "an integer of 0 or more", seed);
  }
  if (model instanceof Graph) return (dims) => laidOut(dims, () => resized(model, dims));
  if (model instanceof Uint8Array) {
    return (dims) => laidOut(dims, () => parseModel(model, { shapes: { "": dims } }));
  }
  return (dims) => model.build(dims, seed);
}

function resized(model: Graph, dims: readonly number[]): Graph {
  const { image } = modelEnds(model);
  if (image.dims.join() === dims.join()) return model;
  return rewrite(model, { input: (value, target) => target.input(value.name, value.type, dims) });
}

/** A finished graph may hold sizes that suit the images it was made for alone. */
function laidOut(dims: readonly number[], make: () => Graph): Graph {
  try {
    return make();
  } catch (cause) {
    if (!(cause instanceof GraphError)) throw cause;
    const message = `image: the model cannot take [${dims.join(", ")}]: ${cause.message}`;
    throw new InvalidArgumentError("image", message, { cause });
  }
}
