import { numberOf } from "../attributes.js";
import { fromNumbers } from "../data-types.js";
import type { Value } from "../ir.js";
import { batchNormalization } from "../operators/composite.js";
import { emitAll } from "../operators/operand.js";
import * as ops from "../operators/ops.js";
import { epsilonOf, exceptChannels, inverseDeviation, perChannel } from "../operators/per-channel.js";
import { normalAxis, sameDims, sizeOf } from "../operators/spec.js";
import type { Lowering, LoweringDevice } from "./lowering.js";

const { Add, Sub, Mul, Div, ReduceMean, ReduceSum } = ops;

/** Computes the sum of a * b over all axes but the channels: [C]. */
function channelDot(a: Value, b: Value, device: LoweringDevice): Value {
  if (device !== "cpu") return ReduceSum(Mul(a, b), exceptChannels(a), { keepdims: 0 });
  // Rows times columns: several times faster on the CPU than a product and its sum.
  const [n, c] = a.dims as [number, number];
  const rows = (x: Value): Value => ops.Reshape(x, [n * c, 1, -1]);
  const dots = ops.MatMul(rows(a), ops.Transpose(rows(b), [0, 2, 1]));
  return ReduceSum(ops.Reshape(dots, [n, c]), [0], { keepdims: 0 });
}

/** Computes scale * x / sqrt(variance + epsilon) + bias per channel, in one pass over x. */
function affine(
  x: Value,
  scale: Value,
  bias: Value,
  variance: Value,
  epsilon: number,
  device: LoweringDevice,
): Value {
  if (device === "cpu") {
    // On the CPU a convolution per row uses all threads, which BatchNormalization does
    // not, and takes a Relu with it.
    const [n, c] = x.dims as [number, number];
    const factor = Div(scale, ops.Sqrt(Add(variance, epsilon)));
    const rows = ops.Conv(
      ops.Reshape(x, [1, n * c, -1]),
      ops.Reshape(ops.Tile(factor, [n]), [n * c, 1, 1]),
      ops.Tile(bias, [n]),
      { group: n * c },
    );
    return ops.Reshape(rows, x.dims);
  }
  const zeros = x.graph.constant(fromNumbers(x.type, new Float64Array(x.dims[1]!), [x.dims[1]!]));
  return ops.BatchNormalization(x, scale, bias, zeros, variance, { epsilon });
}

/** Returns x minus its mean. Sums of squares of the rest do not cancel, whatever the mean is. */
const centred = (x: Value, mean: Value): Value => Sub(x, perChannel(mean, x));

export const normalizationLowerings: Readonly<Record<string, Lowering>> = {
  "pixelcal.BatchNormalization": (node, [x, scale, bias], device) => {
    const mean = ReduceMean(x!, exceptChannels(x!), { keepdims: 0 });
    const c = centred(x!, mean);
    const variance = Div(channelDot(c, c, device), sizeOf(x!.dims) / x!.dims[1]!);
    return [affine(c, scale!, bias!, variance, epsilonOf(node), device), mean, variance];
  },
  // dx = scale / deviation * (dy - mean(dy) - c * mean(dy * c) / deviation^2) with c = x - mean
  "pixelcal.BatchNormalizationGradient": (node, [dy, x, scale, mean, variance], device) => {
    const each = sizeOf(x!.dims) / x!.dims[1]!;
    const epsilon = epsilonOf(node);
    const c = centred(x!, mean!);
    const inverse = inverseDeviation(variance!, epsilon);
    const dbias = ReduceSum(dy!, exceptChannels(dy!), { keepdims: 0 });
    const dscale = Mul(channelDot(dy!, c, device), inverse);
    const correction = affine(c, Div(dscale, -each), Div(dbias, -each), variance!, epsilon, device);
    const dx = Mul(Add(dy!, correction), perChannel(Mul(scale!, inverse), x!));
    return [dx, dscale, dbias];
  },
  // webgpu broadcasts neither scale nor bias.
  LayerNormalization: (node, [x, scale, bias], device) => {
    const { dims } = x!;
    const tail = dims.slice(normalAxis(node, numberOf(node, "axis", -1), dims.length));
    const short = (value: Value | undefined): boolean => value !== undefined && !sameDims(value.dims, tail);
    if (device === "cpu" || !(short(scale) || short(bias))) return undefined;
    const full = [scale, bias].map((value) => value && ops.Expand(value, tail));
    const inputs = bias === undefined ? [x, full[0]] : [x, ...full];
    return emitAll("LayerNormalization", inputs, node.attributes, { outputs: node.outputs.length });
  },
  // ONNX's own training mode, whose running variance is that of the population
  BatchNormalization: (node, [x, scale, bias, runningMean, runningVariance]) => {
    if (numberOf(node, "training_mode", 0) === 0) return undefined;
    const [y, mean, variance] = batchNormalization(x!, scale!, bias!, epsilonOf(node));
    const momentum = numberOf(node, "momentum", 0.9);
    const blend = (running: Value, batch: Value): Value =>
      Add(Mul(running, momentum), Mul(batch, 1 - momentum));
    return [y!, blend(runningMean!, mean!), blend(runningVariance!, variance!)];
  },
};
