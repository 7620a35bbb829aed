import type { Value } from "../ir.js";
import * as ops from "../operators/ops.js";
import { apart, type OperatorCase, positive } from "./case.js";

type Shapes = readonly (readonly number[])[];

const of = (
  name: string,
  shapes: Shapes,
  build: (...values: readonly [Value, Value, Value, Value, Value]) => Value,
): OperatorCase => ({
  name,
  inputs: Object.fromEntries(shapes.map((dims, index) => [`x${index}`, { dims }])),
  build: (inputs) =>
    build(...(shapes.map((_, index) => inputs[`x${index}`]!) as [Value, Value, Value, Value, Value])),
});

const matmuls: readonly (readonly [readonly number[], readonly number[]])[] = [
  [
    [2, 3],
    [3, 4],
  ],
  [
    [2, 2, 3],
    [3, 4],
  ],
  [
    [2, 2, 3],
    [2, 3, 4],
  ],
  [
    [2, 1, 2, 3],
    [3, 3, 2],
  ],
  [[3], [3, 2]],
  [[2, 2, 3], [3]],
  [[3], [3]],
  [
    [2, 3],
    [4, 3, 2],
  ],
];

const poolings = [
  { shape: [4, 4], kernel_shape: [2, 2], strides: [2, 2] },
  { shape: [5, 6], kernel_shape: [2, 2], strides: [2, 2] },
  { shape: [5, 6], kernel_shape: [2, 2], strides: [2, 2], ceil_mode: 1 },
  { shape: [6, 5], kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] },
  { shape: [5, 5], kernel_shape: [3, 2], strides: [1, 2], pads: [1, 0, 0, 1] },
  { shape: [6], kernel_shape: [3], strides: [3] },
  { shape: [6], kernel_shape: [2], strides: [1], auto_pad: "SAME_UPPER" },
  { shape: [4, 2, 4], kernel_shape: [2, 2, 2], strides: [2, 2, 2] },
  { shape: [3, 4, 4], kernel_shape: [1, 2, 2], strides: [1, 2, 2] },
  { shape: [4, 3, 5], kernel_shape: [2, 3, 3], strides: [2, 1, 2], pads: [0, 1, 1, 0, 1, 1] },
] as const;

const resizes = [
  {
    scales: [1, 1, 2, 3],
    mode: "nearest",
    coordinate_transformation_mode: "asymmetric",
    nearest_mode: "floor",
  },
  { scales: [1, 1, 2, 2], mode: "nearest" },
  {
    sizes: [2, 2, 5, 3],
    mode: "nearest",
    coordinate_transformation_mode: "asymmetric",
    nearest_mode: "floor",
  },
  { scales: [1, 1, 2, 2], mode: "linear" },
  { scales: [1, 1, 2, 2], mode: "linear", coordinate_transformation_mode: "align_corners" },
  { sizes: [2, 2, 7, 5], mode: "linear", coordinate_transformation_mode: "pytorch_half_pixel" },
  { sizes: [2, 2, 2, 2], mode: "linear" },
  { scales: [1, 1, 1.5, 2.5], mode: "linear", coordinate_transformation_mode: "asymmetric" },
  { scales: [1, 1, 2, 2], mode: "cubic" },
  { sizes: [2, 2, 5, 4], mode: "cubic", exclude_outside: 1, cubic_coeff_a: -0.5 },
  { sizes: [2, 2, 2, 1], mode: "linear", antialias: 1 },
  { sizes: [2, 2, 2, 2], mode: "cubic", antialias: 1 },
  { scales: [2, 1.5], axes: [3, 2], mode: "linear" },
  { sizes: [7, 9], axes: [2, 3], mode: "nearest", keep_aspect_ratio_policy: "not_larger" },
  { sizes: [5, 9], axes: [2, 3], mode: "linear", keep_aspect_ratio_policy: "not_smaller" },
  { sizes: [2, 2, 4, 5], mode: "linear", coordinate_transformation_mode: "half_pixel_symmetric" },
  {
    scales: [1, 1, 2, 2],
    mode: "nearest",
    coordinate_transformation_mode: "tf_half_pixel_for_nn",
    nearest_mode: "floor",
  },
  { scales: [1, 1, 0.6, 1.2], mode: "nearest", nearest_mode: "ceil" },
  { scales: [1, 1, 1.7, 1.3], mode: "nearest", nearest_mode: "round_prefer_ceil" },
] as const;

const moments = (channels: number): Shapes => [[channels], [channels], [channels], [channels]];

export const layerCases: readonly OperatorCase[] = [
  ...matmuls.map(([a, b]) => of(`MatMul [${a}] [${b}]`, [a, b], (x, y) => ops.MatMul(x, y))),
  ...[0, 1].flatMap((transA) =>
    [0, 1].map((transB) =>
      of(`Gemm ${transA} ${transB}`, [transA ? [3, 2] : [2, 3], transB ? [4, 3] : [3, 4], [4]], (a, b, c) =>
        ops.Gemm(a, b, c, { transA, transB, alpha: 0.5, beta: 2 }),
      ),
    ),
  ),
  ...poolings.flatMap(({ shape, ...attributes }): OperatorCase[] => {
    const name = `[${shape}] ${JSON.stringify(attributes)}`;
    const inputs = { x: { dims: [2, 2, ...shape], value: apart } };
    return [
      { name: `MaxPool ${name}`, inputs, build: ({ x }) => ops.MaxPool(x!, attributes) },
      { name: `AveragePool ${name}`, inputs, build: ({ x }) => ops.AveragePool(x!, attributes) },
      {
        name: `AveragePool with padding ${name}`,
        inputs,
        build: ({ x }) => ops.AveragePool(x!, { ...attributes, count_include_pad: 1 }),
      },
    ];
  }),
  {
    name: "MaxPool dilated",
    inputs: { x: { dims: [1, 2, 7, 6], value: apart } },
    build: ({ x }) => ops.MaxPool(x!, { kernel_shape: [2, 3], dilations: [2, 2], strides: [2, 1] }),
  },
  {
    name: "GlobalMaxPool",
    inputs: { x: { dims: [2, 2, 3, 4], value: apart } },
    build: ({ x }) => ops.GlobalMaxPool(x!),
  },
  of("GlobalAveragePool", [[2, 2, 3, 4]], (x) => ops.GlobalAveragePool(x)),
  ...resizes.map((options) =>
    of(`Resize ${JSON.stringify(options)}`, [[2, 2, 3, 2]], (x) => ops.Resize(x, options)),
  ),
  of("Resize 3-D nearest", [[1, 2, 2, 3, 2]], (x) =>
    ops.Resize(x, {
      scales: [1, 1, 2, 2, 2],
      coordinate_transformation_mode: "asymmetric",
      nearest_mode: "floor",
    }),
  ),
  of("Resize 3-D linear", [[1, 1, 2, 3, 2]], (x) =>
    ops.Resize(x, { scales: [1, 1, 2, 2, 2], mode: "linear" }),
  ),
  ...(
    [
      [3, 2],
      [2, 2, 4],
      [2, 3, 2, 3],
      [1, 2, 2, 3, 2],
    ] as const
  ).flatMap((shape): OperatorCase[] => [
    {
      name: `BatchNormalization [${shape}]`,
      inputs: {
        x: { dims: shape },
        ...Object.fromEntries(
          moments(shape[1]!).map((dims, index) => [
            `x${index}`,
            { dims, value: index === 3 ? positive : undefined },
          ]),
        ),
      },
      build: ({ x, x0, x1, x2, x3 }) => ops.BatchNormalization(x!, x0!, x1!, x2!, x3!, { epsilon: 1e-3 }),
    },
    {
      name: `BatchNormalization in ONNX's training mode [${shape}]`,
      inputs: {
        x: { dims: shape },
        ...Object.fromEntries(
          moments(shape[1]!).map((dims, index) => [`x${index}`, { dims, differentiable: index < 2 }]),
        ),
      },
      build: ({ x, x0, x1, x2, x3 }) =>
        x!.graph.node("BatchNormalization", [x, x0, x1, x2, x3], { training_mode: 1 }, { outputs: 1 }),
    },
  ]),
  ...([1, 2] as const).map((group) =>
    of(
      `Conv of ${group} groups, BatchNormalization in training, Relu`,
      [[2, 2, 6, 5], [4, 2 / group, 3, 3], [4], [4]],
      (x, w, scale, bias) => {
        const y = ops.Conv(x, w, undefined, { pads: [1, 1, 1, 1], group });
        const running = ops.StopGradient(scale);
        const inputs = [y, scale, bias, running, running];
        const [normal] = y.graph.node("BatchNormalization", inputs, { training_mode: 1 }, { outputs: 1 });
        return ops.Relu(ops.Add(normal!, 0.0123));
      },
    ),
  ),
  ...(
    [
      [2, 2, 4],
      [2, 3, 2, 3],
      [1, 2, 2, 3, 2],
    ] as const
  ).map((shape) =>
    of(`InstanceNormalization [${shape}]`, [shape, [shape[1]], [shape[1]]], (x, scale, bias) =>
      ops.InstanceNormalization(x, scale, bias),
    ),
  ),
  of("LayerNormalization -1", [[2, 3, 4], [4], [4]], (x, scale, bias) =>
    ops.LayerNormalization(x, scale, bias),
  ),
  of("LayerNormalization 1", [[2, 3, 4], [3, 4], [4]], (x, scale, bias) =>
    ops.LayerNormalization(x, scale, bias, { axis: 1, epsilon: 1e-3 }),
  ),
  of("LayerNormalization without bias", [[2, 3, 4], [1]], (x, scale) => ops.LayerNormalization(x, scale)),
];
