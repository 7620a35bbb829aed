import type { Tensor } from "@pixelcal/core";
import { fromNumbers, isFloat, toNumbers } from "../data-types.js";
import { GraphError, graphError, UnsupportedOpError } from "../errors.js";
import { Graph } from "../graph.js";
import { type Attributes, type Node, opKey, type Value } from "../ir.js";
import { sameDims, sizeOf } from "../operators/spec.js";
import { liveNodes } from "../rewrite.js";
import type { Kernel, NumericArray } from "./array.js";
import { compositeKernels } from "./composite.js";
import { convolutionKernels } from "./convolution.js";
import { elementwiseKernels } from "./elementwise.js";
import { indexingKernels } from "./indexing.js";
import { matmulKernels } from "./matmul.js";
import { movementKernels } from "./movement.js";
import { normalizationKernels } from "./normalization.js";
import { poolingKernels } from "./pooling.js";
import { reductionKernels } from "./reduction.js";
import { resizeKernels } from "./resize.js";
import { slicingKernels } from "./slicing.js";

/** The meaning of every operator, slow and plain; gradients, lowering and runtimes are checked against it. */
const kernels: Readonly<Record<string, Kernel>> = {
  ...elementwiseKernels,
  ...reductionKernels,
  ...movementKernels,
  ...slicingKernels,
  ...indexingKernels,
  ...matmulKernels,
  ...convolutionKernels,
  ...poolingKernels,
  ...normalizationKernels,
  ...resizeKernels,
  ...compositeKernels,
};

/**
 * Runs a graph in float64 arithmetic. Float outputs come as float64 tensors, others in their own type. Throws
 * `GraphError` for missing, unknown or misshapen feeds.
 */
export function interpret(
  graph: Graph,
  feeds: Readonly<Record<string, Tensor>> = {},
): Record<string, Tensor> {
  const nodes = liveNodes(graph);
  const missing = nodes.map(opKey).filter((key) => !Object.hasOwn(kernels, key));
  if (missing.length > 0) throw new UnsupportedOpError(missing, `${graph.name}: the interpreter has no`);
  const values = new Map<Value, NumericArray>();
  const given = new Map(Object.entries(feeds));
  for (const name of given.keys()) {
    if (!graph.inputs.some((input) => input.name === name))
      throw new GraphError(name, "the graph has no input of this name");
  }
  for (const input of graph.inputs) values.set(input, feed(input, given.get(input.name)));
  const of = (value: Value): NumericArray => {
    const known = values.get(value);
    if (known !== undefined) return known;
    const tensor = graph.tensor(value)!;
    const array = { type: tensor.type, dims: tensor.dims, data: toNumbers(tensor) };
    values.set(value, array);
    return array;
  };
  for (const node of nodes) run(node, of, values);
  return Object.fromEntries([...graph.outputs].map(([name, value]) => [name, result(of(value))]));
}

/** Evaluates one operator on tensors, in float64; its outputs come in their own types. */
export function evaluate(
  opType: string,
  inputs: readonly (Tensor | undefined)[],
  attributes: Attributes = {},
): Tensor[] {
  const graph = new Graph(opType);
  const given = inputs.map((tensor, index) => tensor && graph.initializer(`input${index}`, tensor));
  const outputs = graph.node(opType, given, attributes);
  for (const [index, value] of outputs.entries()) graph.output(`output${index}`, value);
  const results = interpret(graph);
  return outputs.map(({ type, dims }, index) =>
    fromNumbers(type, toNumbers(results[`output${index}`]!), dims),
  );
}

function run(node: Node, of: (value: Value) => NumericArray, values: Map<Value, NumericArray>): void {
  const kernel = kernels[opKey(node)]!;
  const results = kernel(
    node.inputs.map((input) => input && of(input)),
    node,
  );
  for (const [index, output] of node.outputs.entries()) {
    const data = results[index];
    if (data === undefined || data.length !== sizeOf(output.dims)) {
      throw graphError(
        node.name,
        `output ${index} of dims [${output.dims.join(", ")}]`,
        `${data?.length} elements`,
      );
    }
    values.set(output, { type: output.type, dims: output.dims, data });
  }
}

function feed(input: Value, tensor: Tensor | undefined): NumericArray {
  const wanted = `${input.type} [${input.dims.join(", ")}]`;
  if (tensor === undefined) throw graphError(input.name, wanted, undefined);
  const sameType = tensor.type === input.type || (isFloat(tensor.type) && isFloat(input.type));
  if (!sameType || !sameDims(tensor.dims, input.dims)) {
    throw graphError(input.name, wanted, `${tensor.type} [${tensor.dims.join(", ")}]`);
  }
  return { type: input.type, dims: input.dims, data: toNumbers(tensor) };
}

function result({ type, dims, data }: NumericArray): Tensor {
  return isFloat(type) ? { type: "float64", dims, data } : fromNumbers(type, data, dims);
}
