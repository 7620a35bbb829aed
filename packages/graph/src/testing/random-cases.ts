import type { Value } from "../ir.js";
import * as ops from "../operators/ops.js";
import { apart, awayFromZero, type OperatorCase, positive } from "./case.js";
import { Draw } from "./draw.js";

// Attributes drawn at random, the same ones every time: combinations that the tables of the other files lack.

type Drawn = Pick<OperatorCase, "inputs" | "build">;
type Maker = (draw: Draw) => Drawn & { readonly attributes: unknown };

const axesOf = (dims: readonly number[]): number[] => dims.map((_, axis) => axis);

const unary = (
  dims: readonly number[],
  build: (x: Value) => Value | readonly Value[],
  value = apart,
): Drawn => ({ inputs: { x: { dims, value } }, build: ({ x }) => build(x!) });

/** Draws shapes that broadcast: axes of 1, missing ones in front. */
function broadcasting(draw: Draw, count: number): number[][] {
  const full = draw.ints(draw.int(1, 5), 1, 3);
  return Array.from({ length: count }, () =>
    full.slice(draw.int(0, full.length)).map((size) => (draw.int(0, 2) === 0 ? 1 : size)),
  );
}

const convolution: Maker = (draw) => {
  const rank = draw.int(1, 3);
  const kernel = draw.ints(rank, 1, 3);
  const group = draw.one([1, 1, 2, 4]);
  const attributes = {
    strides: draw.ints(rank, 1, 3),
    dilations: draw.ints(rank, 1, 2),
    pads: draw.ints(2 * rank, 0, 2),
    group,
  };
  const [ins, outs] = [group * draw.int(1, 2), group * draw.int(1, 2)];
  const size = draw.ints(rank, 5, rank === 3 ? 5 : 7);
  return {
    attributes: { ...attributes, size },
    inputs: {
      x: { dims: [draw.int(1, 2), ins, ...size] },
      w: { dims: [outs, ins / group, ...kernel] },
      ...(draw.int(0, 1) ? { bias: { dims: [outs] } } : {}),
    },
    build: ({ x, w, bias }) => ops.Conv(x!, w!, bias, attributes),
  };
};

const transposed: Maker = (draw) => {
  const rank = draw.int(1, 3);
  const kernel = draw.ints(rank, 1, 3);
  const group = draw.one([1, 1, 2]);
  const strides = draw.ints(rank, 1, 3);
  const attributes = {
    strides,
    dilations: draw.ints(rank, 1, 2),
    group,
    output_padding: strides.map((stride) => draw.int(0, stride - 1)),
    pads: [...kernel, ...kernel].map((size) => draw.int(0, size - 1)),
  };
  const [ins, outs] = [group * draw.int(1, 2), group * draw.int(1, 2)];
  const size = draw.ints(rank, 3, 4);
  return {
    attributes: { ...attributes, size },
    inputs: {
      x: { dims: [draw.int(1, 2), ins, ...size] },
      w: { dims: [ins, outs / group, ...kernel] },
      bias: { dims: [outs] },
    },
    build: ({ x, w, bias }) => ops.ConvTranspose(x!, w!, bias, attributes),
  };
};

function pooling(draw: Draw): { dims: number[]; attributes: ops.PoolAttributes } {
  const rank = draw.int(1, 3);
  const kernel_shape = draw.ints(rank, 1, 3);
  const automatic = draw.int(0, 4) === 0;
  return {
    dims: [draw.int(1, 2), 2, ...draw.ints(rank, 4, 6)],
    attributes: {
      kernel_shape,
      strides: draw.ints(rank, 1, 3),
      ...(automatic
        ? { auto_pad: draw.one(["SAME_UPPER", "SAME_LOWER"] as const) }
        : {
            pads: [...kernel_shape, ...kernel_shape].map((size) => draw.int(0, size - 1)),
            ceil_mode: draw.int(0, 1),
          }),
    },
  };
}

const resize: Maker = (draw) => {
  const dims = [1, 2, ...draw.ints(draw.int(1, 2), 2, 5)];
  const spatial = dims.slice(2);
  const options: ops.ResizeOptions = {
    mode: draw.one(["nearest", "linear", "cubic"] as const),
    coordinate_transformation_mode: draw.one([
      "half_pixel",
      "pytorch_half_pixel",
      "align_corners",
      "asymmetric",
    ] as const),
    nearest_mode: draw.one(["floor", "ceil", "round_prefer_floor", "round_prefer_ceil"] as const),
    ...(draw.int(0, 1)
      ? { sizes: [1, 2, ...spatial.map(() => draw.int(1, 8))] }
      : { scales: [1, 1, ...spatial.map(() => draw.int(3, 12) / 4)] }),
  };
  return { attributes: { dims, ...options }, ...unary(dims, (x) => ops.Resize(x, options)) };
};

const pad: Maker = (draw) => {
  const dims = draw.ints(draw.int(1, 4), 3, 5);
  const mode = draw.one(["constant", "edge", "reflect", "wrap"] as const);
  const pads = [...dims, ...dims].map(() => draw.int(-1, 2));
  return { attributes: { dims, mode, pads }, ...unary(dims, (x) => ops.Pad(x, pads, { mode })) };
};

const slice: Maker = (draw) => {
  const dims = draw.ints(draw.int(1, 4), 3, 6);
  const axes = draw.shuffled(axesOf(dims)).slice(draw.int(0, dims.length - 1));
  const steps = axes.map(() => draw.one([1, 1, 2, 3, -1, -2]));
  const starts = axes.map((_, at) => (steps[at]! > 0 ? draw.int(0, 1) : draw.int(-2, -1)));
  const ends = axes.map((_, at) => (steps[at]! > 0 ? draw.one([-1, 3, 99]) : draw.one([0, -99])));
  return {
    attributes: { dims, starts, ends, axes, steps },
    ...unary(dims, (x) => ops.Slice(x, starts, ends, axes, steps)),
  };
};

const reduction: Maker = (draw) => {
  const dims = draw.ints(draw.int(1, 5), 1, 3);
  const [name, reduce] = draw.one([
    ["sum", ops.ReduceSum],
    ["mean", ops.ReduceMean],
    ["L1", ops.ReduceL1],
    ["L2", ops.ReduceL2],
    ["squares", ops.ReduceSumSquare],
    ["log-sum-exp", ops.ReduceLogSumExp],
    ["max", ops.ReduceMax],
    ["min", ops.ReduceMin],
    ["product", ops.ReduceProd],
  ] as const);
  const axes = draw.some(axesOf(dims)).map((axis) => (draw.int(0, 1) ? axis : axis - dims.length));
  const keepdims = draw.int(0, 1);
  return {
    attributes: { dims, name, axes, keepdims },
    ...unary(dims, (x) => reduce(x, axes, { keepdims })),
  };
};

const elementwise: Maker = (draw) => {
  const [name, combine] = draw.one([
    ["Add", ops.Add],
    ["Sub", ops.Sub],
    ["Mul", ops.Mul],
    ["Div", ops.Div],
    ["Max", ops.Max],
    ["Min", ops.Min],
    ["Pow", ops.Pow],
  ] as const);
  const [a, b] = broadcasting(draw, 2);
  const value = name === "Max" || name === "Min" ? apart : positive;
  return {
    attributes: { name, a, b },
    inputs: { a: { dims: a!, value }, b: { dims: b!, value: (r, at) => value(r, at + 3) + 0.005 } },
    build: ({ a, b }) => combine(a!, b!),
  };
};

const where: Maker = (draw) => {
  const [c, a, b] = broadcasting(draw, 3);
  return {
    attributes: { c, a, b },
    inputs: { c: { dims: c!, type: "bool", value: (r) => Number(r > 0) }, a: { dims: a! }, b: { dims: b! } },
    build: ({ c, a, b }) => ops.Where(c!, a!, b!),
  };
};

const matmul: Maker = (draw) => {
  const [left, right] = broadcasting(draw, 2) as [number[], number[]];
  const [rows, inner, columns] = draw.ints(3, 1, 4) as [number, number, number];
  const [a, b] = [
    [...left, rows, inner],
    [...right, inner, columns],
  ];
  return {
    attributes: { a, b },
    inputs: { a: { dims: a! }, b: { dims: b! } },
    build: ({ a, b }) => ops.MatMul(a!, b!),
  };
};

const movement: Maker = (draw) => {
  const dims = draw.ints(draw.int(2, 5), 1, 4);
  const perm = draw.shuffled(axesOf(dims));
  const repeats = dims.map(() => draw.int(1, 2));
  const axis = draw.int(-dims.length, dims.length - 1);
  const expanded = [draw.int(1, 2), ...dims.map((size) => (size === 1 ? draw.int(1, 3) : size))];
  const pieces = dims.at(axis)! > 1 ? [1, dims.at(axis)! - 1] : [1];
  return {
    attributes: { dims, perm, repeats, axis, expanded },
    ...unary(dims, (x) => [
      ops.Transpose(x, perm),
      ops.Tile(x, repeats),
      ops.Expand(x, expanded),
      ops.Concat([x, ops.Neg(x), x], axis),
      ops.Split(x, pieces, axis).at(-1)!,
      ops.Flatten(x, Math.max(axis, 0)),
      ops.Softmax(x, axis),
      ops.LogSoftmax(x, axis),
    ]),
  };
};

const gather: Maker = (draw) => {
  const dims = draw.ints(draw.int(1, 4), 2, 4);
  const axis = draw.int(-dims.length, dims.length - 1);
  const size = dims.at(axis)!;
  const indices = draw.ints(draw.int(1, 5), -size, size - 1);
  return { attributes: { dims, axis, indices }, ...unary(dims, (x) => ops.Gather(x, indices, axis)) };
};

const normalization: Maker = (draw) => {
  const channels = draw.one([2, 4]);
  const dims = [draw.int(1, 2), channels, ...draw.ints(draw.int(1, 3), 2, 4)];
  const epsilon = draw.one([1e-5, 1e-3, 0.1]);
  const num_groups = draw.one([1, 2, channels]);
  const axis = draw.int(1, dims.length - 1);
  const tail = dims.slice(axis);
  return {
    attributes: { dims, epsilon, num_groups, axis },
    inputs: {
      x: { dims },
      scale: { dims: [channels] },
      bias: { dims: [channels] },
      tailScale: { dims: tail },
      tailBias: { dims: draw.int(0, 1) ? tail : [tail.at(-1)!] },
      variance: { dims: [channels], value: positive },
    },
    build: ({ x, scale, bias, tailScale, tailBias, variance }) => [
      ops.InstanceNormalization(x!, scale!, bias!, { epsilon }),
      ops.GroupNormalization(x!, scale!, bias!, { num_groups, epsilon }),
      ops.BatchNormalization(x!, scale!, bias!, bias!, variance!, { epsilon }),
      ops.LayerNormalization(x!, tailScale!, tailBias!, { axis, epsilon }),
    ],
  };
};

const activation: Maker = (draw) => {
  const dims = draw.ints(draw.int(0, 4), 1, 4);
  const [alpha, beta] = [draw.int(1, 20) / 10, draw.int(1, 9) / 10];
  return {
    attributes: { dims, alpha, beta },
    ...unary(
      dims,
      (x) => [
        ops.LeakyRelu(x, alpha),
        ops.Elu(x, alpha),
        ops.Celu(x, alpha),
        ops.HardSigmoid(x, { alpha: alpha / 20, beta: 0.5 }),
        ops.Selu(x, alpha, beta),
        ops.Swish(x, alpha),
        ops.Clip(x, -beta - 3, alpha + 3),
      ],
      awayFromZero,
    ),
  };
};

const makers: Readonly<Record<string, readonly [count: number, make: Maker]>> = {
  Conv: [20, convolution],
  ConvTranspose: [20, transposed],
  MaxPool: [
    12,
    (draw) => {
      const { dims, attributes } = pooling(draw);
      return { attributes: { dims, ...attributes }, ...unary(dims, (x) => ops.MaxPool(x, attributes)) };
    },
  ],
  AveragePool: [
    12,
    (draw) => {
      const { dims, attributes } = pooling(draw);
      const all = { ...attributes, count_include_pad: draw.int(0, 1) };
      return { attributes: { dims, ...all }, ...unary(dims, (x) => ops.AveragePool(x, all)) };
    },
  ],
  Resize: [24, resize],
  Pad: [16, pad],
  Slice: [16, slice],
  Reductions: [16, reduction],
  Elementwise: [20, elementwise],
  Where: [6, where],
  MatMul: [10, matmul],
  Movement: [12, movement],
  Gather: [8, gather],
  Normalizations: [12, normalization],
  Activations: [6, activation],
};

export const randomCases: readonly OperatorCase[] = Object.entries(makers).flatMap(
  ([name, [count, make]], place) =>
    Array.from({ length: count }, (_, index): OperatorCase => {
      const { attributes, inputs, build } = make(new Draw(1000 * (place + 1) + index));
      return { name: `random ${name} ${index} ${JSON.stringify(attributes)}`, inputs, build };
    }),
);
