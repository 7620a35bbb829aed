import { numberOf, numbersOf } from "../attributes.js";
import type { Node, Value } from "../ir.js";
import * as ops from "../operators/ops.js";
import { epsilonOf, exceptChannels, inverseDeviation, perChannel } from "../operators/per-channel.js";
import { sameDims, sizeOf, staticNumbers } from "../operators/spec.js";
import {
  asBlocked,
  blocked,
  blockedAffine,
  blockedDot,
  blockedMean,
  fitsBlocks,
  unblocked,
  withActivation,
} from "./blocked-layout.js";
import { blockedWindowLowerings } from "./blocked-windows.js";
import type { BlockedLowering } from "./lowering.js";

const { Add, Mul, Div } = ops;

/**
 * Makes the lowering of an elementwise operator: where one operand is a value in blocks, so is the result.
 */
const elementwise: BlockedLowering = (node, inputs: readonly (Value | undefined)[], block) => {
  const first = inputs.find((input) => input && asBlocked(input) !== undefined);
  if (first === undefined) return undefined;
  const full = (x: Value): boolean => sameDims(x.dims, first.dims);
  if (!inputs.every((x) => x === undefined || full(x) || sizeOf(x.dims) === 1)) return undefined;
  // A Clip may lack one of its bounds.
  const own = inputs.map((x) => x && (full(x) ? blocked(x, block) : ops.Reshape(x, [])));
  return [unblocked(first.graph.node(node.opType, own, node.attributes)[0]!, first.dims)];
};

/** A product with one factor per channel; behind a convolution it is already part of the weight. */
const scaled: BlockedLowering = (node, [a, b], block) => {
  const channels = a!.dims[1];
  const factor = b!.dims.length === a!.dims.length && b!.dims[1] === channels && sizeOf(b!.dims) === channels;
  const v = asBlocked(a!);
  if (v === undefined || !factor) return elementwise(node, [a!, b!], block);
  const factors = ops.Reshape(b!, [-1]);
  return [unblocked(blockedAffine(v, factors, Mul(factors, 0)), a!.dims)];
};

const concat: BlockedLowering = (node, inputs, block) => {
  if (numberOf(node, "axis", 0) !== 1 || !inputs.every((x) => fitsBlocks(x, block))) return undefined;
  if (inputs.every((x) => asBlocked(x) === undefined)) return undefined;
  const joined = ops.Concat(
    inputs.map((x) => blocked(x, block)),
    1,
  );
  return [unblocked(joined, node.outputs[0]!.dims)];
};

/** A range of channels that begins and ends between blocks. */
const slice: BlockedLowering = (node, [x], block) => {
  const v = asBlocked(x!);
  if (v === undefined) return undefined;
  const [starts, ends, axes, steps] = [1, 2, 3, 4].map((index) => staticNumbers(node, index));
  if (starts?.length !== 1 || ends === undefined || axes?.[0] !== 1 || steps?.[0] !== 1) return undefined;
  const whole = [starts[0]!, ends[0]!].every((at) => at >= 0 && at % block === 0);
  if (!whole || node.outputs[0]!.dims[1] !== ends[0]! - starts[0]!) return undefined;
  const part = ops.Slice(v, [starts[0]! / block], [ends[0]! / block], [1]);
  return [unblocked(part, node.outputs[0]!.dims)];
};

/** Returns x minus its mean; forward and gradient share it. */
const centred = (v: Value, mean: Value): Value => blockedAffine(v, Add(Mul(mean, 0), 1), ops.Neg(mean));

/** Normalises per channel by the mean and variance of v; returns both, too. */
function normalize(v: Value, scale: Value, bias: Value, epsilon: number): readonly [Value, Value, Value] {
  const mean = blockedMean(v);
  const c = centred(v, mean);
  const variance = Div(blockedDot(c, c), sizeOf(v.dims) / scale.dims[0]!);
  return [blockedAffine(c, Mul(scale, inverseDeviation(variance, epsilon)), bias), mean, variance];
}

const batchNormalization: BlockedLowering = (node, [x, scale, bias], block) => {
  if (!fitsBlocks(x!, block)) return undefined;
  const [y, mean, variance] = normalize(blocked(x!, block), scale!, bias!, epsilonOf(node));
  return [unblocked(y, x!.dims), mean, variance];
};

/** Every instance's channel is a channel of a batch of one, as in the gradient. */
const instanceNormalization: BlockedLowering = (node, [x, scale, bias], block) => {
  const v = asBlocked(x!);
  if (v === undefined || !fitsBlocks(x!, block)) return undefined;
  const n = x!.dims[0]!;
  const tiled = (value: Value): Value => (n === 1 ? value : ops.Tile(value, [n]));
  const [slices, channels, ...rest] = v.dims as [number, number, ...number[]];
  const one = ops.Reshape(v, [slices / n, channels * n, ...rest]);
  const [y] = normalize(one, tiled(scale!), tiled(bias!), epsilonOf(node));
  return [unblocked(ops.Reshape(y, v.dims), x!.dims)];
};

/** Normalises by given statistics, behind a convolution. */
const inference: BlockedLowering = (node, [x, scale, bias, mean, variance]) => {
  const v = asBlocked(x!);
  if (v === undefined || numberOf(node, "training_mode", 0) !== 0) return undefined;
  const factor = Mul(scale!, inverseDeviation(variance!, epsilonOf(node)));
  return [unblocked(blockedAffine(v, factor, ops.Sub(bias!, Mul(mean!, factor))), x!.dims)];
};

// As in lower/normalization.ts.
const batchNormalizationGradient: BlockedLowering = (node, [dy, x, scale, mean, variance], block) => {
  if (!fitsBlocks(x!, block)) return undefined;
  const each = sizeOf(x!.dims) / x!.dims[1]!;
  const g = blocked(dy!, block);
  const c = centred(blocked(x!, block), mean!);
  const inverse = inverseDeviation(variance!, epsilonOf(node));
  const dbias = Mul(blockedMean(g), each);
  const dscale = Mul(blockedDot(g, c), inverse);
  const sum = blockedAffine(c, Mul(Div(dscale, -each), inverse), Div(dbias, -each), g);
  return [Mul(unblocked(sum, x!.dims), perChannel(Mul(scale!, inverse), x!)), dscale, dbias];
};

/** Counts the images of a batch as channels, or the other way: each plane's channels stay together. */
const reshape: BlockedLowering = (node, [x], block) => {
  const v = asBlocked(x!);
  const { dims } = node.outputs[0]!;
  const channels = dims[1]!;
  const planes = dims.length === x!.dims.length && sameDims(dims.slice(2), x!.dims.slice(2));
  if (v === undefined || !planes || channels % block !== 0) return undefined;
  const [slices, blocks, ...rest] = v.dims as [number, number, ...number[]];
  const count = channels / block;
  return [unblocked(ops.Reshape(v, [(slices * blocks) / count, count, ...rest]), dims)];
};

/** A sum over all but the channels. */
const channelSum: BlockedLowering = (node, [x]) => {
  const v = asBlocked(x!);
  const axes = staticNumbers(node, 1) ?? numbersOf(node, "axes");
  if (v === undefined || axes === undefined || !sameDims(axes, exceptChannels(x!))) return undefined;
  const sums = Mul(blockedMean(v), sizeOf(x!.dims) / x!.dims[1]!);
  return [ops.Reshape(sums, node.outputs[0]!.dims)];
};

/** Makes the lowering of an activation that a convolution may take with it. */
const activation =
  (params: (node: Node) => readonly number[]): BlockedLowering =>
  (node, [x], block) => {
    const v = asBlocked(x!);
    const joined = v && withActivation(v, node.opType, params(node));
    return joined === undefined ? elementwise(node, [x!], block) : [unblocked(joined, x!.dims)];
  };

const together: readonly string[] = [
  "Abs Add Cast Clip Div Elu Erf Exp Greater HardSigmoid HardSwish Less Log Max Min Neg Not Pow",
  "Reciprocal Sigmoid Softplus Sqrt Sub Tanh Where",
].flatMap((line) => line.split(" "));

/** The operators that the blocked layout makes faster on the CPU, for planes whose channels fill blocks. */
export const blockedLowerings: Readonly<Record<string, BlockedLowering>> = {
  ...Object.fromEntries(together.map((opType) => [opType, elementwise])),
  ...blockedWindowLowerings,
  Relu: activation(() => []),
  LeakyRelu: activation((node) => [numberOf(node, "alpha", 0.01)]),
  Mul: scaled,
  Concat: concat,
  Slice: slice,
  Reshape: reshape,
  ReduceSum: channelSum,
  InstanceNormalization: instanceNormalization,
  BatchNormalization: inference,
  "pixelcal.BatchNormalization": batchNormalization,
  "pixelcal.BatchNormalizationGradient": batchNormalizationGradient,
  "pixelcal.Block": (_, [x]) => {
    const v = asBlocked(x!);
    return v && [v];
  },
};
