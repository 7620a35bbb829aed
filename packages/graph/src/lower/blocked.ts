import { numberOf } from "../attributes.js";
import type { Node, Value } from "../ir.js";
import { convTransposeWindows, convWindows, groupOf } from "../operators/convolution.js";
import * as ops from "../operators/ops.js";
import { epsilonOf, inverseDeviation } from "../operators/per-channel.js";
import { poolWindows } from "../operators/pooling.js";
import { sameDims, sizeOf, staticNumbers } from "../operators/spec.js";
import { tiles, windowAttributes } from "../operators/windows.js";
import {
  asBlocked,
  blocked,
  blockedAffine,
  blockedConv,
  blockedDot,
  blockedMaxPool,
  blockedMean,
  unblocked,
  withRelu,
} from "./blocked-layout.js";

const { Add, Mul, Div } = ops;

/** Lowers one node to the blocked layout; undefined leaves it to the lowering of the plain one. */
type BlockedLowering = (node: Node, inputs: readonly Value[], block: number) => readonly Value[] | undefined;

/** Whether the channels of a plane fill blocks. */
const fits = (x: Value, block: number): boolean =>
  x.type === "float32" && x.dims.length === 4 && x.dims[1]! % block === 0;

const explicit = (node: Node): boolean => (node.attributes.auto_pad ?? "NOTSET") === "NOTSET";

/**
 * Makes the lowering of an elementwise operator: where one operand is a value in blocks, so is the result.
 */
const elementwise = (
  node: Node,
  inputs: readonly (Value | undefined)[],
  block: number,
): readonly Value[] | undefined => {
  const first = inputs.find((input) => input && asBlocked(input) !== undefined);
  if (first === undefined) return undefined;
  const full = (x: Value): boolean => sameDims(x.dims, first.dims);
  if (!inputs.every((x) => x === undefined || full(x) || sizeOf(x.dims) === 1)) return undefined;
  // A Clip may lack one of its bounds.
  const own = inputs.map((x) => x && (full(x) ? blocked(x, block) : ops.Reshape(x, [])));
  return [unblocked(first.graph.node(node.opType, own, node.attributes)[0]!)];
};

/** A product with one factor per channel; behind a convolution it is already part of the weight. */
const scaled: BlockedLowering = (node, [a, b], block) => {
  const factor = b!.dims.length === 4 && sizeOf(b!.dims) === b!.dims[1] && b!.dims[1] === a!.dims[1];
  const v = asBlocked(a!);
  if (v === undefined || !factor) return elementwise(node, [a!, b!], block);
  const factors = ops.Reshape(b!, [-1]);
  return [unblocked(blockedAffine(v, factors, Mul(factors, 0)))];
};

const concat: BlockedLowering = (node, inputs, block) => {
  if (numberOf(node, "axis", 0) !== 1 || !inputs.every((x) => fits(x, block))) return undefined;
  if (inputs.every((x) => asBlocked(x) === undefined)) return undefined;
  return [
    unblocked(
      ops.Concat(
        inputs.map((x) => blocked(x, block)),
        1,
      ),
    ),
  ];
};

/** A range of channels that begins and ends between blocks. */
const slice: BlockedLowering = (node, [x], block) => {
  const v = asBlocked(x!);
  if (v === undefined) return undefined;
  const [starts, ends, axes, steps] = [1, 2, 3, 4].map((index) => staticNumbers(node, index));
  if (starts?.length !== 1 || ends === undefined || axes?.[0] !== 1 || steps?.[0] !== 1) return undefined;
  const whole = [starts[0]!, ends[0]!].every((at) => at >= 0 && at % block === 0);
  if (!whole || node.outputs[0]!.dims[1] !== ends[0]! - starts[0]!) return undefined;
  return [unblocked(ops.Slice(v, [starts[0]! / block], [ends[0]! / block], [1]))];
};

const conv: BlockedLowering = (node, [x, w, bias], block) => {
  const [o, i] = w!.dims as [number, number];
  const few = i < block && asBlocked(x!) === undefined;
  const apt = explicit(node) && groupOf(node) === 1 && x!.dims.length === 4 && x!.type === "float32";
  if (!apt || o % block !== 0 || !(few || i % block === 0)) return undefined;
  const windows = convWindows(node);
  // A weight gradient, whose kernel is a whole plane, would read it again for every pixel of its output.
  if (sizeOf(windows.kernel) > sizeOf(windows.output)) return undefined;
  const attributes = windowAttributes(windows);
  return [unblocked(blockedConv(few ? x! : blocked(x!, block), w!, bias, attributes, block))];
};

/** Without overlap: a pixel's product with the weight of every tap, and the taps moved between the pixels. */
const convTranspose: BlockedLowering = (node, [x, w, bias], block) => {
  const windows = convTransposeWindows(node);
  const o = w!.dims[1]!;
  const apt = explicit(node) && groupOf(node) === 1 && fits(x!, block) && o % block === 0 && tiles(windows);
  if (!apt) return undefined;
  const [height, width] = windows.kernel as [number, number];
  const taps = height * width;
  // [I, O, kh, kw] to [kh, kw, O, I]
  const weight = ops.Reshape(ops.Transpose(w!, [2, 3, 1, 0]), [taps * o, x!.dims[1]!, 1, 1]);
  const biases = bias && ops.Tile(bias, [taps]);
  const y = blockedConv(blocked(x!, block), weight, biases, {}, block);
  const [n, , rows, columns] = y.dims as [number, number, number, number];
  const split = ops.Reshape(y, [n, height, width, o / block, rows, columns, block]);
  const dims = [n, o / block, rows * height, columns * width, block];
  return [unblocked(ops.Reshape(ops.Transpose(split, [0, 3, 4, 1, 5, 2, 6]), dims))];
};

const maxPool: BlockedLowering = (node, [x], block) => {
  const v = asBlocked(x!);
  const windows = poolWindows(node);
  if (v === undefined || node.outputs.length > 1 || !fits(x!, block) || !tiles(windows)) return undefined;
  const { kernel_shape, strides } = windowAttributes(windows);
  return [unblocked(blockedMaxPool(v, { kernel_shape, strides }))];
};

/** The taps of all windows side by side: the first one that equals the maximum takes the gradient. */
const maxPoolGradient: BlockedLowering = (node, [x, y, dy], block) => {
  const windows = poolWindows(node);
  if (asBlocked(x!) === undefined || !fits(x!, block) || !tiles(windows)) return undefined;
  const [v, top, g] = [x!, y!, dy!].map((value) => blocked(value, block)) as [Value, Value, Value];
  const [height, width] = windows.kernel as [number, number];
  const [n, c, rows, columns] = top.dims as [number, number, number, number];
  const taps = height * width;
  const split = ops.Reshape(v, [n, c, rows, height, columns, width, block]);
  const stack = ops.Reshape(ops.Transpose(split, [3, 5, 0, 1, 2, 4, 6]), [taps, ...top.dims]);
  const equal = ops.Split(ops.Equal(stack, top), taps, 0);
  let open = ops.Not(equal[0]!);
  const wins = [equal[0]!];
  for (const tap of equal.slice(1)) {
    wins.push(ops.And(tap, open));
    open = ops.And(open, ops.Not(tap));
  }
  const taken = Mul(ops.Cast(ops.Concat(wins, 0), g.type), g);
  const apart = ops.Reshape(taken, [height, width, n, c, rows, columns, block]);
  return [unblocked(ops.Reshape(ops.Transpose(apart, [2, 3, 4, 0, 5, 1, 6]), v.dims))];
};

/** Returns x minus its mean; forward and gradient share it. */
const centred = (v: Value, mean: Value): Value => blockedAffine(v, Add(Mul(mean, 0), 1), ops.Neg(mean));

const batchNormalization: BlockedLowering = (node, [x, scale, bias], block) => {
  if (!fits(x!, block)) return undefined;
  const v = blocked(x!, block);
  const mean = blockedMean(v);
  const c = centred(v, mean);
  const variance = Div(blockedDot(c, c), sizeOf(x!.dims) / x!.dims[1]!);
  const y = blockedAffine(c, Mul(scale!, inverseDeviation(variance, epsilonOf(node))), bias!);
  return [unblocked(y), mean, variance];
};

/** Normalises by given statistics, behind a convolution. */
const inference: BlockedLowering = (node, [x, scale, bias, mean, variance]) => {
  const v = asBlocked(x!);
  if (v === undefined || numberOf(node, "training_mode", 0) !== 0) return undefined;
  const factor = Mul(scale!, inverseDeviation(variance!, epsilonOf(node)));
  return [unblocked(blockedAffine(v, factor, ops.Sub(bias!, Mul(mean!, factor))))];
};

// As in lower/normalization.ts.
const batchNormalizationGradient: BlockedLowering = (node, [dy, x, scale, mean, variance], block) => {
  if (!fits(x!, block)) return undefined;
  const each = sizeOf(x!.dims) / x!.dims[1]!;
  const g = blocked(dy!, block);
  const c = centred(blocked(x!, block), mean!);
  const inverse = inverseDeviation(variance!, epsilonOf(node));
  const dbias = Mul(blockedMean(g), each);
  const dscale = Mul(blockedDot(g, c), inverse);
  const sum = blockedAffine(c, Mul(Div(dscale, -each), inverse), Div(dbias, -each), g);
  const factor = ops.Reshape(Mul(scale!, inverse), [1, -1, 1, 1]);
  return [Mul(unblocked(sum), factor), dscale, dbias];
};

const relu: BlockedLowering = (node, [x], block) => {
  const v = asBlocked(x!);
  const joined = v && withRelu(v);
  return joined === undefined ? elementwise(node, [x!], block) : [unblocked(joined)];
};

const together: readonly string[] = [
  "Abs Add Cast Clip Div Elu Erf Exp Greater HardSigmoid HardSwish LeakyRelu Less Log Max Min Neg Not Pow",
  "Reciprocal Sigmoid Softplus Sqrt Sub Tanh Where",
].flatMap((line) => line.split(" "));

/** The operators that the blocked layout makes faster on the CPU, for planes whose channels fill blocks. */
export const blockedLowerings: Readonly<Record<string, BlockedLowering>> = {
  ...Object.fromEntries(together.map((opType) => [opType, elementwise])),
  Relu: relu,
  Mul: scaled,
  Concat: concat,
  Slice: slice,
  Conv: conv,
  ConvTranspose: convTranspose,
  MaxPool: maxPool,
  "pixelcal.MaxPoolGradient": maxPoolGradient,
  BatchNormalization: inference,
  "pixelcal.BatchNormalization": batchNormalization,
  "pixelcal.BatchNormalizationGradient": batchNormalizationGradient,
  "pixelcal.Block": (_, [x]) => {
    const v = asBlocked(x!);
    return v && [v];
  },
};
