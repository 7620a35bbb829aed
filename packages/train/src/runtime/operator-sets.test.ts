import type { Tensor } from "@pixelcal/core";
import { interpret, lower, parseModel } from "@pixelcal/graph";
import { type AttributeValue, difference, onnxModel } from "@pixelcal/graph/testing";
import { describe, expect, test } from "vitest";
import { createSession } from "./session.js";

type Stored = Readonly<Record<string, Tensor>>;

/** An operator of a set as it is stored: `x` is the input, other names are in `stored`. */
interface Case {
  readonly op: string;
  readonly opset: number;
  readonly inputs?: readonly string[];
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
  readonly dims?: readonly number[];
  readonly stored?: Stored;
  /** Outputs of which y is one. */
  readonly outputs?: readonly string[];
}

const ints = (...values: number[]): Tensor => ({
  type: "int64",
  dims: [values.length],
  data: BigInt64Array.from(values.map(BigInt)),
});
const one = (value: number): Tensor => ({ ...ints(value), dims: [] });
const floats = (dims: readonly number[], ...values: number[]): Tensor => ({
  type: "float32",
  dims,
  data: Float32Array.from(
    { length: dims.reduce((a, b) => a * b, 1) },
    (_, i) => values[i] ?? Math.sin(3 * i + 1),
  ),
});
const none: Tensor = { type: "float32", dims: [0], data: new Float32Array(0) };

const image = [2, 3, 4, 6];
const f = (float: number): AttributeValue => ({ float });

const reductions = ["L1", "L2", "LogSumExp", "Max", "Mean", "Min", "Prod", "Sum", "SumSquare"].flatMap(
  (name): Case[] => [
    { op: `Reduce${name}`, opset: 11, attributes: { axes: [1, -1], keepdims: 0 } },
    { op: `Reduce${name}`, opset: 11 },
    { op: `Reduce${name}`, opset: 18, inputs: ["x", "axes"], stored: { axes: ints(-2) } },
  ],
);

const resize = (
  opset: number,
  attributes: Case["attributes"],
  given: { sizes?: number[]; scales?: number[] },
): Case => ({
  op: "Resize",
  opset,
  attributes,
  ...(given.sizes
    ? { inputs: ["x", "none", "none", "sizes"], stored: { none, sizes: ints(...given.sizes) } }
    : {
        inputs: ["x", "none", "scales"],
        stored: { none, scales: floats([given.scales!.length], ...given.scales!) },
      }),
});

const transforms = ["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"];
const resizes: readonly Case[] = [
  ...transforms.flatMap((mode) =>
    ["nearest", "linear", "cubic"].flatMap((kind) => [
      resize(11, { coordinate_transformation_mode: mode, mode: kind }, { sizes: [2, 3, 7, 5] }),
      resize(13, { coordinate_transformation_mode: mode, mode: kind }, { scales: [1, 1, 1.5, 2] }),
    ]),
  ),
  resize(11, { coordinate_transformation_mode: "tf_half_pixel_for_nn" }, { scales: [1, 1, 2, 2] }),
  ...["floor", "ceil", "round_prefer_ceil"].map((nearest_mode) =>
    resize(13, { nearest_mode, coordinate_transformation_mode: "half_pixel" }, { sizes: [2, 3, 5, 4] }),
  ),
  resize(13, { mode: "cubic", exclude_outside: 1, cubic_coeff_a: f(-0.5) }, { sizes: [2, 3, 6, 9] }),
  resize(18, { mode: "linear", antialias: 1 }, { sizes: [2, 3, 2, 4] }),
  resize(18, { mode: "cubic", antialias: 1 }, { sizes: [2, 3, 3, 2] }),
  resize(18, { mode: "linear", axes: [3, 2] }, { sizes: [9, 5] }),
  resize(18, { mode: "linear", axes: [2, 3], keep_aspect_ratio_policy: "not_larger" }, { sizes: [7, 9] }),
  resize(18, { mode: "linear", axes: [2, 3], keep_aspect_ratio_policy: "not_smaller" }, { sizes: [7, 9] }),
  resize(
    19,
    { mode: "linear", coordinate_transformation_mode: "half_pixel_symmetric" },
    { scales: [1, 1, 0.7, 1.3] },
  ),
];

const grid = floats([2, 3, 5, 2], ...Array.from({ length: 60 }, (_, i) => ((i * 29) % 53) / 20 - 1.31));
const samples = ["zeros", "border", "reflection"].flatMap((padding_mode) =>
  [0, 1].flatMap((align_corners): Case[] => {
    const shared = { op: "GridSample", inputs: ["x", "grid"], stored: { grid } };
    return [
      { ...shared, opset: 16, attributes: { padding_mode, align_corners, mode: "bilinear" } },
      { ...shared, opset: 20, attributes: { padding_mode, align_corners, mode: "linear" } },
      { ...shared, opset: 16, attributes: { padding_mode, align_corners, mode: "nearest" } },
    ];
  }),
);

const tokens = [2, 4, 5, 6];
const few = { k: floats([2, 2, 7, 6]), v: floats([2, 2, 7, 3]) };
const rows = { k: floats([2, 7, 6]), v: floats([2, 7, 4]) };
const places: Tensor = {
  type: "bool",
  dims: [5, 7],
  data: Uint8Array.from({ length: 35 }, (_, i) => +(i % 4 > 0)),
};
const attention = (more: Partial<Case>): Case => ({
  op: "Attention",
  opset: 23,
  inputs: ["x", "k", "v"],
  dims: tokens,
  stored: few,
  ...more,
});
const attentions: readonly Case[] = [
  attention({ inputs: ["x", "x", "x"] }),
  attention({ opset: 24 }),
  attention({ attributes: { is_causal: 1, scale: f(0.7) } }),
  attention({ inputs: ["x", "k", "v", "m"], stored: { ...few, m: floats([2, 1, 5, 7]) } }),
  attention({ inputs: ["x", "k", "v", "m"], stored: { ...few, m: places } }),
  attention({ attributes: { softcap: f(0.5) } }),
  attention({ dims: [2, 5, 12], stored: rows, attributes: { q_num_heads: 4, kv_num_heads: 2 } }),
];

const norm = { scale: floats([3]), bias: floats([3]), mean: floats([3]), variance: floats([3], 1, 2, 0.5) };
const all = ["x", "scale", "bias", "mean", "variance"];

/** A Col2Im of windows [N, 12, count]. */
const fold = (image: number[], block: number[], count: number, attributes: Case["attributes"]): Case => ({
  op: "Col2Im",
  opset: 18,
  inputs: ["x", "image", "block"],
  dims: [2, 12, count],
  stored: { image: ints(...image), block: ints(...block) },
  attributes,
});

const cases: readonly Case[] = [
  fold([4, 6], [2, 3], 4, { strides: [2, 3] }),
  fold([5, 4], [3, 2], 9, {}),
  fold([6, 5], [2, 2], 6, { strides: [2, 3], dilations: [2, 1], pads: [1, 0, 0, 1] }),
  ...[0, 1, 2, 3, -1].flatMap((axis): Case[] => [
    { op: "Softmax", opset: 11, attributes: { axis } },
    { op: "LogSoftmax", opset: 12, attributes: { axis } },
    { op: "Softmax", opset: 13, attributes: { axis } },
  ]),
  { op: "Softmax", opset: 11 },
  ...reductions,
  { op: "Squeeze", opset: 11, attributes: { axes: [1] }, dims: [2, 1, 4] },
  { op: "Squeeze", opset: 11, dims: [2, 1, 4] },
  { op: "Unsqueeze", opset: 11, attributes: { axes: [0, -1] } },
  { op: "Split", opset: 11, attributes: { axis: 3, split: [1, 3, 2] }, outputs: ["a", "y", "b"] },
  { op: "Split", opset: 11, attributes: { axis: 1 }, outputs: ["a", "b", "y"] },
  { op: "Split", opset: 18, attributes: { axis: 3, num_outputs: 4 }, outputs: ["a", "b", "y"] },
  { op: "Clip", opset: 7, attributes: { min: f(-0.3), max: f(0.4) } },
  { op: "Clip", opset: 11, inputs: ["x", "", "high"], stored: { high: floats([], 0.2) } },
  { op: "Pad", opset: 8, attributes: { pads: [0, 0, 1, 2, 0, 0, 0, 1], value: f(0.5) } },
  { op: "Pad", opset: 10, attributes: { pads: [0, 0, 1, 2, 0, 0, 0, 1], mode: "reflect" } },
  ...["constant", "edge", "reflect"].map((mode) => ({
    op: "Pad",
    opset: 13,
    inputs: ["x", "pads"],
    attributes: { mode },
    stored: { pads: ints(0, 0, 1, 3, 0, 0, 2, 0) },
  })),
  {
    op: "Pad",
    opset: 19,
    inputs: ["x", "pads"],
    attributes: { mode: "wrap" },
    stored: { pads: ints(0, 0, 1, 3, 0, 0, 2, 0) },
  },
  {
    op: "Pad",
    opset: 18,
    inputs: ["x", "pads", "", "axes"],
    stored: { pads: ints(-1, 2, 1, -2), axes: ints(3, 2) },
  },
  { op: "Slice", opset: 9, attributes: { starts: [1, -3], ends: [9, -1], axes: [1, 3] } },
  {
    op: "Slice",
    opset: 11,
    inputs: ["x", "s", "e", "a", "t"],
    stored: { s: ints(-1, 3), e: ints(-99, 0), a: ints(3, 2), t: ints(-2, -1) },
  },
  { op: "TopK", opset: 9, attributes: { k: 2, axis: 3 }, outputs: ["y", "places"] },
  {
    op: "TopK",
    opset: 11,
    inputs: ["x", "k"],
    attributes: { axis: 1, largest: 0 },
    stored: { k: ints(2) },
    outputs: ["y", "places"],
  },
  { op: "Upsample", opset: 8, attributes: { scales: { float: [1, 1, 2, 3] } } },
  {
    op: "Upsample",
    opset: 9,
    inputs: ["x", "s"],
    attributes: { mode: "linear" },
    stored: { s: floats([4], 1, 1, 2, 2) },
  },
  { op: "Resize", opset: 10, inputs: ["x", "s"], stored: { s: floats([4], 1, 1, 2, 3) } },
  ...resizes,
  ...samples,
  { op: "BatchNormalization", opset: 9, inputs: all, stored: norm, attributes: { epsilon: f(0.01) } },
  { op: "Dropout", opset: 10, attributes: { ratio: f(0.3) } },
  {
    op: "Dropout",
    opset: 13,
    inputs: ["x", "ratio"],
    stored: { ratio: floats([], 0.3) },
    outputs: ["y", "mask"],
  },
  {
    op: "GroupNormalization",
    opset: 21,
    inputs: ["x", "scale", "bias"],
    attributes: { num_groups: 3 },
    stored: { scale: norm.scale, bias: norm.bias },
  },
  {
    op: "GroupNormalization",
    opset: 21,
    dims: [2, 6, 5],
    inputs: ["x", "s", "b"],
    attributes: { num_groups: 2, epsilon: f(0.1) },
    stored: { s: floats([6]), b: floats([6]) },
  },
  {
    op: "LayerNormalization",
    opset: 17,
    inputs: ["x", "s", "b"],
    attributes: { axis: -2 },
    stored: { s: floats([4, 6]), b: floats([4, 6]) },
  },
  ...attentions,
  { op: "Gelu", opset: 20 },
  { op: "Gelu", opset: 20, attributes: { approximate: "tanh" } },
  { op: "Mish", opset: 18 },
  { op: "Selu", opset: 11 },
  { op: "Selu", opset: 11, attributes: { alpha: f(1.2), gamma: f(0.7) } },
  { op: "Celu", opset: 12, attributes: { alpha: f(0.7) } },
  { op: "ThresholdedRelu", opset: 11, attributes: { alpha: f(0.3) } },
  { op: "Shrink", opset: 11, attributes: { lambd: f(0.3), bias: f(0.1) } },
  { op: "HardSigmoid", opset: 11, attributes: { alpha: f(0.3), beta: f(0.4) } },
  { op: "HardSwish", opset: 14 },
  { op: "Elu", opset: 11, attributes: { alpha: f(0.7) } },
  { op: "Softplus", opset: 11 },
  { op: "Tan", opset: 11 },
  { op: "Sinh", opset: 11 },
  { op: "Cosh", opset: 11 },
  { op: "LRN", opset: 13, attributes: { size: 3, alpha: f(0.5), beta: f(0.7), bias: f(1.5) } },
  {
    op: "LpPool",
    opset: 18,
    attributes: { kernel_shape: [2, 3], p: 3, strides: [1, 2], pads: [1, 0, 0, 1] },
  },
  { op: "GlobalLpPool", opset: 11 },
  { op: "MeanVarianceNormalization", opset: 13, attributes: { axes: [0, 2, 3] } },
  { op: "LpNormalization", opset: 11, attributes: { axis: 1, p: 1 } },
  { op: "LpNormalization", opset: 11, attributes: { axis: 2 } },
  { op: "Trilu", opset: 14, attributes: { upper: 0 }, inputs: ["x", "k"], stored: { k: one(-1) } },
  { op: "Trilu", opset: 14 },
  {
    op: "CenterCropPad",
    opset: 18,
    inputs: ["x", "size"],
    attributes: { axes: [2, 3] },
    stored: { size: ints(7, 3) },
  },
  {
    op: "Einsum",
    opset: 12,
    inputs: ["x", "w"],
    attributes: { equation: "nchw, oc -> nohw" },
    stored: { w: floats([5, 3]) },
  },
  {
    op: "Einsum",
    opset: 12,
    inputs: ["x", "w"],
    attributes: { equation: "...ij,...jk" },
    stored: { w: floats([2, 3, 6, 2]) },
  },
  {
    op: "MaxPool",
    opset: 11,
    attributes: { kernel_shape: [3, 2], strides: [2, 2], ceil_mode: 1, pads: [1, 0, 1, 0] },
  },
  {
    op: "MaxPool",
    opset: 12,
    attributes: { kernel_shape: [2, 3], auto_pad: "SAME_UPPER" },
  },
  ...[0, 1].flatMap((count_include_pad) =>
    [0, 1].flatMap((ceil_mode): Case[] => [
      {
        op: "AveragePool",
        opset: 19,
        attributes: {
          kernel_shape: [3, 3],
          strides: [2, 2],
          pads: [1, 1, 1, 1],
          count_include_pad,
          ceil_mode,
        },
      },
      {
        op: "AveragePool",
        opset: 11,
        attributes: { kernel_shape: [2, 3], strides: [1, 2], pads: [1, 0, 0, 1], count_include_pad },
      },
    ]),
  ),
  {
    op: "Conv",
    opset: 11,
    inputs: ["x", "w"],
    stored: { w: floats([2, 3, 3, 2]) },
    attributes: { auto_pad: "SAME_LOWER", strides: [2, 1] },
  },
  {
    op: "Conv",
    opset: 11,
    inputs: ["x", "w"],
    stored: { w: floats([3, 1, 2, 2]) },
    attributes: { group: 3, pads: [1, 0, 0, 1], dilations: [1, 2] },
  },
  {
    op: "ConvTranspose",
    opset: 11,
    inputs: ["x", "w"],
    stored: { w: floats([3, 2, 3, 3]) },
    attributes: { auto_pad: "SAME_UPPER", strides: [2, 2] },
  },
  {
    op: "ConvTranspose",
    opset: 11,
    inputs: ["x", "w"],
    stored: { w: floats([3, 2, 3, 3]) },
    attributes: { output_padding: [1, 0], strides: [2, 2], pads: [1, 1, 1, 0] },
  },
  { op: "PRelu", opset: 11, inputs: ["x", "s"], stored: { s: floats([3, 1, 1]) } },
  { op: "DepthToSpace", opset: 11, dims: [1, 8, 2, 3], attributes: { blocksize: 2, mode: "CRD" } },
  {
    op: "ScatterND",
    opset: 16,
    inputs: ["x", "i", "u"],
    attributes: { reduction: "add" },
    stored: { i: { ...ints(1, 0, 1, 0), dims: [2, 2] }, u: floats([2, 4, 6]) },
  },
  {
    op: "GatherND",
    opset: 12,
    inputs: ["x", "i"],
    attributes: { batch_dims: 1 },
    stored: { i: { ...ints(2, -1), dims: [2, 1] } },
  },
  { op: "CumSum", opset: 11, inputs: ["x", "a"], attributes: { reverse: 1 }, stored: { a: one(1) } },
  { op: "CastLike", opset: 15, inputs: ["x", "x"] },
  { op: "Flatten", opset: 11, attributes: { axis: 2 } },
  { op: "Mean", opset: 13, inputs: ["x", "w", "x"], stored: { w: floats([3, 1, 1]) } },
];

describe("operators of other sets mean what onnxruntime makes of them", () => {
  const named = cases.map((each) => {
    const { op, opset, attributes = {}, inputs = ["x"], dims = image } = each;
    return [`${op} ${opset} ${inputs.join()} ${JSON.stringify(attributes)} [${dims}]`, each] as const;
  });

  test.each(named)(
    "%s",
    async (_, { op, opset, inputs = ["x"], attributes, dims = image, stored, outputs }) => {
      const bytes = onnxModel(opset, [{ op, inputs, outputs, attributes }], { x: dims }, stored);
      const x = floats(dims);
      const original = await createSession(bytes, { threads: 1 });
      const expected = (await original.run({ x })).y!;
      await original.close();
      const graph = parseModel(bytes);
      const meant = interpret(graph, { x }).y!;
      expect(meant.dims).toEqual(expected.dims);
      expect(difference(meant, expected)).toBeLessThan(1e-4);
      const session = await createSession(lower(graph, { device: "cpu" }), { threads: 1 });
      const actual = (await session.run({ x })).y!;
      await session.close();
      expect(difference(actual, expected)).toBeLessThan(1e-4);
    },
  );
});
