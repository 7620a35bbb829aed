import { type Tensor, tensor } from "@pixelcal/core";
import { Graph, interpret, ops, type Value } from "@pixelcal/graph";
import { describe, expect, test } from "vitest";
import { type CanonicalOptions, canonical, type Ends, imageDims, logitsBehind } from "./canonical.js";

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

/** Returns the outputs of the canonical model, in order. */
function run(graph: Graph, ends: CanonicalOptions, image: Tensor<"float32">, accepted?: Ends): Tensor[] {
  const made = canonical(graph, ends, accepted);
  return Object.values(interpret(made, { [made.inputs[0]!.name]: image }));
}

describe("canonical", () => {
  const three = (x: Value): Value => ops.Concat([x, ops.Mul(x, 2), ops.Neg(x)], 1);
  const overSum = (x: Value, axis: number): Value => ops.Div(x, ops.ReduceSum(x, [axis]));
  const lessMost = (x: Value): Value => ops.Sub(x, ops.ReduceMax(x, [1]));
  const image = ramp([2, 1, 3, 4]);
  const one = (x: Value): Value => x.graph.constant({ type: "float32", dims: [], data: Float32Array.of(1) });

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
    ["sigmoid of two exponentials", (x) => ops.Div(ops.Exp(three(x)), ops.Add(1, ops.Exp(three(x)))), "none"],
    [
      "sigmoid of one exponential",
      (x) => {
        const e = ops.Exp(three(x));
        return ops.Div(e, ops.Add(1, e));
      },
      "sigmoid",
    ],
    ["softmax by its logarithm", (x) => ops.Exp(ops.LogSoftmax(three(x), 1)), "softmax"],
    [
      "log-softmax of a softmax by its logarithm",
      (x) => ops.Log(ops.Exp(ops.LogSoftmax(three(x), 1))),
      "log-softmax",
    ],
    ["sigmoid in a reciprocal", (x) => ops.Reciprocal(ops.Add(1, ops.Exp(ops.Neg(three(x))))), "sigmoid"],
    [
      "what only resembles a softmax",
      (x) => ops.Div(ops.Exp(three(x)), ops.ReduceSum(three(x), [1])),
      "none",
    ],
  ])("takes the logits before %s", (_, build, activation) => {
    const graph = model([2, 1, 3, 4], { y: build });
    expect(logitsBehind(graph.outputs.get("y")!).activation).toBe(activation);
    const [logits] = run(graph, {}, image, { onMultiLabel: () => undefined });
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

  test.each<[string, (x: Value) => Value]>([
    ["Sigmoid", (x) => ops.Sigmoid(x)],
    ["exponentials", (x) => ops.Reciprocal(ops.Add(1, ops.Exp(ops.Neg(x))))],
    ["Identity of it", (x) => x.graph.node("Identity", [ops.Sigmoid(x)])[0]!],
    ["Cast of it", (x) => ops.Cast(ops.Cast(ops.Sigmoid(x), "float64"), "float32")],
    [
      "Transpose before and behind it",
      (x) => ops.Transpose(ops.Sigmoid(ops.Transpose(x, [0, 2, 3, 1])), [0, 3, 1, 2]),
    ],
  ])("refuses a sigmoid of several channels, written as %s, unless it is asked for", (_, sigmoid) => {
    for (const channels of [2, 3]) {
      const graph = model([2, 1, 3, 4], {
        y: (x) => sigmoid(channels === 2 ? ops.Concat([x, ops.Neg(x)], 1) : three(x)),
      });
      const message = `a sigmoid of ${channels} channels in y: multi-label outputs, whose classes overlap, need dataset.regions`;
      expect(() => canonical(graph)).toThrow(message);
      const told: number[] = [];
      canonical(graph, {}, { onMultiLabel: (output) => told.push(output) });
      expect(told).toEqual([0]);
    }
    const single = model([2, 1, 3, 4], { y: (x) => sigmoid(x) });
    expect([...canonical(single).outputs.values()][0]!.dims).toEqual([2, 2, 3, 4]);
  });

  const prob = (x: Value): Value => ops.Sigmoid(x);
  const probs = (x: Value): Value => ops.Softmax(three(x), 1);
  test.each<[string, (x: Value) => Value, string]>([
    [
      "a softmax over one channel",
      (x) => ops.Softmax(x, 1),
      "a softmax over one channel in y, which is the same everywhere",
    ],
    ["a log-softmax over one channel", (x) => ops.LogSoftmax(x, 1), "a log-softmax over one channel in y"],
    ["HardSigmoid", (x) => ops.HardSigmoid(three(x)), "HardSigmoid in y"],
    ["HardSigmoid of one channel", (x) => ops.HardSigmoid(x), "HardSigmoid in y"],
    ["a sigmoid that is normalised", (x) => overSum(ops.Sigmoid(three(x)), 1), "Div of a sigmoid in y"],
    [
      "a sigmoid beside its rest",
      (x) => ops.Concat([ops.Sub(1, prob(x)), prob(x)], 1),
      "Concat of a sigmoid in y",
    ],
    [
      "a sigmoid in a tangent",
      (x) => ops.Mul(ops.Add(ops.Tanh(ops.Mul(three(x), 0.5)), 1), 0.5),
      "Mul of a sigmoid in y",
    ],
    ["a logarithm of a sigmoid", (x) => ops.Log(prob(three(x))), "Log of a sigmoid in y"],
    ["a mean of two", (x) => ops.Mul(ops.Add(probs(x), probs(ops.Neg(x))), 0.5), "Mul of a softmax in y"],
    ["a threshold", (x) => ops.Cast(ops.Greater(prob(x), 0.5), "float32"), "Cast of a threshold in y"],
    [
      "a threshold that chooses",
      (x) => ops.Where(ops.Greater(prob(x), 0.5), ops.Expand(one(x), x.dims), 0),
      "Where of a threshold in y",
    ],
    ["class indices", (x) => ops.Cast(ops.ArgMax(three(x), 1), "float32"), "Cast of an ArgMax in y"],
    [
      "rounded probabilities",
      (x) => ops.Cast(ops.Cast(probs(x), "uint8"), "float32"),
      "Cast of a softmax in y",
    ],
    [
      "a smoothed softmax",
      (x) => ops.AveragePool(probs(x), { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }),
      "AveragePool of a softmax in y",
    ],
    [
      "a resized sigmoid of one channel",
      (x) => ops.Resize(prob(x), { sizes: [2, 1, 6, 8], mode: "linear" }),
      "Resize of a sigmoid in y",
    ],
    [
      "a softmax over pixels",
      (x) => ops.Reshape(ops.Softmax(ops.Reshape(three(x), [2, 3, -1]), 2), [2, 3, 3, 4]),
      "a softmax over 12 elements in y, which are not one of its axes",
    ],
    [
      "a softmax over classes and pixels, as sets before 13 have it",
      (x) => ops.Reshape(ops.Softmax(ops.Reshape(three(x), [2, -1]), 1), [2, 3, 3, 4]),
      "a softmax over 36 elements in y",
    ],
    [
      "a softmax over rows, by a view",
      (x) => ops.Reshape(ops.Softmax(ops.Reshape(three(x), [6, 3, 4]), 1), [2, 3, 3, 4]),
      "classAxis: expected 2, over which y has its softmax, got 1",
    ],
  ])("refuses %s", (_, build, message) => {
    expect(() => canonical(model([2, 1, 3, 4], { y: build }))).toThrow(message);
    expect(() => canonical(model([2, 1, 3, 4], { y: build }), {}, { onMultiLabel: () => undefined })).toThrow(
      message,
    );
  });

  test("follows the axis of a softmax through views", () => {
    const last = (x: Value): Value => {
      const rows = ops.Reshape(ops.Transpose(three(x), [0, 2, 3, 1]), [-1, 3]);
      return ops.Transpose(ops.Reshape(ops.Softmax(rows, 1), [2, 3, 4, 3]), [0, 3, 1, 2]);
    };
    const [logits] = run(model([2, 1, 3, 4], { y: last }), {}, image);
    const [expected] = run(model([2, 1, 3, 4], { y: three }), {}, image);
    expect(logits).toEqual(expected);
  });

  test("reads long chains of one operator", () => {
    for (const build of [ops.Log, ops.Exp]) {
      const graph = model([2, 1, 3, 4], {
        y: (x) => {
          let y = three(x);
          for (let i = 0; i < 12_000; i++) y = build(y);
          return y;
        },
      });
      expect(() => canonical(graph)).not.toThrow();
    }
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

  test("leaves the one channel of a single head", () => {
    for (const build of [(x: Value) => x, (x: Value) => ops.Sigmoid(x)]) {
      const graph = model([2, 1, 3, 4], { y: (x) => build(ops.Mul(x, 3)) });
      const [logits] = run(graph, {}, image, { heads: true, onMultiLabel: () => undefined });
      expect(logits!.dims).toEqual([2, 1, 3, 4]);
      for (const [i, z] of [...(logits!.data as Float64Array)].entries())
        expect(z).toBeCloseTo(3 * image.data[i]!, 6);
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
    expect(() => canonical(graph)).toThrow("outputs: choose among y[0] float32 [2, 3, 3, 4]; y[1]");
  });

  test.each<[string, Graph, CanonicalOptions, string]>([
    [
      "no choice",
      model([1, 1, 2, 2], { a: three, b: three }),
      {},
      "outputs: choose among a float32 [1, 3, 2, 2]; b float32 [1, 3, 2, 2]",
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
