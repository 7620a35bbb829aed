import type { Tensor } from "@pixelcal/core";
import { expect, test } from "vitest";
import { interpret, lower, type Node } from "../index.js";
import { caseGraph, caseLoss, difference, feedsOf, numbers, operatorCases } from "../testing/index.js";

const step = 1e-5;

/** Computes the gradient by central differences, element by element. */
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

// The operators that webgpu has and computes like the CPU, as measured operator by operator.
const portable = new Set(
  `Abs Add And ArgMax AveragePool BatchNormalization Cast Ceil Clip Concat Conv ConvTranspose Cos CumSum DepthToSpace Div Elu
  Equal Erf Exp Expand Floor Gather GatherElements Gemm GlobalAveragePool Greater Identity InstanceNormalization
  LayerNormalization LeakyRelu Less Log MatMul Max MaxPool Min Mul Neg Not PRelu Pad Pow Reciprocal ReduceL1 ReduceL2
  ReduceLogSum ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare Relu Reshape Resize ScatterElements Sigmoid Sin
  Slice Softmax Softplus Split Sqrt Sub Tanh Tile TopK Transpose Where`.split(/\s+/),
);

function expectPortable(node: Node): void {
  expect(portable).toContain(node.opType);
  const rank = node.inputs[0]!.dims.length;
  const { group = 1, training_mode = 0, auto_pad } = node.attributes;
  if (node.opType === "ConvTranspose") expect(rank, node.name).toBeLessThan(5);
  if (node.opType === "Conv" && rank === 5) expect(group, node.name).toBe(1);
  if (node.opType === "MaxPool") expect(node.outputs.length, node.name).toBe(1);
  expect([training_mode, auto_pad], node.name).toEqual([0, undefined]);
}

test.each(cases)("%s: lowering changes nothing", (name, operatorCase) => {
  const { graph } = caseGraph(operatorCase, "float64");
  const feeds = feedsOf(operatorCase, "float64");
  const results = interpret(graph, feeds);
  // cuda differs from the others in three dimensions only.
  const devices = name.includes('"rank":3') ? (["any", "cpu", "cuda"] as const) : (["any", "cpu"] as const);
  for (const device of devices) {
    const lowered = lower(graph, { device });
    if (device === "any" && !operatorCase.notOnGpu) for (const node of lowered.nodes) expectPortable(node);
    const actual = interpret(lowered, feeds);
    expect(Object.keys(actual)).toEqual(Object.keys(results));
    for (const [output, expected] of Object.entries(results)) {
      expect(difference(actual[output]!, expected), `${device} ${output}`).toBeLessThan(1e-10);
    }
  }
});
