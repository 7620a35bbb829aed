import type { Tensor } from "@pixelcal/core";
import { expect, test } from "vitest";
import { interpret, lower } from "./index.js";
import { caseGraph, caseLoss, difference, feedsOf, numbers, operatorCases } from "./testing/index.js";

const step = 1e-5;

/** The gradient by central differences, element by element. */
function centralDifferences(loss: (x: Tensor) => number, x: Tensor): number[] {
  const data = Float64Array.from(numbers(x));
  const at = { type: "float64", dims: x.dims, data } as const;
  return Array.from(data, (value, index) => {
    data[index] = value + step;
    const above = loss(at);
    data[index] = value - step;
    const below = loss(at);
    data[index] = value;
    return (above - below) / (2 * step);
  });
}

test("case names are unique", () => {
  const names = operatorCases.map(({ name }) => name);
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
});

const cases = operatorCases.map((operatorCase) => [operatorCase.name, operatorCase] as const);

test.each(cases)("%s: the gradient equals central differences", (_, operatorCase) => {
  const { graph, differentiable } = caseGraph(operatorCase, "float64");
  const feeds = feedsOf(operatorCase, "float64");
  const results = interpret(graph, feeds);
  const lossAlone = caseLoss(operatorCase, "float64");
  for (const name of differentiable) {
    const loss = (x: Tensor): number => numbers(interpret(lossAlone, { ...feeds, [name]: x }).loss!)[0]!;
    const expected = centralDifferences(loss, feeds[name]!);
    expect(difference(results[`d${name}`]!, expected), name).toBeLessThan(1e-6);
  }
});

test.each(cases)("%s: lowering changes nothing", (_, operatorCase) => {
  const { graph } = caseGraph(operatorCase, "float64");
  const feeds = feedsOf(operatorCase, "float64");
  const results = interpret(graph, feeds);
  for (const device of ["any", "cpu", "cuda"] as const) {
    const lowered = interpret(lower(graph, { device }), feeds);
    expect(Object.keys(lowered)).toEqual(Object.keys(results));
    for (const [name, expected] of Object.entries(results)) {
      expect(difference(lowered[name]!, expected), `${device} ${name}`).toBeLessThan(1e-10);
    }
  }
});

// What webgpu has and computes like the CPU, as measured operator by operator.
const portable = new Set(
  `Abs Add And ArgMax AveragePool BatchNormalization Cast Ceil Clip Concat Conv ConvTranspose Cos CumSum DepthToSpace Div Elu
  Equal Erf Exp Expand Floor Gather GatherElements Gemm GlobalAveragePool Greater Identity InstanceNormalization
  LayerNormalization LeakyRelu Less Log MatMul Max MaxPool Min Mul Neg Not PRelu Pad Pow Reciprocal ReduceL1 ReduceL2
  ReduceLogSum ReduceMax ReduceMean ReduceMin ReduceSum ReduceSumSquare Relu Reshape Resize ScatterElements Sigmoid Sin
  Slice Softmax Softplus Split Sqrt Sub Tanh Tile TopK Transpose Where`.split(/\s+/),
);

test.each(cases)("%s: lowered for any device it is in operators that all have", (_, operatorCase) => {
  for (const node of lower(caseGraph(operatorCase, "float32").graph).nodes) {
    expect(portable).toContain(node.opType);
    const rank = node.inputs[0]!.dims.length;
    if (node.opType === "ConvTranspose") expect(rank).toBeLessThan(5);
    if (node.opType === "Conv" && rank === 5) expect(node.attributes.group ?? 1).toBe(1);
    if (node.opType === "MaxPool") expect(node.outputs.length).toBe(1);
    if (node.opType === "BatchNormalization") expect(node.attributes.training_mode ?? 0).toBe(0);
    if (["Conv", "ConvTranspose"].includes(node.opType)) expect(node.attributes.auto_pad).toBeUndefined();
  }
});
