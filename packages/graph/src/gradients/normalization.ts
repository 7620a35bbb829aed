import { numberOf } from "../attributes.js";
import type { Value } from "../ir.js";
import { batchNormalization, batchNormalizationGradient } from "../operators/composite.js";
import * as ops from "../operators/ops.js";
import { epsilonOf, exceptChannels, inverseDeviation, perChannel } from "../operators/per-channel.js";
import { normalAxis, sizeOf } from "../operators/spec.js";
import { type GradientRule, onlyFirst } from "./rule.js";

const { Add, Sub, Mul, Div, ReduceMean, ReduceSum } = ops;

const channelSum = (x: Value): Value => ReduceSum(x, exceptChannels(x), { keepdims: 0 });

/** The rule for given statistics: an affine map per channel. */
const inference: GradientRule = (b) => {
  const [x, scale, , mean, variance] = b.inputs as [Value, Value, Value, Value, Value];
  const inverse = (): Value => inverseDeviation(variance, epsilonOf(b.node));
  const centred = (): Value => channelSum(Mul(b.dy, Sub(x, perChannel(mean, x))));
  return [
    () => Mul(b.dy, perChannel(Mul(scale, inverse()), x)),
    () => Mul(centred(), inverse()),
    () => channelSum(b.dy),
    () => ops.Neg(Mul(channelSum(b.dy), Mul(scale, inverse()))),
    () => Mul(Mul(centred(), scale), Mul(ops.Pow(inverse(), 3), -0.5)),
  ];
};

/** The rule for statistics of the batch; the loss does not depend on running statistics. */
const training: GradientRule = (b) => {
  const [x, scale, bias] = b.inputs as [Value, Value, Value];
  onlyFirst(b);
  const all = (): readonly Value[] => {
    const [, mean, variance] = batchNormalization(x, scale, bias, epsilonOf(b.node));
    return batchNormalizationGradient(b.dy, x, scale, mean!, variance!, epsilonOf(b.node));
  };
  return [() => all()[0]!, () => all()[1]!, () => all()[2]!];
};

export const normalizationRules: Readonly<Record<string, GradientRule>> = {
  BatchNormalization: (b) => (numberOf(b.node, "training_mode", 0) ? training : inference)(b),
  "pixelcal.BatchNormalization": (b) => {
    const [x, scale] = b.inputs as [Value, Value];
    const [, mean, variance] = b.node.outputs as [Value, Value, Value];
    const [, dmean, dvariance] = b.dys;
    const each = sizeOf(x.dims) / x.dims[1]!;
    const all = (): readonly Value[] =>
      batchNormalizationGradient(b.dy, x, scale, mean, variance, epsilonOf(b.node));
    return [
      () => {
        let dx = all()[0]!;
        if (dmean !== undefined) dx = Add(dx, perChannel(Div(dmean, each), x));
        if (dvariance === undefined) return dx;
        return Add(dx, Mul(Sub(x, perChannel(mean, x)), perChannel(Mul(dvariance, 2 / each), x)));
      },
      () => all()[1]!,
      () => all()[2]!,
    ];
  },
  // Every instance's channel is a channel of a batch of one.
  InstanceNormalization: (b) => {
    const [x, scale, bias] = b.inputs as [Value, Value, Value];
    const [n, c] = x.dims as [number, number];
    const joined = (value: Value): Value => ops.Reshape(value, [1, n * c, ...x.dims.slice(2)]);
    const all = (): readonly Value[] => {
      const [one, epsilon] = [joined(x), epsilonOf(b.node)];
      const [scales, biases] = [scale, bias].map((value) => (n === 1 ? value : ops.Tile(value, [n])));
      const [, mean, variance] = batchNormalization(one, scales!, biases!, epsilon);
      return batchNormalizationGradient(joined(b.dy), one, scales!, mean!, variance!, epsilon);
    };
    const overBatch = (value: Value): Value => ReduceSum(ops.Reshape(value, [n, c]), [0], { keepdims: 0 });
    return [() => ops.Reshape(all()[0]!, x.dims), () => overBatch(all()[1]!), () => overBatch(all()[2]!)];
  },
  LayerNormalization: (b) => {
    onlyFirst(b);
    const [x, scale, bias] = b.inputs as [Value, Value, Value?];
    const first = normalAxis(b.node, numberOf(b.node, "axis", -1), x.dims.length);
    const axes = x.dims.map((_, axis) => axis).slice(first);
    const parts = (): { normalized: Value; inverse: Value } => {
      const centred = Sub(x, ReduceMean(x, axes));
      const inverse = inverseDeviation(ReduceMean(Mul(centred, centred), axes), epsilonOf(b.node));
      return { normalized: Mul(centred, inverse), inverse };
    };
    /** Sums over the axes that a scale or bias was broadcast along. */
    const sumTo = (value: Value, to: Value): Value => {
      const missing = x.dims.length - to.dims.length;
      const summed = x.dims.flatMap((size, axis) =>
        (to.dims[axis - missing] ?? 1) === size && axis >= missing ? [] : [axis],
      );
      return ops.Reshape(summed.length === 0 ? value : ReduceSum(value, summed), to.dims);
    };
    return [
      () => {
        const { normalized, inverse } = parts();
        const g = Mul(b.dy, scale);
        const along = Mul(normalized, ReduceMean(Mul(g, normalized), axes));
        return Mul(inverse, Sub(Sub(g, ReduceMean(g, axes)), along));
      },
      () => sumTo(Mul(b.dy, parts().normalized), scale),
      bias && (() => sumTo(b.dy, bias)),
    ];
  },
};
