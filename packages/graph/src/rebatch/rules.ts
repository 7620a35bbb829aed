import { numberOf, numbersOf } from "../attributes.js";
import { permutation } from "../operators/movement.js";
import { integers } from "../operators/operand.js";
import { reducedAxes } from "../operators/reduction.js";
import { padding, sliceSteps } from "../operators/slicing.js";
import { normalAxis, sizeOf, staticNumbers } from "../operators/spec.js";
import { aligned, elementwise, matmul } from "./broadcast.js";
import {
  again,
  freeAxis,
  hasSamples,
  longer,
  movedTo,
  type Rule,
  repeated,
  type Samples,
  type Visit,
} from "./samples.js";

/** Whether only the first operand differs by sample. */
const firstAlone = ({ operands: [first, ...rest] }: Visit): boolean =>
  hasSamples(first) && !rest.some(hasSamples);

/** Layers over [N, C, ...spatial]: the samples are further images of the batch. */
const layer: Rule = (visit) => {
  const { node, operands, count } = visit;
  if (!firstAlone(visit) || (node.opType === "MaxPool" && node.outputs.length > 1)) return undefined;
  const [x, ...rest] = operands;
  return {
    values: again(visit, [movedTo(x as Samples, 0, count), ...rest.map((one) => one?.value)]),
    axis: 0,
  };
};

const resize: Rule = (visit) => {
  const { node, operands, count, target } = visit;
  const sizes = staticNumbers(node, 3);
  const axes = numbersOf(node, "axes") ?? operands[0]!.dims.map((_, axis) => axis);
  const at = axes.indexOf(0);
  if (!firstAlone(visit) || node.outputs[0]!.dims[0] !== node.inputs[0]!.dims[0]) return undefined;
  if (at < 0 || sizes === undefined || sizes.length === 0) return layer(visit);
  const all = integers(target, sizes.with(at, sizes[at]! * count));
  const [x, roi, scales] = operands;
  return { values: again(visit, [movedTo(x as Samples, 0, count), roi?.value, scales?.value, all]), axis: 0 };
};

/** Reshape, Flatten, Squeeze and Unsqueeze: elements stay where they are in memory. */
const reshape: Rule = (visit) => {
  const { node, operands, target, count } = visit;
  const x = operands[0] as Samples;
  const { dims } = node.outputs[0]!;
  // The samples stay apart where an axis begins at the same place as theirs.
  const place = (outer: number): number => dims.findIndex((_, at) => sizeOf(dims.slice(0, at)) === outer);
  const kept = place(sizeOf(x.dims.slice(0, x.axis)));
  const axis = kept < 0 ? place(1) : kept;
  if (axis < 0) return undefined;
  const value = kept < 0 ? movedTo(x, 0, count) : x.value;
  return { values: again(visit, [value, integers(target, longer(dims, axis, count))], "Reshape"), axis };
};

const transpose: Rule = (visit) => {
  const { value, axis } = visit.operands[0] as Samples;
  return { values: again(visit, [value]), axis: permutation(visit.node).indexOf(axis) };
};

/** Operators along some axes, which keep all others: the samples go along another. */
const along =
  (taken: (visit: Visit) => readonly number[], dropped: boolean = false): Rule =>
  (visit) => {
    if (!firstAlone(visit)) return undefined;
    const { node, operands, count } = visit;
    const x = operands[0] as Samples;
    const axes = taken(visit);
    const axis = freeAxis(x, axes);
    if (axis === undefined) return undefined;
    const values = again(visit, [movedTo(x, axis, count), ...operands.slice(1).map((one) => one?.value)]);
    const gone = dropped && numberOf(node, "keepdims", 1) === 0 ? axes.filter((at) => at < axis).length : 0;
    return { values, axis: axis - gone };
  };

const attributeAxis =
  (otherwise: number): ((visit: Visit) => readonly number[]) =>
  ({ node, operands }) => [normalAxis(node, numberOf(node, "axis", otherwise), operands[0]!.dims.length)];

const reduction = along(({ node }) => reducedAxes(node), true);
const argument = along(attributeAxis(0), true);

const layerNormalization = along((visit) => {
  const [first] = attributeAxis(-1)(visit) as [number];
  return visit.operands[0]!.dims.map((_, at) => at).slice(first);
});

const slice: Rule = (visit) => {
  const { node, operands, target } = visit;
  const cut = sliceSteps(node).map(({ axis, start, step, count }) => {
    const whole = start === 0 && step === 1 && count === node.inputs[0]!.dims[axis];
    return whole ? undefined : axis;
  });
  const moved = along(() => cut.filter((axis) => axis !== undefined));
  const steps = staticNumbers(node, 4);
  // A slice that is the whole of one sample would be the first sample alone.
  const lists = [staticNumbers(node, 1)!, staticNumbers(node, 2)!, cut, steps ?? cut.map(() => 1)];
  const kept = lists.map((list) => integers(target, list.filter((_, i) => cut[i] !== undefined) as number[]));
  const [x] = operands;
  const rest = kept.map((value) => ({ value, dims: value.dims }));
  return moved({ ...visit, operands: [x, ...rest] });
};

const pad = along(({ node }) => {
  const { before, after } = padding(node);
  return before.flatMap((size, axis) => (size !== 0 || after[axis] !== 0 ? [axis] : []));
});

const gather: Rule = (visit) => {
  const { operands, count } = visit;
  const [data, indices] = operands;
  const [axis] = attributeAxis(0)(visit) as [number];
  if (hasSamples(data) && hasSamples(indices)) return undefined;
  if (hasSamples(indices))
    return { values: again(visit, [data!.value, indices.value]), axis: axis + indices.axis };
  const own = freeAxis(data as Samples, [axis]);
  if (own === undefined) return undefined;
  const values = again(visit, [movedTo(data as Samples, own, count), indices!.value]);
  return { values, axis: own < axis ? own : own - 1 + indices!.dims.length };
};

const concat: Rule = (visit) => {
  const { operands, count } = visit;
  const first = operands.find(hasSamples)!;
  const axis = freeAxis(first, attributeAxis(0)(visit));
  if (axis === undefined) return undefined;
  const all = operands.map((one) =>
    hasSamples(one) ? movedTo(one, axis, count) : repeated(one!, axis, count),
  );
  return { values: again(visit, all), axis };
};

const tile: Rule = (visit) => {
  const repeats = staticNumbers(visit.node, 1)!;
  return along(() => repeats.flatMap((times, axis) => (times === 1 ? [] : [axis])))(visit);
};

const expand: Rule = (visit) => {
  const { node, operands, target, count } = visit;
  const x = operands[0] as Samples;
  const { dims } = node.outputs[0]!;
  const axis = x.axis + dims.length - x.dims.length;
  const shape = integers(target, longer(dims, axis, count));
  return { values: again(visit, [aligned(x, axis, dims, count), shape]), axis };
};

/** Rows of the first operand are samples; what the product is with and added to is the same for all. */
const gemm: Rule = (visit) => {
  const { node, operands, count } = visit;
  const [a, b, c] = operands;
  const rows = numberOf(node, "transA", 0) ? 1 : 0;
  const sameRows = c === undefined || c.dims.length < 2 || c.dims[0] === 1;
  if (!firstAlone(visit) || !sameRows) return undefined;
  return { values: again(visit, [movedTo(a as Samples, rows, count), b!.value, c?.value]), axis: 0 };
};

const named = (rule: Rule, names: string): Record<string, Rule> =>
  Object.fromEntries(names.split(" ").map((name) => [name, rule]));

/**
 * The rules by operator. An operator that has none, or whose operands its rule does not fit, is run for every
 * sample by itself.
 */
export const rules: Readonly<Record<string, Rule>> = {
  ...named(
    elementwise,
    "Identity Neg Abs Sign Relu Sqrt Reciprocal Exp Log Sin Cos Tanh Sigmoid Softplus Softsign Erf Floor Ceil " +
      "Round LeakyRelu Elu HardSigmoid HardSwish Not Add Sub Mul Div Mod Pow PRelu Equal Greater Less " +
      "GreaterOrEqual LessOrEqual And Or Xor Max Min Sum Mean Where Cast pixelcal.StopGradient",
  ),
  ...named(
    layer,
    "Conv ConvTranspose MaxPool AveragePool GlobalAveragePool GlobalMaxPool BatchNormalization " +
      "InstanceNormalization DepthToSpace SpaceToDepth",
  ),
  Resize: resize,
  ...named(reshape, "Reshape Flatten Squeeze Unsqueeze"),
  Transpose: transpose,
  MatMul: matmul,
  Gemm: gemm,
  ...named(along(attributeAxis(-1)), "Softmax LogSoftmax TopK"),
  Split: along(attributeAxis(0)),
  CumSum: along(({ node, operands }) => [
    normalAxis(node, staticNumbers(node, 1)![0]!, operands[0]!.dims.length),
  ]),
  ...named(
    reduction,
    "ReduceSum ReduceMean ReduceMax ReduceMin ReduceProd ReduceL1 ReduceL2 ReduceSumSquare ReduceLogSum " +
      "ReduceLogSumExp",
  ),
  ...named(argument, "ArgMax ArgMin"),
  LayerNormalization: layerNormalization,
  Clip: (visit) => (firstAlone(visit) ? elementwise(visit) : undefined),
  Slice: slice,
  Pad: pad,
  Gather: gather,
  Concat: concat,
  Tile: tile,
  Expand: expand,
};
