import { numberOf, numbersOf, textOf } from "../attributes.js";
import { fromNumbers, toNumbers } from "../data-types.js";
import { GraphError, graphError } from "../errors.js";
import type { Value } from "../ir.js";
import * as ops from "../operators/ops.js";
import { poolWindows } from "../operators/pooling.js";
import { normalAxis, sizeOf } from "../operators/spec.js";
import { triangle } from "../operators/triangle.js";
import { windowAttributes } from "../operators/windows.js";
import { type Call, numbersAt } from "./call.js";

/** Writes an operator in terms of others; undefined where the graph has it as it is. */
type Expansion = (call: Call) => readonly Value[] | undefined;

const unary =
  (build: (x: Value, call: Call) => Value): Expansion =>
  (call) => [build(operand(call, 0), call)];

/** More classes than any network has. */
const mostClasses = 1 << 20;

function operand(call: Call, index: number): Value {
  const value = call.operands[index];
  if (value === undefined) throw graphError(call.name, `input ${index} of ${call.opType}`, undefined);
  return value;
}

/** Writes a softmax of a set before 13, whose axis stood for itself and all after it. */
const flattened =
  (softmax: (x: Value, axis: number) => Value): Expansion =>
  (call) => {
    if (call.version >= 13) return undefined;
    const x = operand(call, 0);
    const axis = normalAxis(call, numberOf(call, "axis", 1), x.dims.length);
    if (sizeOf(x.dims.slice(axis + 1)) === 1) return [softmax(x, axis)];
    return [ops.Reshape(softmax(ops.Reshape(x, [sizeOf(x.dims.slice(0, axis)), -1]), 1), x.dims)];
  };

function col2Im(call: Call): Value {
  const [image, block] = [numbersAt(call, 1), numbersAt(call, 2)];
  if (image === undefined || block === undefined)
    throw graphError(call.name, "image_shape and block_shape that follow from sizes alone", "others");
  const [strides, dilations, pads] = ["strides", "dilations", "pads"].map((name) => numbersOf(call, name));
  return ops.Col2Im(operand(call, 0), image, block, {
    ...(strides && { strides }),
    ...(dilations && { dilations }),
    ...(pads && { pads }),
  });
}

function gridSample(call: Call): Value {
  const named: Readonly<Record<string, string>> = { bilinear: "linear", bicubic: "cubic" };
  const mode = textOf(call, "mode", "linear");
  return ops.GridSample(operand(call, 0), operand(call, 1), {
    mode: (named[mode] ?? mode) as "linear",
    padding_mode: textOf(call, "padding_mode", "zeros") as "zeros",
    align_corners: numberOf(call, "align_corners", 0),
  });
}

function groupNormalization(call: Call): Value {
  const [x, scale, bias] = [operand(call, 0), operand(call, 1), operand(call, 2)];
  const groups = numberOf(call, "num_groups");
  // Until set 21 scale and bias were those of a group.
  const each = (value: Value): Value => {
    if (value.dims[0] === x.dims[1]) return value;
    if (value.dims[0] !== groups) throw graphError(call.name, `${value.name} [${x.dims[1]}]`, value.dims);
    return ops.Reshape(ops.Expand(ops.Reshape(value, [groups, 1]), [groups, x.dims[1]! / groups]), [-1]);
  };
  const options = { num_groups: groups, epsilon: numberOf(call, "epsilon", 1e-5) };
  return ops.GroupNormalization(x, each(scale), each(bias), options);
}

function attention(call: Call): Value {
  const [q, k, v] = [operand(call, 0), operand(call, 1), operand(call, 2)];
  if (call.outputs > 1 || call.operands.slice(4).some((value) => value !== undefined))
    throw new GraphError(call.name, "Attention with past keys, lengths or extra outputs is not supported");
  const options = {
    mask: call.operands[3],
    causal: numberOf(call, "is_causal", 0) !== 0,
    softcap: numberOf(call, "softcap", 0),
    ...(call.attributes.scale !== undefined && { scale: numberOf(call, "scale") }),
  };
  if (options.causal) call.budget.fill(call.name, 8 * (q.dims.at(-2)! + k.dims.at(-2)!));
  if (q.dims.length !== 3) return ops.Attention(q, k, v, options);
  // Heads are the parts of the last axis.
  const [heads, groups] = [numberOf(call, "q_num_heads"), numberOf(call, "kv_num_heads")];
  for (const [key, count, x] of [
    ["q_num_heads", heads, q],
    ["kv_num_heads", groups, k],
    ["kv_num_heads", groups, v],
  ] as const) {
    const size = x.dims[2] ?? 0;
    if (!(x.dims.length === 3 && count >= 1 && size % count === 0))
      throw graphError(`${call.name}.${key}`, `a divisor of ${size}`, count);
  }
  const apart = (x: Value, count: number): Value =>
    ops.Transpose(ops.Reshape(x, [...x.dims.slice(0, 2), count, x.dims[2]! / count]), [0, 2, 1, 3]);
  const y = ops.Attention(apart(q, heads), apart(k, groups), apart(v, groups), options);
  return ops.Reshape(ops.Transpose(y, [0, 2, 1, 3]), [...q.dims.slice(0, 2), -1]);
}

function oneHot(call: Call): Value {
  const [indices, values] = [operand(call, 0), operand(call, 2)];
  const depth = numbersAt(call, 1)?.[0] ?? 0;
  if (!(Number.isInteger(depth) && depth >= 1 && depth <= mostClasses))
    throw graphError(call.name, `a depth of 1 to ${mostClasses}`, depth);
  const rank = indices.dims.length + 1;
  const axis = normalAxis(call, numberOf(call, "axis", -1), rank);
  call.budget.fill(call.name, 8 * depth);
  const classes = new Int32Array(depth);
  for (let index = 0; index < depth; index++) classes[index] = index;
  const dims = Array.from({ length: rank }, (_, at) => (at === axis ? depth : 1));
  const at = ops.Unsqueeze(ops.Cast(indices, "int32"), [axis]);
  const hit = ops.Equal(
    ops.Where(ops.Less(at, 0), ops.Add(at, depth), at),
    call.graph.constant({ type: "int32", dims, data: classes }),
  );
  return ops.Where(hit, ops.Slice(values, [1], [2]), ops.Slice(values, [0], [1]));
}

function trilu(call: Call): Value {
  const x = operand(call, 0);
  const k = numbersAt(call, 1)?.[0] ?? 0;
  const upper = numberOf(call, "upper", 1) !== 0;
  if (x.dims.length < 2) throw graphError(call.name, "a matrix for Trilu", x.dims);
  const [rows, columns] = x.dims.slice(-2) as [number, number];
  call.budget.fill(call.name, 8 * (rows + columns));
  return ops.Where(triangle(call.graph, [rows, columns], k, upper), x, 0);
}

function lpPool(call: Call): Value {
  const spec = { ...call, inputs: call.operands };
  const { dilations: _, ...window } = windowAttributes(poolWindows({ ...spec, domain: "" }));
  if (numberOf(call, "ceil_mode", 0) || numbersOf(call, "dilations")?.some((size) => size !== 1))
    throw new GraphError(call.name, "LpPool with ceil_mode or dilations is not supported");
  return ops.LpPool(operand(call, 0), { ...window, p: numberOf(call, "p", 2) });
}

/** Crops to the part in the middle, or pads by zeros. */
function centred(call: Call): Value {
  const x = operand(call, 0);
  const axes = numbersOf(call, "axes") ?? x.dims.map((_, axis) => axis);
  const wanted = numbersAt(call, 1);
  if (wanted?.length !== axes.length) throw graphError(call.name, `${axes.length} sizes`, wanted);
  const [before, after] = [x.dims.map(() => 0), x.dims.map(() => 0)];
  for (const [index, given] of axes.entries()) {
    const axis = normalAxis(call, given, x.dims.length);
    const extra = wanted[index]! - x.dims[axis]!;
    before[axis] = extra < 0 ? -Math.floor(-extra / 2) : Math.floor(extra / 2);
    after[axis] = extra - before[axis]!;
  }
  return ops.Pad(x, [...before, ...after]);
}

const lrn = (x: Value, call: Call): Value =>
  ops.LRN(x, {
    size: numberOf(call, "size"),
    alpha: numberOf(call, "alpha", 1e-4),
    beta: numberOf(call, "beta", 0.75),
    bias: numberOf(call, "bias", 1),
  });

export const expansions: Readonly<Record<string, Expansion>> = {
  Softmax: flattened(ops.Softmax),
  LogSoftmax: flattened(ops.LogSoftmax),
  Gelu: unary((x, call) => ops.Gelu(x, { approximate: textOf(call, "approximate", "none") as "none" })),
  Mish: unary((x) => ops.Mish(x)),
  Swish: unary((x, call) => ops.Swish(x, numberOf(call, "alpha", 1))),
  Selu: unary((x, call) =>
    ops.Selu(x, numberOf(call, "alpha", 1.6732632), numberOf(call, "gamma", 1.050701)),
  ),
  Celu: unary((x, call) => ops.Celu(x, numberOf(call, "alpha", 1))),
  ThresholdedRelu: unary((x, call) => ops.ThresholdedRelu(x, numberOf(call, "alpha", 1))),
  Shrink: unary((x, call) => ops.Shrink(x, numberOf(call, "lambd", 0.5), numberOf(call, "bias", 0))),
  Tan: unary((x) => ops.Div(ops.Sin(x), ops.Cos(x))),
  Sinh: unary((x) => ops.Mul(ops.Sub(ops.Exp(x), ops.Exp(ops.Neg(x))), 0.5)),
  Cosh: unary((x) => ops.Mul(ops.Add(ops.Exp(x), ops.Exp(ops.Neg(x))), 0.5)),
  // Only the type of the second operand counts, so that a constant stays one.
  CastLike: (call) => {
    const [x, { type }] = [operand(call, 0), operand(call, 1)];
    const tensor = call.graph.constants.get(x.name);
    return [
      tensor === undefined
        ? ops.Cast(x, type)
        : call.graph.constant(fromNumbers(type, toNumbers(tensor), tensor.dims)),
    ];
  },
  // Nothing is dropped: the trained network is the one that is deployed.
  Dropout: (call) => {
    const x = operand(call, 0);
    const all = (): Value => ops.Expand(call.graph.constant(fromNumbers("bool", [1], [])), x.dims);
    return call.outputs > 1 ? [x, all()] : [x];
  },
  Einsum: (call) => [
    ops.Einsum(textOf(call, "equation", ""), ...call.operands.map((_, index) => operand(call, index))),
  ],
  Attention: (call) => [attention(call)],
  Col2Im: (call) => [col2Im(call)],
  GridSample: (call) => [gridSample(call)],
  GroupNormalization: (call) => [groupNormalization(call)],
  RMSNormalization: (call) => [
    ops.RMSNormalization(operand(call, 0), operand(call, 1), {
      axis: numberOf(call, "axis", -1),
      epsilon: numberOf(call, "epsilon", 1e-5),
    }),
  ],
  MeanVarianceNormalization: unary((x, call) => ops.MeanVarianceNormalization(x, numbersOf(call, "axes"))),
  LpNormalization: unary((x, call) =>
    ops.LpNormalization(x, numberOf(call, "axis", -1), numberOf(call, "p", 2)),
  ),
  LRN: unary(lrn),
  LpPool: (call) => [lpPool(call)],
  GlobalLpPool: unary((x, call) => ops.GlobalLpPool(x, numberOf(call, "p", 2))),
  IsNaN: unary((x) => ops.Not(ops.Equal(x, x))),
  OneHot: (call) => [oneHot(call)],
  Trilu: (call) => [trilu(call)],
  CenterCropPad: (call) => [centred(call)],
};
