import type { Value } from "../ir.js";
import * as ops from "../operators/ops.js";
import { apart, awayFromZero, type InputSpec, integers, type OperatorCase, positive } from "./case.js";

/** Operators that are written in terms of others, and those that gather and scatter whole blocks. */

const dims = [2, 4, 3, 5];

const unary = (
  name: string,
  build: (x: Value) => Value,
  value?: InputSpec["value"],
  shape: readonly number[] = dims,
): OperatorCase => ({ name, inputs: { x: { dims: shape, value } }, build: ({ x }) => build(x!) });

const activations: readonly OperatorCase[] = [
  unary("Gelu", (x) => ops.Gelu(x)),
  unary("Gelu by tanh", (x) => ops.Gelu(ops.Mul(x, 3), { approximate: "tanh" })),
  unary("Mish", ops.Mish),
  unary("Swish", (x) => ops.Add(ops.Swish(x), ops.Swish(x, 1.7))),
  unary("Selu", (x) => ops.Selu(x), awayFromZero),
  unary("Celu", (x) => ops.Celu(x, 0.6), awayFromZero),
  unary("ThresholdedRelu", (x) => ops.ThresholdedRelu(x, 0.31), apart),
  unary("Shrink", (x) => ops.Shrink(x, 0.41, 0.2), apart),
];

const normalizations: readonly OperatorCase[] = [
  ...[1, 2, 4].map(
    (groups): OperatorCase => ({
      name: `GroupNormalization of ${groups}`,
      inputs: { x: { dims }, scale: { dims: [4] }, bias: { dims: [4] } },
      build: ({ x, scale, bias }) => ops.GroupNormalization(x!, scale!, bias!, { num_groups: groups }),
    }),
  ),
  {
    name: "RMSNormalization",
    inputs: { x: { dims }, scale: { dims: [3, 5] } },
    build: ({ x, scale }) => ops.RMSNormalization(x!, scale!, { axis: -2, epsilon: 1e-3 }),
  },
  unary("MeanVarianceNormalization", (x) => ops.MeanVarianceNormalization(x)),
  unary("LpNormalization 1", (x) => ops.LpNormalization(x, 1, 1), awayFromZero),
  unary("LpNormalization 2", (x) => ops.LpNormalization(x, -1, 2)),
  unary("LRN", (x) => ops.LRN(x, { size: 3, alpha: 0.7, beta: 0.75, bias: 1.5 })),
  unary("LRN even", (x) => ops.LRN(x, { size: 2, alpha: 0.7 })),
  unary("LpPool", (x) => ops.LpPool(x, { kernel_shape: [2, 2], strides: [1, 2], p: 3 }), positive),
  unary("GlobalLpPool", (x) => ops.GlobalLpPool(x, 2), positive),
];

const equations: readonly (readonly [string, readonly (readonly number[])[]])[] = [
  [
    "blxd,blyd->blxy",
    [
      [2, 3, 4, 2],
      [2, 3, 5, 2],
    ],
  ],
  [
    "bhxy,bhyd->bhxd",
    [
      [2, 3, 4, 5],
      [2, 3, 5, 2],
    ],
  ],
  [
    "bcn,bck->bnk",
    [
      [2, 3, 4],
      [2, 3, 5],
    ],
  ],
  [
    "bcn,bnk->bck",
    [
      [2, 3, 4],
      [2, 4, 5],
    ],
  ],
  [
    "bhwc,hkc->bhwk",
    [
      [2, 3, 4, 2],
      [3, 5, 2],
    ],
  ],
  [
    "bhwc,wkc->bhwk",
    [
      [2, 3, 4, 2],
      [4, 5, 2],
    ],
  ],
  [
    "nchw,oc->nohw",
    [
      [2, 3, 2, 2],
      [4, 3],
    ],
  ],
  ["i,j->ij", [[3], [4]]],
  [
    "ij,ij->",
    [
      [3, 4],
      [3, 4],
    ],
  ],
  ["ij->j", [[3, 4]]],
  ["ij->ji", [[3, 4]]],
  [
    "ij,jk",
    [
      [3, 4],
      [4, 2],
    ],
  ],
  [
    "...ij,...jk->...ik",
    [
      [2, 3, 4],
      [5, 1, 4, 2],
    ],
  ],
  [
    "ab,bc,cd->ad",
    [
      [2, 3],
      [3, 4],
      [4, 2],
    ],
  ],
  ["abc,b,c->a", [[2, 3, 4], [3], [4]]],
];

const einsums = equations.map(
  ([equation, shapes]): OperatorCase => ({
    name: `Einsum ${equation}`,
    inputs: Object.fromEntries(shapes.map((shape, index) => [`x${index}`, { dims: shape }])),
    build: (inputs) => ops.Einsum(equation, ...shapes.map((_, index) => inputs[`x${index}`]!)),
  }),
);

/** Places that are no whole numbers of pixels, some outside of the image. */
const scattered = (_: number, at: number): number => ((at * 29) % 53) / 20 - 1.31;

const samples: readonly OperatorCase[] = (["linear", "nearest"] as const).flatMap((mode) =>
  (["zeros", "border", "reflection"] as const).flatMap((padding_mode) =>
    [0, 1].flatMap((align_corners): OperatorCase[] => {
      const options = { mode, padding_mode, align_corners };
      return [
        {
          name: `GridSample ${JSON.stringify(options)}`,
          inputs: {
            x: { dims: [2, 3, 4, 5] },
            grid: { dims: [2, 3, 2, 2], value: scattered, differentiable: mode === "linear" },
          },
          build: ({ x, grid }) => ops.GridSample(x!, grid!, options),
        },
        {
          name: `GridSample 3-D ${JSON.stringify(options)}`,
          inputs: {
            x: { dims: [1, 2, 3, 4, 3] },
            grid: { dims: [1, 2, 1, 2, 3], value: scattered, differentiable: mode === "linear" },
          },
          build: ({ x, grid }) => ops.GridSample(x!, grid!, options),
        },
      ];
    }),
  ),
);

const pairs = (rows: number, sizes: readonly number[]): InputSpec => ({
  dims: [rows, sizes.length],
  type: "int32",
  // Every row another place: a column counts up while those before it stay.
  value: (_, at) => {
    const [row, column] = [Math.floor(at / sizes.length), at % sizes.length];
    const inner = sizes.slice(column + 1).reduce((a, b) => a * b, 1);
    return Math.floor((row * 5 + 1) / inner) % sizes[column]!;
  },
});

const blocks: readonly OperatorCase[] = [
  {
    name: "GatherND",
    inputs: { x: { dims: [2, 3, 4] }, indices: { dims: [5, 2], type: "int32", value: integers(2) } },
    build: ({ x, indices }) => ops.GatherND(x!, ops.Cast(indices!, "int64")),
  },
  {
    name: "GatherND of a batch",
    inputs: { x: { dims: [2, 3, 4] }, indices: { dims: [2, 5, 1], type: "int32", value: integers(3) } },
    build: ({ x, indices }) => ops.GatherND(x!, ops.Cast(indices!, "int64"), { batch_dims: 1 }),
  },
  {
    name: "Attention of shared keys",
    inputs: {
      q: { dims: [1, 4, 3, 2] },
      k: { dims: [1, 2, 5, 2] },
      v: { dims: [1, 2, 5, 3] },
      mask: { dims: [3, 5] },
    },
    build: ({ q, k, v, mask }) => ops.Attention(q!, k!, v!, { mask: mask!, softcap: 2 }),
  },
  {
    name: "Attention to what came before",
    inputs: { x: { dims: [2, 1, 4, 3] } },
    build: ({ x }) => ops.Attention(x!, x!, ops.Mul(x!, x!), { causal: true, scale: 0.8 }),
  },
  {
    name: "ScatterND",
    inputs: { x: { dims: [2, 3, 4] }, updates: { dims: [3, 4] }, indices: pairs(3, [2, 3]) },
    build: ({ x, indices, updates }) => ops.ScatterND(x!, ops.Cast(indices!, "int64"), updates!),
  },
  {
    name: "ScatterND add",
    inputs: {
      x: { dims: [3, 4] },
      updates: { dims: [6, 4] },
      indices: { dims: [6, 1], type: "int32", value: integers(3) },
    },
    build: ({ x, indices, updates }) =>
      ops.ScatterND(x!, ops.Cast(indices!, "int64"), updates!, { reduction: "add" }),
  },
  {
    name: "MaxUnpool of MaxPool",
    notOnGpu: true,
    inputs: { x: { dims: [2, 2, 4, 6], value: apart } },
    build: ({ x }) => {
      const attributes = { kernel_shape: [2, 2], strides: [2, 2] };
      const [y, places] = ops.MaxPoolWithIndices(x!, attributes);
      return ops.MaxUnpool(ops.Mul(y!, y!), places!, attributes);
    },
  },
  {
    name: "MaxUnpool of an odd size",
    notOnGpu: true,
    inputs: { x: { dims: [1, 2, 5, 7], value: apart } },
    build: ({ x }) => {
      const attributes = { kernel_shape: [2, 2], strides: [2, 2] };
      const [y, places] = ops.MaxPoolWithIndices(x!, attributes);
      return ops.MaxUnpool(y!, places!, attributes, x!.dims);
    },
  },
];

const folds: readonly OperatorCase[] = [
  unary(
    "Col2Im of windows side by side",
    (x) => ops.Col2Im(x, [4, 6], [2, 3], { strides: [2, 3] }),
    undefined,
    [2, 12, 4],
  ),
  unary("Col2Im of windows that overlap", (x) => ops.Col2Im(x, [5, 4], [3, 2]), undefined, [2, 12, 9]),
  unary(
    "Col2Im with padding and steps that leave a rest",
    (x) => ops.Col2Im(x, [6, 5], [2, 2], { strides: [2, 3], dilations: [2, 1], pads: [1, 0, 0, 1] }),
    undefined,
    [1, 8, 6],
  ),
  unary(
    "Col2Im of a line",
    (x) => ops.Col2Im(x, [7], [3], { strides: [2], pads: [1, 1] }),
    undefined,
    [1, 6, 4],
  ),
];

export const writtenCases: readonly OperatorCase[] = [
  ...folds,
  ...activations,
  ...normalizations,
  ...einsums,
  ...samples,
  ...blocks,
];
