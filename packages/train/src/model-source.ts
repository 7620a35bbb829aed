import { invalidArgument } from "@pixelcal/core";
import { Graph, parseModel, rewrite } from "@pixelcal/graph";
import { modelEnds } from "./model-arrays.js";
import type { Model } from "./models/model.js";

/** Lays a network out for images of given dims. */
export type ModelSource = (dims: readonly number[]) => Graph;

/** A source from a model description, a graph or the bytes of an ONNX file; `seed` is for descriptions alone. */
export function modelSource(model: Model | Graph | Uint8Array, seed?: number): ModelSource {
  if (model instanceof Graph) return (dims) => resized(model, dims);
  if (model instanceof Uint8Array) return (dims) => parseModel(model, { shapes: { "": dims } });
  return (dims) => model.build(dims, seed);
}

function resized(model: Graph, dims: readonly number[]): Graph {
  const { image } = modelEnds(model);
  if (image.dims.join() === dims.join()) return model;
  try {
    return rewrite(model, { input: (value, target) => target.input(value.name, value.type, dims) });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw invalidArgument("image", `[${image.dims}], the size the model was made for`, `[${dims}] (${why})`);
  }
}
