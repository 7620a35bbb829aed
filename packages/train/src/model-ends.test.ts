import { type Tensor, tensor } from "@pixelcal/core";
import { Graph, interpret, ops, type Value } from "@pixelcal/graph";
import { describe, expect, test } from "vitest";
import { canonical, imageDims, logitsBehind, type ModelEnds } from "./model-ends.js";

const ramp = (dims: readonly number[]): Tensor<"float32"> =>
  tensor(
    "float32",
    Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i)),
    dims,
  );

function model(dims: readonly number[], outputs: Readonly<Record<string, (image: Value) => Value>>): Graph {
  const graph = new Graph("model");
  const image = graph.input("image", "float32", dims);
  for (const [name, build] of Object.entries(outputs)) graph.output(name, build(image));
  return graph;
}

/** Outputs of the canonical model, in order. */
function run(graph: Graph, ends: ModelEnds, image: Tensor<"float32">): Tensor[] {
  const made = canonical(graph, ends);
  return Object.values(interpret(made, { [made.inputs[0]!.name]: image }));
}

describe("canonical", () => {
  const three = (x: Value): Value => ops.Concat([x, ops.Mul(x, 2), ops.Neg(x)], 1);
  const overSum = (x: Value, axis: number): Value => ops.Div(x, ops.ReduceSum(x, [axis]));
  const lessMost = (x: Value): Value => ops.Sub(x, ops.ReduceMax(x, [1]));
  const image = ramp([2, 1, 3, 4]);

  test("leaves logits as they are", () => {
    const graph = model([2, 1, 3, 4], { y: three });
    expect(canonical(graph).nodes.map(({ opType }) => opType)).toEqual(
      graph.nodes.map(({ opType }) => opType),
    );
    expect([...canonical(graph).outputs.keys()]).toEqual(["y"]);
  });

  test.each<[string, (x: Value) => Value, string]>([
    ["softmax", (x) => ops.Softmax(three(x), 1), "softmax"],
    ["sigmoid", (x) => ops.Sigmoid(three(x)), "sigmoid"],
    [
      "softmax before a transposition there and back",
      (x) => ops.Transpose(ops.Softmax(ops.Transpose(three(x), [0, 2, 3, 1]), 3), [0, 3, 1, 2]),
      "softmax",
    ],
    ["log-softmax", (x) => ops.LogSoftmax(three(x), 1), "log-softmax"],
    ["log of softmax", (x) => ops.Log(ops.Softmax(three(x), 1)), "log-softmax"],
    ["softmax in exponentials", (x) => overSum(ops.Exp(three(x)), 1), "softmax"],
    [
      "softmax without its maximum, in exponentials",
      (x) => overSum(ops.Exp(lessMost(three(x))), 1),
      "softmax",
    ],
    [
      "softmax in two pieces of exponentials",
      (x) => {
        const y = three(x);
        return ops.Mul(ops.Exp(y), ops.Reciprocal(ops.ReduceSum(ops.Exp(y), [-3])));
      },
      "softmax",
    ],
    [
      "log-softmax in exponentials",
      (x) => {
        const y = lessMost(three(x));
        return ops.Sub(y, ops.Log(ops.ReduceSum(ops.Exp(y), [1])));
      },
      "log-softmax",
    ],
    [
      "log-softmax by its sum",
      (x) => {
        const y = three(x);
        return ops.Sub(y, ops.ReduceLogSumExp(y, [1]));
      },
      "log-softmax",
    ],
    ["sigmoid in an exponential", (x) => ops.Div(1, ops.Add(ops.Exp(ops.Neg(three(x))), 1)), "sigmoid"],
    ["sigmoid in a reciprocal", (x) => ops.Reciprocal(ops.Add(1, ops.Exp(ops.Neg(three(x))))), "sigmoid"],
    [
      "what only resembles a softmax",
      (x) => ops.Div(ops.Exp(three(x)), ops.ReduceSum(three(x), [1])),
      "none",
    ],
  ])("takes the logits before %s", (_, build, activation) => {
    const graph = model([2, 1, 3, 4], { y: build });
    expect(logitsBehind(graph.outputs.get("y")!).activation).toBe(activation);
    const [logits] = run(graph, {}, image);
    const [expected] = run(model([2, 1, 3, 4], { y: three }), {}, image);
    if (activation !== "none") expect(logits).toEqual(expected);
    else expect(logits).not.toEqual(expected);
  });

  test.each<[string, (probs: Value) => Value]>([
    ["Resize", (probs) => ops.Resize(probs, { sizes: [2, 3, 6, 8], mode: "linear" })],
    ["Clip", (probs) => ops.Clip(probs, 1e-6, 1)],
  ])("refuses %s of probabilities by name", (opType, after) => {
    const softmax = model([2, 1, 3, 4], { y: (x) => after(ops.Softmax(three(x), 1)) });
    expect(() => canonical(softmax)).toThrow(`${opType} of a softmax in y`);
    const sigmoid = model([2, 1, 3, 4], { y: (x) => after(ops.Sigmoid(three(x))) });
    expect(() => canonical(sigmoid)).toThrow(`${opType} of a sigmoid in y`);
    expect(() => canonical(model([2, 1, 3, 4], { y: (x) => after(three(x)) }))).not.toThrow();
  });

  test("keeps a softmax that something else needs", () => {
    const attended = (x: Value): Value => ops.Mul(three(x), ops.Softmax(three(x), 1));
    const graph = model([2, 1, 3, 4], { y: attended });
    expect(canonical(graph).nodes.map(({ opType }) => opType)).toContain("Softmax");
  });

  test("makes two classes of one channel, whose softmax is the channel's sigmoid", () => {
    for (const build of [(x: Value) => x, (x: Value) => ops.Sigmoid(x)]) {
      const [logits] = run(model([2, 1, 3, 4], { y: (x) => build(ops.Mul(x, 3)) }), {}, image);
      expect(logits!.dims).toEqual([2, 2, 3, 4]);
      const pixel = [...(logits!.data as Float64Array)].slice(12, 24);
      expect([...(logits!.data as Float64Array)].slice(0, 12)).toEqual(new Array(12).fill(0));
      for (const [i, z] of pixel.entries()) expect(z).toBeCloseTo(3 * image.data[i]!, 6);
    }
  });

  test("moves the axes of models with channels last", () => {
    const graph = model([2, 3, 4, 1], { y: (x) => ops.Concat([x, ops.Mul(x, 2), ops.Neg(x)], 3) });
    expect(imageDims([2, 1, 3, 4], -1)).toEqual([2, 3, 4, 1]);
    const [logits] = run(graph, { channelAxis: -1, classAxis: -1 }, image);
    const [expected] = run(model([2, 1, 3, 4], { y: three }), {}, image);
    expect(logits).toEqual(expected);
  });

  test("chooses outputs and orders them; smaller ones are brought to the image's size", () => {
    const graph = model([2, 1, 4, 4], {
      a: three,
      half: (x) => ops.AveragePool(three(x), { kernel_shape: [2, 2], strides: [2, 2] }),
      labels: (x) => ops.Relu(x),
    });
    const made = canonical(graph, { outputs: ["half", "a"] });
    expect([...made.outputs].map(([name, { dims }]) => [name, dims])).toEqual([
      ["half/logits", [2, 3, 4, 4]],
      ["a", [2, 3, 4, 4]],
    ]);
  });

  test("tells the outputs apart that one output stacks", () => {
    const half = (x: Value): Value => ops.Mul(three(x), 0.5);
    const stack = (...parts: Value[]): Value =>
      ops.Concat(
        parts.map((part) => ops.Unsqueeze(part, [1])),
        1,
      );
    const graph = model([2, 1, 3, 4], {
      y: (x) => stack(ops.Softmax(three(x), 1), half(x)),
      whole: (x) => ops.Mul(stack(half(x), three(x)), 2),
    });
    const outputs = ["y[1]", "y[0]", "whole[0]"];
    const [second, first, scaled] = run(graph, { outputs }, image);
    const [plain, halved] = run(
      model([2, 1, 3, 4], { plain: three, halved: half }),
      { outputs: ["plain", "halved"] },
      image,
    );
    expect([second, first, scaled]).toEqual([halved, plain, plain]);
    expect(() => canonical(graph)).toThrow(
      "outputs: expected a choice among y[0] float32 [2, 3, 3, 4]; y[1]",
    );
  });

  test.each<[string, Graph, ModelEnds, string]>([
    [
      "no choice",
      model([1, 1, 2, 2], { a: three, b: three }),
      {},
      "outputs: expected a choice among a float32 [1, 3, 2, 2]; b float32 [1, 3, 2, 2], got nothing",
    ],
    [
      "another name",
      model([1, 1, 2, 2], { a: three }),
      { outputs: ["c"] },
      "outputs: expected names among a, got c",
    ],
    [
      "an axis that is none",
      model([1, 1, 2, 2], { a: three }),
      { classAxis: 4 },
      "classAxis: expected an axis from 1 to 3",
    ],
    [
      "another axis than the softmax's",
      model([1, 1, 2, 2], { a: (x) => ops.Transpose(ops.Softmax(three(x), 1), [0, 2, 3, 1]) }),
      {},
      "classAxis: expected 3, over which a has its softmax, got 1",
    ],
    [
      "a softmax of another axis, written in exponentials",
      model([1, 1, 2, 2], { a: (x) => overSum(ops.Exp(three(x)), 3) }),
      {},
      "classAxis: expected 3, over which a has its softmax, got 1",
    ],
    [
      "labels",
      model([1, 1, 2, 2], { a: (x) => ops.Cast(x, "int64") }),
      {},
      "expected float32 logits of 4 axes",
    ],
    ["vectors", model([1, 3], { a: (x) => x }), {}, "expected a float32 image [N, C, ...spatial], got image"],
  ])("refuses %s", (_, graph, ends, message) => {
    expect(() => canonical(graph, ends)).toThrow(message);
  });
});
