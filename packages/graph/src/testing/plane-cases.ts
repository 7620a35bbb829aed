import type { Value } from "../ir.js";
import { batchNormalization } from "../operators/composite.js";
import * as ops from "../operators/ops.js";
import type { InputSpec, OperatorCase } from "./case.js";

const [n, c, height, width] = [2, 16, 6, 4];
const x: InputSpec = { dims: [n, c, height, width] };
const volume: InputSpec = { dims: [2, 16, 4, 6, 4] };
/** Many equal elements, whatever the seed. */
const ties: InputSpec = { dims: x.dims, value: (random) => Math.round(2 * random) };
const norm = (channels: number) => ({ dims: [channels] });
const relu = (value: Value): Value => ops.Relu(value);
const same = { pads: [1, 1, 1, 1] };
const deepSame = { pads: [1, 1, 1, 1, 1, 1] };
const halved = { kernel_shape: [2, 2], strides: [2, 2] };

const conv = (
  name: string,
  dims: readonly number[],
  w: readonly number[],
  attributes: Parameters<typeof ops.Conv>[3],
  bias = true,
): OperatorCase => ({
  name: `Conv ${name}`,
  inputs: { x: { dims }, w: { dims: w }, ...(bias ? { bias: { dims: [w[0]!] } } : {}) },
  build: (v) => ops.Conv(v.x!, v.w!, v.bias, attributes),
});

/** Expressions on planes whose channels fill blocks of 8 or 16, or do not, for the layout in blocks. */
export const planeCases: readonly OperatorCase[] = [
  conv("of full blocks", [2, 16, 6, 4], [32, 16, 3, 3], same),
  conv("without a bias", [2, 32, 5, 7], [16, 32, 3, 3], same, false),
  conv("of one channel", [2, 1, 6, 4], [16, 1, 3, 3], same),
  conv("of few channels", [2, 3, 6, 4], [16, 3, 3, 3], same),
  conv("of channels between blocks", [1, 24, 6, 4], [16, 24, 3, 3], same),
  conv("to channels between blocks", [1, 16, 6, 4], [20, 16, 3, 3], same),
  conv("of one tap", [2, 16, 6, 4], [16, 16, 1, 1], {}),
  conv("of even taps", [1, 16, 6, 5], [16, 16, 2, 4], { pads: [1, 2, 0, 1] }),
  conv("of strides and dilations", [1, 16, 9, 8], [16, 16, 3, 2], {
    strides: [2, 3],
    dilations: [2, 1],
    ...same,
  }),
  conv("of groups", [1, 32, 6, 4], [32, 16, 3, 3], { group: 2, ...same }),
  conv("of every channel alone", [1, 16, 6, 4], [16, 1, 3, 3], { group: 16, ...same }),
  conv("of a line", [1, 16, 9], [16, 16, 3], { pads: [1, 1] }),
  conv("of a volume", [1, 16, 3, 4, 4], [16, 16, 3, 3, 3], deepSame),
  conv("of volumes", [2, 16, 3, 4, 5], [32, 16, 3, 3, 3], deepSame),
  conv("of volumes of few channels", [2, 2, 3, 4, 5], [16, 2, 3, 3, 3], deepSame),
  conv("of volumes of some channels", [2, 6, 3, 4, 5], [16, 6, 3, 3, 3], deepSame),
  // More numbers than one run of slices has.
  conv("of long volumes", [1, 16, 16, 40, 44], [16, 16, 5, 1, 1], { pads: [2, 0, 0, 2, 0, 0] }),
  conv("of pairs of slices", [1, 16, 4, 4, 6], [16, 16, 2, 2, 2], { strides: [2, 2, 2] }),
  conv("of flat taps", [2, 16, 3, 4, 5], [16, 16, 1, 3, 3], { pads: [0, 1, 1, 0, 1, 1] }),
  conv("of volumes with strides and dilations", [2, 16, 9, 6, 7], [16, 16, 3, 3, 2], {
    strides: [2, 1, 3],
    dilations: [2, 1, 2],
    pads: [2, 1, 1, 1, 0, 2],
  }),
  {
    name: "a layer of a network, twice",
    inputs: {
      x: { dims: [2, 1, 6, 4] },
      first: { dims: [16, 1, 3, 3] },
      second: { dims: [32, 16, 3, 3] },
      ...{ scale: norm(16), bias: norm(16), scale2: norm(32), bias2: norm(32) },
    },
    build: (v) => {
      const y = batchNormalization(ops.Conv(v.x!, v.first!, undefined, same), v.scale!, v.bias!, 1e-5)[0]!;
      const z = ops.Conv(relu(y), v.second!, undefined, same);
      return relu(batchNormalization(z, v.scale2!, v.bias2!, 1e-3)[0]!);
    },
  },
  {
    name: "BatchNormalization with all its outputs",
    inputs: { x, w: { dims: [16, 16, 1, 1] }, scale: norm(16), bias: norm(16) },
    build: (v) => batchNormalization(ops.Conv(v.x!, v.w!), v.scale!, v.bias!, 1e-5),
  },
  {
    name: "BatchNormalization by given statistics",
    inputs: {
      x,
      w: { dims: [16, 16, 1, 1] },
      ...{ scale: norm(16), bias: norm(16), mean: norm(16) },
      variance: { dims: [16], value: (random) => random + 1.5 },
    },
    build: (v) => {
      const inputs = [ops.Conv(v.x!, v.w!), v.scale!, v.bias!, v.mean!, v.variance!] as const;
      return relu(ops.BatchNormalization(...inputs));
    },
  },
  {
    name: "Clip without a lower bound, of planes in blocks and of others",
    inputs: { x },
    build: (v) => [ops.Conv(v.x!, identity(v.x!)), v.x!].map((value) => ops.Clip(value, undefined, 0.25)),
  },
  {
    name: "MaxPool without overlap, with ties",
    inputs: { x: ties, scale: { dims: [1] } },
    build: (v) => ops.MaxPool(relu(ops.Conv(v.x!, identity(v.x!))), halved),
  },
  {
    name: "MaxPool with overlap",
    inputs: { x: ties },
    build: (v) =>
      ops.MaxPool(relu(ops.Conv(v.x!, identity(v.x!))), { kernel_shape: [3, 3], strides: [2, 2], ...same }),
  },
  {
    name: "ConvTranspose without overlap",
    inputs: { x, w: { dims: [16, 32, 2, 2] }, bias: norm(32) },
    build: (v) => ops.ConvTranspose(v.x!, v.w!, v.bias, { strides: [2, 2] }),
  },
  {
    name: "ConvTranspose with overlap",
    inputs: { x, w: { dims: [16, 16, 3, 3] }, bias: norm(16) },
    build: (v) => ops.ConvTranspose(v.x!, v.w!, v.bias, { strides: [2, 2], ...same }),
  },
  ...upsampled("planes", [2, 2], [1, 1]),
  ...upsampled("volumes", [2, 2, 2], [1, 1, 1]),
  ...upsampled("volumes of thick slices", [1, 2, 2], [0, 1, 1]),
  {
    name: "ConvTranspose of phases that overlap differently",
    inputs: { x: volume, w: { dims: [16, 16, 4, 5, 3] }, bias: norm(16) },
    build: (v) => ops.ConvTranspose(v.x!, v.w!, v.bias, { strides: [2, 3, 2], pads: [1, 1, 0, 1, 1, 1] }),
  },
  {
    name: "ConvTranspose with phases that have no taps",
    inputs: { x, w: { dims: [16, 16, 2, 2] } },
    build: (v) => ops.ConvTranspose(v.x!, v.w!, undefined, { strides: [3, 2], output_padding: [1, 0] }),
  },
  {
    name: "layers of volumes with instance norms and a head",
    inputs: {
      x: { dims: [2, 1, 4, 4, 6] },
      first: { dims: [16, 1, 3, 3, 3] },
      second: { dims: [32, 16, 3, 3, 3] },
      head: { dims: [3, 32, 1, 1, 1] },
      ...{ scale: norm(16), bias: norm(16), scale2: norm(32), bias2: norm(32), bias3: norm(3) },
    },
    build: (v) => {
      const y = ops.InstanceNormalization(ops.Conv(v.x!, v.first!, undefined, deepSame), v.scale!, v.bias!);
      const down = ops.Conv(ops.LeakyRelu(y, 0.01), v.second!, undefined, {
        ...deepSame,
        strides: [2, 2, 2],
      });
      return ops.Conv(
        ops.LeakyRelu(ops.InstanceNormalization(down, v.scale2!, v.bias2!), 0.1),
        v.head!,
        v.bias3,
      );
    },
  },
  {
    name: "an instance norm of planes",
    inputs: { x, w: { dims: [32, 16, 3, 3] }, scale: norm(32), bias: norm(32) },
    build: (v) => {
      const y = ops.Conv(v.x!, v.w!, undefined, same);
      return ops.LeakyRelu(ops.InstanceNormalization(y, v.scale!, v.bias!), 0.2);
    },
  },
  {
    name: "MaxPool of volumes without overlap, with ties",
    inputs: { x: { ...volume, value: ties.value! } },
    build: (v) =>
      ["2,2,2", "1,2,2", "2,1,2"].map((sizes) => {
        const taps = sizes.split(",").map(Number);
        return ops.MaxPool(relu(ops.Conv(v.x!, identity(v.x!))), { kernel_shape: taps, strides: taps });
      }),
  },
  {
    name: "Concat and Slice of volumes, sums of their channels",
    inputs: { x: volume, y: { dims: [2, 32, 4, 6, 4] }, bias: { dims: [1, 48, 1, 1, 1] } },
    build: (v) => {
      const whole = ops.Concat([relu(ops.Conv(v.x!, identity(v.x!))), v.y!], 1);
      const scaled = ops.Mul(whole, v.bias!);
      return [ops.ReduceSum(scaled, [0, 2, 3, 4], { keepdims: 0 }), ops.Slice(scaled, [16], [48], [1])];
    },
  },
  {
    name: "Concat of full and partial blocks, with a Conv behind",
    inputs: {
      x,
      y: { dims: [n, 32, height, width] },
      z: { dims: [n, 4, height, width] },
      w: { dims: [16, 48, 3, 3] },
    },
    build: (v) => {
      const full = ops.Concat([relu(ops.Conv(v.x!, identity(v.x!))), v.y!], 1);
      return ops.Concat([ops.Conv(full, v.w!, undefined, same), v.z!], 1);
    },
  },
  {
    name: "Slice between and within blocks",
    inputs: { x: { dims: [n, 48, height, width] } },
    build: (v) => {
      const y = ops.Conv(v.x!, identity(v.x!));
      return [
        ops.Slice(y, [16], [48], [1]),
        ops.Slice(y, [3], [19], [1]),
        ops.Slice(y, [1, -3], [5, -1], [2, 3]),
      ];
    },
  },
  {
    name: "a residual of convolutions, scaled per channel",
    inputs: { x, w: { dims: [16, 16, 3, 3] }, scale: { dims: [1, 16, 1, 1] } },
    build: (v) => {
      const y = ops.Mul(ops.Conv(v.x!, v.w!, undefined, same), v.scale!);
      return ops.Sigmoid(ops.Add(ops.Sub(v.x!, 0.5), y));
    },
  },
  {
    name: "sums and moments of a convolution",
    inputs: { x, w: { dims: [16, 16, 3, 3] } },
    build: (v) => {
      const y = ops.Conv(v.x!, v.w!, undefined, same);
      return [ops.ReduceMean(y, [2, 3]), ops.Softmax(y, 1), ops.Reshape(y, [n, -1])];
    },
  },
];

/** Transposed convolutions as networks have them, on the first sizes that they fit. */
function upsampled(of: string, strides: readonly number[], pads: readonly number[]): OperatorCase[] {
  const image: InputSpec = strides.length === 2 ? x : volume;
  const cases = {
    tiles: strides,
    overlap: pads.map((pad) => 2 * pad + 1),
    "even taps": strides.map((step) => 2 * step - (step & 1)),
  };
  return Object.entries(cases).map(([name, kernel]) => ({
    name: `ConvTranspose of ${of}, ${name}`,
    inputs: { x: image, w: { dims: [16, 32, ...kernel] }, bias: norm(32) },
    build: (v) => {
      const before =
        name === "tiles" ? pads.map(() => 0) : kernel.map((size, axis) => (size - strides[axis]! + 1) >> 1);
      const output_padding = kernel.map((size, axis) => strides[axis]! - size + 2 * before[axis]!);
      return ops.ConvTranspose(v.x!, v.w!, v.bias, { strides, pads: [...before, ...before], output_padding });
    },
  }));
}

/** Returns a weight that passes channels on. */
function identity({ graph, dims: [, channels, ...size] }: Value): Value {
  const data = new Float32Array(channels! ** 2);
  for (let i = 0; i < channels!; i++) data[i * (channels! + 1)] = 1;
  return graph.constant({ type: "float32", dims: [channels!, channels!, ...size.map(() => 1)], data });
}
