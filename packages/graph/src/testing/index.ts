import type { DataType } from "@pixelcal/core";
import { fromNumbers } from "../data-types.js";
import { gradients } from "../gradients/gradients.js";
import { Graph } from "../graph.js";
import type { Value } from "../ir.js";
import * as ops from "../operators/ops.js";
import { sizeOf } from "../operators/spec.js";
import { type OperatorCase, uniforms } from "./case.js";
import { convolutionCases } from "./convolution-cases.js";
import { elementwiseCases } from "./elementwise-cases.js";
import { layerCases } from "./layer-cases.js";
import { randomCases } from "./random-cases.js";
import { tensorCases } from "./tensor-cases.js";
import { writtenCases } from "./written-cases.js";

export { feedsOf, type InputSpec, type OperatorCase, uniforms } from "./case.js";
export { difference, floats, numbers } from "./numbers.js";
export { type AttributeValue, type OnnxNode, onnxModel } from "./onnx-model.js";
export { planeCases } from "./plane-cases.js";

/**
 * Small expressions for every operator with a gradient rule: what the interpreter,
 * lowering and runtimes must agree on.
 */
export const operatorCases: readonly OperatorCase[] = [
  ...elementwiseCases,
  ...tensorCases,
  ...layerCases,
  ...convolutionCases,
  ...writtenCases,
  ...randomCases,
];

export interface CaseGraph {
  readonly graph: Graph;
  /** Names of the inputs whose gradients are outputs named "d" and that name. */
  readonly differentiable: readonly string[];
}

/** Returns a scalar that weighs every element of a case's outputs differently. */
export function caseLoss(operatorCase: OperatorCase, float: DataType): Graph {
  const { graph, loss } = forward(operatorCase, float);
  graph.output("loss", loss);
  return graph;
}

/**
 * Builds the graph of a case: outputs "y0", "y1" ..., a scalar "loss" that weighs every element of them
 * differently, and the loss's gradient by every input that is differentiable.
 */
export function caseGraph(operatorCase: OperatorCase, float: DataType): CaseGraph {
  const { graph, values, loss, differentiable } = forward(operatorCase, float);
  const found = gradients(
    loss,
    differentiable.map((name) => graph.value(name)!),
  );
  for (const [index, value] of values.entries()) graph.output(`y${index}`, value);
  graph.output("loss", loss);
  for (const [index, name] of differentiable.entries()) graph.output(`d${name}`, found[index]!);
  return { graph, differentiable };
}

interface Forward extends CaseGraph {
  readonly values: readonly Value[];
  readonly loss: Value;
}

function forward({ name, inputs, build }: OperatorCase, float: DataType): Forward {
  const graph = new Graph(name);
  const given: Record<string, Value> = {};
  const differentiable: string[] = [];
  for (const [input, { dims, type = "float", differentiable: wanted = type === "float" }] of Object.entries(
    inputs,
  )) {
    given[input] = graph.input(input, type === "float" ? float : type, dims);
    if (wanted) differentiable.push(input);
  }
  const built = build(given);
  const values = "graph" in built ? [built] : built;
  const next = uniforms(99);
  const parts = values.map((value) => {
    const count = sizeOf(value.dims);
    const weights = graph.constant(fromNumbers(float, Array.from({ length: count }, next), value.dims));
    return ops.ReduceSum(ops.Mul(value, weights), undefined, { keepdims: 0 });
  });
  return { graph, differentiable, values, loss: parts.reduce((a, b) => ops.Add(a, b)) };
}
