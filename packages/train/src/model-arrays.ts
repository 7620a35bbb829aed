import type { Tensor } from "@pixelcal/core";
import { invalidArgument } from "@pixelcal/core";
import { type Graph, rewrite, type Value } from "@pixelcal/graph";

/** Names of a model's arrays by role: `parameters` are trained, `buffers` (running statistics) only carried. */
export interface Roles {
  readonly parameters: readonly string[];
  readonly buffers: readonly string[];
}

// Which inputs of an operator hold what is learnt. Everything else that is stored in a model is a constant.
const learnt: Readonly<Record<string, readonly number[]>> = {
  Conv: [1, 2],
  ConvTranspose: [1, 2],
  Gemm: [0, 1, 2],
  MatMul: [0, 1],
  Add: [0, 1],
  Mul: [0, 1],
  PRelu: [1],
  BatchNormalization: [1, 2],
  InstanceNormalization: [1, 2],
  LayerNormalization: [1, 2],
};
const carried: Readonly<Record<string, readonly number[]>> = { BatchNormalization: [3, 4] };

/** Sorts a model's initializers into parameters and buffers; scalars and other types are constants. */
export function rolesOf(model: Graph): Roles {
  const named = (places: Readonly<Record<string, readonly number[]>>): string[] => {
    const names = new Set<string>();
    for (const { opType, inputs } of model.nodes) {
      for (const index of places[opType] ?? []) {
        const value = inputs[index];
        const array = value && model.initializers.get(value.name);
        if (value && array?.type === "float32" && array.dims.length > 0) names.add(value.name);
      }
    }
    return [...names];
  };
  return { parameters: named(learnt), buffers: named(carried) };
}

/** The model's one image input and one logits output, checked. */
export function modelEnds(model: Graph): { readonly image: Value; readonly logits: Value } {
  const [image, ...more] = model.inputs;
  const [logits, ...others] = model.outputs.values();
  if (image === undefined || logits === undefined || more.length + others.length > 0) {
    const got = `${model.inputs.length} inputs, ${model.outputs.size} outputs`;
    throw invalidArgument("model", "one image input and one logits output", got);
  }
  const fits =
    image.type === "float32" && logits.type === "float32" && image.dims.length === logits.dims.length;
  if (
    !fits ||
    image.dims.length < 3 ||
    logits.dims.some((size, axis) => axis !== 1 && size !== image.dims[axis])
  ) {
    const got = `${image.type} [${image.dims}] and ${logits.type} [${logits.dims}]`;
    throw invalidArgument(
      "model",
      "float32 image [N, C, ...spatial] and logits [N, classes, ...spatial]",
      got,
    );
  }
  return { image, logits };
}

/** The model with trained arrays in place of its own: `arrays` must hold every parameter and buffer in its shape. */
export function withArrays(model: Graph, arrays: Readonly<Record<string, Tensor>>): Graph {
  const { parameters, buffers } = rolesOf(model);
  const trained = new Set([...parameters, ...buffers]);
  for (const name of trained) {
    const { type, dims } = model.initializers.get(name)!;
    const given = arrays[name];
    if (given?.type !== type || given.dims.join() !== dims.join()) {
      const got = given === undefined ? "nothing" : `${given.type} [${given.dims.join(", ")}]`;
      throw invalidArgument(name, `${type} [${dims.join(", ")}]`, got);
    }
  }
  return rewrite(model, {
    initializer: (name, _, target) =>
      trained.has(name) ? target.initializer(name, arrays[name]!) : undefined,
  });
}
