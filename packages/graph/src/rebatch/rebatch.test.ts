import type { Tensor } from "@pixelcal/core";
import { describe, expect, test } from "vitest";
import {
  fromNumbers,
  Graph,
  gradients,
  interpret,
  lower,
  ops,
  rebatch,
  trainingForm,
  type Value,
} from "../index.js";
import {
  difference,
  feedsOf,
  numbers,
  type OperatorCase,
  operatorCases,
  uniforms,
} from "../testing/index.js";

const samples = 3;

/** Returns a graph of a case whose inputs arrive with their first axis moved to place `turn`. */
function graphOf({ name, inputs, build }: OperatorCase, turn: number, shared: ReadonlySet<string>): Graph {
  const graph = new Graph(name);
  const first = feedsOf({ name, inputs, build }, "float64");
  const given: Record<string, Value> = {};
  for (const [input, { dims }] of Object.entries(inputs)) {
    if (shared.has(input)) {
      given[input] = graph.constant(first[input]!);
      continue;
    }
    const axes = axesOf(dims, turn);
    const stored = graph.input(
      input,
      first[input]!.type,
      axes.map((axis) => dims[axis]!),
    );
    const back = dims.map((_, axis) => axes.indexOf(axis));
    given[input] = back.every((axis, at) => axis === at) ? stored : ops.Transpose(stored, back);
  }
  const built = build(given);
  for (const [i, value] of ("graph" in built ? [built] : built).entries()) graph.output(`y${i}`, value);
  return graph;
}

/** The order of the axes in which an input is stored: the one of place `turn` first. */
function axesOf(dims: readonly number[], turn: number): number[] {
  const axes = dims.map((_, axis) => axis);
  const at = turn % dims.length;
  return [at, ...axes.toSpliced(at, 1)];
}

const stored = (
  operatorCase: OperatorCase,
  seed: number,
  turn: number,
  graph: Graph,
): Record<string, Tensor> => {
  const feeds = feedsOf(operatorCase, "float64", seed);
  return Object.fromEntries(
    graph.inputs.map(({ name }) => {
      const turned = new Graph("turn");
      const { type, dims } = feeds[name]!;
      turned.output("y", ops.Transpose(turned.input("x", type, dims), axesOf(dims, turn)));
      return [name, interpret(turned, { x: feeds[name]! }).y!];
    }),
  );
};

function stacked(parts: readonly Tensor[]): Tensor {
  const [{ type, dims }] = parts as [Tensor];
  return fromNumbers(
    type,
    parts.flatMap((part) => [...numbers(part)]),
    dims.with(0, dims[0]! * parts.length),
  );
}

const scalarInputs = ({ inputs }: OperatorCase): string[] =>
  Object.entries(inputs).flatMap(([name, { dims }]) => (dims.length === 0 ? [name] : []));

// A batch norm in its training form looks at all images of a batch: its own test is below.
const separate = operatorCases.filter(({ name }) => !/BatchNormalization in .*training/.test(name));

describe.each([
  ["all inputs differ", 0, false],
  ["the first input differs", 0, true],
  ["all inputs differ along their second axis", 1, false],
  ["the first input differs along its second axis", 1, true],
  ["the first input differs along its third axis", 2, true],
])("%s by sample", (_, turn, firstAlone) => {
  test.each(separate.map((one) => [one.name, one] as const))("%s: as sample by sample", (_, operatorCase) => {
    const names = Object.keys(operatorCase.inputs);
    const shared = new Set([...scalarInputs(operatorCase), ...(firstAlone ? names.slice(1) : [])]);
    const graph = graphOf(operatorCase, turn, shared);
    if (graph.inputs.length === 0) return;
    const feeds = Array.from({ length: samples }, (_, i) => stored(operatorCase, i + 1, turn, graph));
    const one = feeds.map((each) => interpret(graph, each));
    if (Object.values(one[0]!).some(({ dims }) => dims.length === 0)) {
      expect(() => rebatch(graph, samples)).toThrow(/an axis/);
      return;
    }
    const all = Object.fromEntries(
      graph.inputs.map(({ name }) => [name, stacked(feeds.map((each) => each[name]!))]),
    );
    const joined = interpret(rebatch(graph, samples), all);
    for (const [name, actual] of Object.entries(joined)) {
      const expected = stacked(one.map((each) => each[name]!));
      expect(actual.dims).toEqual(expected.dims);
      expect(difference(actual, [...numbers(expected)]), name).toBeLessThan(1e-10);
    }
  });
});

/** A network as PyTorch's exporter writes group norm and attention for a dummy batch of one image. */
function bakedNetwork(batch: number): Graph {
  const graph = new Graph("baked");
  const next = uniforms(5);
  const weight = (name: string, dims: readonly number[]): Value => {
    const count = dims.reduce((a, b) => a * b, 1);
    return graph.initializer(name, fromNumbers("float64", Array.from({ length: count }, next), dims));
  };
  const x = graph.input("x", "float64", [batch, 1, 4, 4]);
  const features = ops.Conv(x, weight("c.weight", [4, 1, 3, 3]), undefined, { pads: [1, 1, 1, 1] });
  // Group norm: two groups of the one image.
  const joined = ops.Reshape(features, [1, 2, -1]);
  const scale = weight("scale", [2]);
  const normal = ops.Reshape(ops.InstanceNormalization(joined, scale, scale), [1, 4, 4, 4]);
  // Attention of two heads over 16 places, the batch second as in torch.nn.MultiheadAttention.
  const places = ops.Transpose(ops.Reshape(normal, [1, 4, 16]), [2, 0, 1]);
  const heads = (name: string): Value => {
    const rows = ops.MatMul(ops.Reshape(places, [16, 4]), weight(name, [4, 4]));
    return ops.Transpose(ops.Reshape(rows, [16, 2, 2]), [1, 0, 2]);
  };
  const scores = ops.Softmax(ops.MatMul(heads("q"), ops.Transpose(heads("k"), [0, 2, 1])), -1);
  const mixed = ops.Transpose(ops.MatMul(scores, heads("v")), [1, 0, 2]);
  const rows = ops.MatMul(ops.Reshape(mixed, [16, 4]), weight("o", [4, 4]));
  const image = ops.Transpose(ops.Reshape(rows, [1, 4, 4, 4]), [0, 3, 1, 2]);
  const tokens = ops.Expand(weight("token", [1, 4, 1, 1]), [1, 4, 4, 4]);
  graph.output("y", ops.Conv(ops.Concat([image, tokens], 1), weight("head", [2, 8, 1, 1])));
  return graph;
}

const draw = (seed: number, dims: readonly number[]): Tensor =>
  fromNumbers("float64", Array.from({ length: dims.reduce((a, b) => a * b, 1) }, uniforms(seed)), dims);

test("a network written for one image treats each of four alike, gradients too", () => {
  const one = bakedNetwork(1);
  const four = rebatch(one, 4);
  const images = Array.from({ length: 4 }, (_, i) => draw(i, [1, 1, 4, 4]));
  const alone = images.map((x) => numbers(interpret(one, { x }).y!));
  expect(difference(interpret(four, { x: stacked(images) }).y!, alone.flat())).toBeLessThan(1e-12);
  const slopes = (graph: Graph, x: Tensor): number[] => {
    const loss = ops.ReduceSum(ops.Mul(graph.value("y")!, graph.value("y")!), undefined, { keepdims: 0 });
    graph.output("d", gradients(loss, [graph.value("q")!])[0]!);
    return numbers(interpret(lower(graph), { x }).d!);
  };
  const sum = images
    .map((x) => slopes(bakedNetwork(1), x))
    .reduce((a, b) => a.map((value, i) => value + b[i]!));
  expect(
    difference({ type: "float64", dims: [16], data: Float64Array.from(slopes(four, stacked(images))) }, sum),
  ).toBeLessThan(1e-10);
});

test("a network without sizes of its own becomes the one that is laid out for the batch", () => {
  const network = (batch: number): Graph => {
    const graph = new Graph("plain");
    const x = graph.input("x", "float64", [batch, 1, 4, 4]);
    const y = ops.Relu(ops.Conv(x, graph.initializer("w", draw(1, [2, 1, 3, 3]))));
    graph.output("y", ops.Mul(y, ops.GlobalAveragePool(y)));
    return graph;
  };
  const shapes = (graph: Graph): unknown =>
    graph.nodes.map(({ opType, outputs }) => [opType, outputs[0]!.dims]);
  expect(shapes(rebatch(network(1), 3))).toEqual(shapes(network(3)));
});

test("batch norms in their training form normalise over all images", () => {
  const network = (batch: number): Graph => {
    const graph = new Graph("norm");
    const channel = (name: string, value: number): Value =>
      graph.initializer(name, fromNumbers("float64", [value, value], [2]));
    const flat = ops.Reshape(graph.input("x", "float64", [batch, 2, 2, 2]), [batch, 2, 4]);
    const [scale, bias, mean, variance] = [
      channel("s", 1),
      channel("b", 0),
      channel("m", 0),
      channel("v", 1),
    ];
    graph.output("y", ops.BatchNormalization(flat, scale, bias, mean, variance));
    return graph;
  };
  const x = draw(2, [3, 2, 2, 2]);
  const expected = interpret(trainingForm(network(3)), { x });
  const actual = interpret(trainingForm(rebatch(network(1), 3)), { x });
  for (const [name, value] of Object.entries(expected))
    expect(difference(actual[name]!, numbers(value)), name).toBe(0);
});

test("a single number per image cannot be carried, and a count is a whole number", () => {
  const graph = new Graph("scalar");
  const x = graph.input("x", "float64", [1, 2]);
  graph.output("y", ops.Mul(x, ops.ReduceMean(x, undefined, { keepdims: 0 })));
  expect(() => rebatch(graph, 2)).toThrow(
    "ReduceMean_0: expected an axis that the images of a batch can go along",
  );
  expect(() => rebatch(graph, 0.5)).toThrow("count: expected an integer of 1 or more, got 0.5");
  expect(rebatch(graph, 1)).toBe(graph);
});
