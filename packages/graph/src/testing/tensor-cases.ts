import type { Value } from "../ir.js";
import * as ops from "../operators/ops.js";
import { apart, integers, type OperatorCase, positive } from "./case.js";

const dims = [2, 3, 4];

const unary = (name: string, build: (x: Value) => Value | readonly Value[], shape = dims): OperatorCase => ({
  name,
  inputs: { x: { dims: shape, value: apart } },
  build: ({ x }) => build(x!),
});

const axesOf = [undefined, [1], [0, 2], [-1], []] as const;

const reductions: readonly OperatorCase[] = (
  [
    ["ReduceSum", ops.ReduceSum],
    ["ReduceMean", ops.ReduceMean],
    ["ReduceProd", ops.ReduceProd],
    ["ReduceMax", ops.ReduceMax],
    ["ReduceMin", ops.ReduceMin],
    ["ReduceL1", ops.ReduceL1],
    ["ReduceL2", ops.ReduceL2],
    ["ReduceSumSquare", ops.ReduceSumSquare],
    ["ReduceLogSum", ops.ReduceLogSum],
    ["ReduceLogSumExp", ops.ReduceLogSumExp],
  ] as const
).flatMap(([name, reduce]) =>
  axesOf.flatMap((axes) =>
    [0, 1].map((keepdims) => ({
      name: `${name} axes ${JSON.stringify(axes)} keepdims ${keepdims}`,
      inputs: { x: { dims, value: name === "ReduceLogSum" ? positive : apart } },
      build: ({ x }: Readonly<Record<string, Value>>) => reduce(x!, axes, { keepdims }),
    })),
  ),
);

const softmaxes: readonly OperatorCase[] = [0, 1, -1].flatMap((axis) => [
  unary(`Softmax ${axis}`, (x) => ops.Softmax(x, axis)),
  unary(`LogSoftmax ${axis}`, (x) => ops.LogSoftmax(x, axis)),
]);

const pads = [
  { pads: [0, 1, 2, 0, 2, 1], value: 0.5 },
  { pads: [0, -1, 1, 0, 2, -2] },
  { pads: [0, 2, 1, 0, 1, 3], mode: "edge" },
  { pads: [0, 2, 3, 0, 1, 2], mode: "reflect" },
  { pads: [0, -1, 2, 0, 1, -1], mode: "edge" },
  { pads: [1, 1], axes: [2], mode: "reflect" },
  { pads: [0, 2, 1, 0, 1, -1], mode: "wrap" },
] as const;

const slices = [
  [[1], [3], [1], [1]],
  [
    [0, 1],
    [2, 4],
    [0, 2],
    [1, 2],
  ],
  [[-1], [-9], [2], [-1]],
  [
    [3, 2],
    [0, -9],
    [2, 1],
    [-2, -2],
  ],
  [[0], [9], [2], [3]],
  [[1], [2], [0], [2]],
] as const;

export const tensorCases: readonly OperatorCase[] = [
  ...reductions,
  ...softmaxes,
  unary("TopK", (x) => ops.TopK(x, 2, 1)[0]),
  unary("TopK smallest", (x) => ops.TopK(x, 3, -1, { largest: 0 })[0]),
  unary("TopK pair", (x) => ops.Sub(...(ops.Split(ops.TopK(x, 2, 1)[0], 2, 1) as [Value, Value]))),
  unary("ReduceProd of zeros", (x) =>
    ops.ReduceProd(ops.Mul(x, ops.Cast(ops.Greater(x, -1.9), x.type)), [2]),
  ),
  unary("ArgMax", (x) => ops.Mul(ops.Cast(ops.ArgMax(x, 1), x.type), x)),
  unary("ArgMin", (x) => ops.Mul(ops.Cast(ops.ArgMin(x, 2), x.type), x)),
  ...[0, 1].flatMap((exclusive) =>
    [0, 1].map((reverse) =>
      unary(`CumSum ${exclusive} ${reverse}`, (x) => ops.CumSum(x, 1, { exclusive, reverse })),
    ),
  ),
  unary("Reshape", (x) => ops.Reshape(x, [4, -1])),
  unary("Flatten", (x) => ops.Flatten(x, 2)),
  unary("Squeeze", (x) => ops.Squeeze(x), [1, 3, 1, 2]),
  unary("Unsqueeze", (x) => ops.Unsqueeze(x, [0, -1])),
  unary("Transpose", (x) => ops.Transpose(x, [2, 0, 1])),
  unary("Transpose twice", (x) => ops.Transpose(ops.Transpose(x, [2, 0, 1]), [0, 2, 1])),
  unary("Expand", (x) => ops.Expand(x, [5, 2, 3, 4]), [2, 1, 4]),
  unary("Tile", (x) => ops.Tile(x, [2, 1, 3])),
  unary("Concat", (x) => ops.Concat([x, ops.Mul(x, 2), ops.Slice(x, [0], [1], [1])], 1)),
  unary("Split sizes", (x) => ops.Split(x, [1, 0, 3], 2).slice(0, 1)),
  unary("Split number", (x) => ops.Concat([...ops.Split(x, 3, -1)].reverse(), 2)),
  ...pads.map(({ pads, ...options }) =>
    unary(`Pad ${JSON.stringify({ pads, ...options })}`, (x) => ops.Pad(x, pads, options)),
  ),
  ...slices.map(([starts, ends, axes, steps]) =>
    unary(`Slice [${starts}] [${ends}] [${axes}] [${steps}]`, (x) => ops.Slice(x, starts, ends, axes, steps)),
  ),
  unary("DepthToSpace DCR", (x) => ops.DepthToSpace(x, 2), [1, 8, 2, 3]),
  unary("DepthToSpace CRD", (x) => ops.DepthToSpace(x, 2, { mode: "CRD" }), [1, 8, 2, 3]),
  unary("SpaceToDepth", (x) => ops.SpaceToDepth(x, 2), [2, 2, 4, 6]),
  unary("Gather list", (x) => ops.Gather(x, [2, 0, 2, -1], 1)),
  unary("Gather one", (x) => ops.Gather(x, 1, 2)),
  {
    name: "Gather value",
    inputs: { x: { dims }, indices: { dims: [2, 2], type: "int32", value: integers(3) } },
    build: ({ x, indices }) => ops.Gather(x!, indices!, 1),
  },
  {
    name: "GatherElements",
    inputs: { x: { dims }, indices: { dims: [2, 5, 4], type: "int32", value: integers(3) } },
    build: ({ x, indices }) => ops.GatherElements(x!, indices!, 1),
  },
  {
    name: "ScatterElements",
    inputs: {
      x: { dims },
      updates: { dims: [2, 2, 4] },
      indices: { dims: [2, 2, 4], type: "int32", value: (_, at) => (at % 8 < 4 ? at % 3 : (at + 1 - 4) % 3) },
    },
    build: ({ x, indices, updates }) => ops.ScatterElements(x!, indices!, updates!, 1),
  },
  {
    name: "ScatterElements add",
    inputs: {
      x: { dims },
      updates: { dims: [2, 5, 4] },
      indices: { dims: [2, 5, 4], type: "int32", value: integers(3) },
    },
    build: ({ x, indices, updates }) => ops.ScatterElements(x!, indices!, updates!, 1, { reduction: "add" }),
  },
  {
    name: "OneHot",
    inputs: { x: { dims: [2, 3, 5] }, labels: { dims: [2, 5], type: "int32", value: integers(4) } },
    build: ({ x, labels }) => ops.Mul(x!, ops.OneHot(labels!, 3, x!.type)),
  },
];
