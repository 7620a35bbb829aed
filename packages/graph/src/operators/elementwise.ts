import type { DataType } from "@pixelcal/core";
import { numberOf } from "../attributes.js";
import { dataType, isFloat, onnxTypes } from "../data-types.js";
import { graphError } from "../errors.js";
import type { NodeSpec, Value } from "../ir.js";
import { composite } from "./composite.js";
import { emit, emitAll, graphOf, type Operand, promote, scalar } from "./operand.js";
import { broadcastDims, requireDims, required, requireType, type ShapeRule, type ValueInfo } from "./spec.js";

const like = ({ type, dims }: Value): ValueInfo[] => [{ type, dims }];

const sameShape: ShapeRule = (spec) => like(required(spec, 0));

export const floatShape: ShapeRule = (spec) => {
  const x = required(spec, 0);
  if (!isFloat(x.type)) throw graphError(spec.name, `${x.name} of a float type`, x.type);
  return like(x);
};

const logicalShape: ShapeRule = (spec) => {
  requireType(spec, required(spec, 0), "bool");
  return like(required(spec, 0));
};

function operands(spec: NodeSpec, count?: number): readonly Value[] {
  const values = spec.inputs.map((_, index) => required(spec, index));
  if (values.length === 0 || (count !== undefined && values.length !== count)) {
    throw graphError(spec.name, `${count ?? "one or more"} inputs of ${spec.opType}`, values.length);
  }
  for (const value of values) requireType(spec, value, values[0]!.type);
  return values;
}

const broadcastPair: ShapeRule = (spec) => {
  const [a, b] = operands(spec, 2) as [Value, Value];
  return [{ type: a.type, dims: broadcastDims(spec, a.dims, b.dims) }];
};

const comparisonShape: ShapeRule = (spec) => [{ type: "bool", dims: broadcastPair(spec)[0]!.dims }];

const logicalPair: ShapeRule = (spec) => {
  requireType(spec, required(spec, 0), "bool");
  return broadcastPair(spec);
};

const broadcastAll: ShapeRule = (spec) => {
  const values = operands(spec);
  return [{ type: values[0]!.type, dims: broadcastDims(spec, ...values.map((value) => value.dims)) }];
};

export const elementwiseShapes: Readonly<Record<string, ShapeRule>> = {
  Identity: sameShape,
  Neg: sameShape,
  Abs: sameShape,
  Sign: sameShape,
  Relu: sameShape,
  Sqrt: floatShape,
  Reciprocal: floatShape,
  Exp: floatShape,
  Log: floatShape,
  Sin: floatShape,
  Cos: floatShape,
  Tanh: floatShape,
  Sigmoid: floatShape,
  Softplus: floatShape,
  Softsign: floatShape,
  Erf: floatShape,
  Floor: floatShape,
  Ceil: floatShape,
  Round: floatShape,
  LeakyRelu: floatShape,
  Elu: floatShape,
  HardSigmoid: floatShape,
  HardSwish: floatShape,
  Not: logicalShape,
  Add: broadcastPair,
  Sub: broadcastPair,
  Mul: broadcastPair,
  Div: broadcastPair,
  Mod: broadcastPair,
  Pow: (spec) => {
    const base = required(spec, 0);
    return [{ type: base.type, dims: broadcastDims(spec, base.dims, required(spec, 1).dims) }];
  },
  PRelu: (spec) => {
    const [x, slope] = operands(spec, 2) as [Value, Value];
    requireDims(spec, x, broadcastDims(spec, x.dims, slope.dims));
    return like(x);
  },
  Equal: comparisonShape,
  Greater: comparisonShape,
  Less: comparisonShape,
  GreaterOrEqual: comparisonShape,
  LessOrEqual: comparisonShape,
  And: logicalPair,
  Or: logicalPair,
  Xor: logicalPair,
  Max: broadcastAll,
  Min: broadcastAll,
  Sum: broadcastAll,
  Mean: broadcastAll,
  Where: (spec) => {
    const [condition, a, b] = [required(spec, 0), required(spec, 1), required(spec, 2)];
    requireType(spec, condition, "bool");
    requireType(spec, b, a.type);
    return [{ type: a.type, dims: broadcastDims(spec, condition.dims, a.dims, b.dims) }];
  },
  Clip: (spec) => {
    const x = required(spec, 0);
    for (const bound of spec.inputs.slice(1)) {
      if (bound === undefined) continue;
      requireType(spec, bound, x.type);
      if (bound.dims.some((size) => size !== 1))
        throw graphError(spec.name, `a scalar ${bound.name}`, bound.dims);
    }
    return like(x);
  },
  Cast: (spec) => {
    const type = dataType(numberOf(spec, "to"));
    if (type === undefined) throw graphError(`${spec.name}.to`, "a known data type", numberOf(spec, "to"));
    return [{ type, dims: required(spec, 0).dims }];
  },
};

type Unary = (x: Value) => Value;
type Binary = (a: Operand, b: Operand) => Value;

const unary =
  (opType: string): Unary =>
  (x) =>
    emit(opType, [x]);

const binary =
  (opType: string): Binary =>
  (a, b) =>
    emit(opType, promote(opType, [a, b]));

const variadic =
  (opType: string): ((...values: readonly Operand[]) => Value) =>
  (...values) =>
    emit(opType, promote(opType, values));

export const Identity: Unary = unary("Identity");
export const Neg: Unary = unary("Neg");
export const Abs: Unary = unary("Abs");
export const Sign: Unary = unary("Sign");
export const Sqrt: Unary = unary("Sqrt");
export const Reciprocal: Unary = unary("Reciprocal");
export const Exp: Unary = unary("Exp");
export const Log: Unary = unary("Log");
export const Sin: Unary = unary("Sin");
export const Cos: Unary = unary("Cos");
export const Tanh: Unary = unary("Tanh");
export const Sigmoid: Unary = unary("Sigmoid");
export const Softplus: Unary = unary("Softplus");
export const Softsign: Unary = unary("Softsign");
export const Erf: Unary = unary("Erf");
export const Floor: Unary = unary("Floor");
export const Ceil: Unary = unary("Ceil");
export const Round: Unary = unary("Round");
export const Relu: Unary = unary("Relu");
export const HardSwish: Unary = unary("HardSwish");
export const Not: Unary = unary("Not");

export const LeakyRelu = (x: Value, alpha = 0.01): Value => emit("LeakyRelu", [x], { alpha });
export const Elu = (x: Value, alpha = 1): Value => emit("Elu", [x], { alpha });
export const HardSigmoid = (
  x: Value,
  attributes: { readonly alpha?: number; readonly beta?: number } = {},
): Value => emit("HardSigmoid", [x], attributes);
export const PRelu = (x: Value, slope: Operand): Value => emit("PRelu", promote("PRelu", [x, slope]));

export const Add: Binary = binary("Add");
export const Sub: Binary = binary("Sub");
export const Mul: Binary = binary("Mul");
export const Div: Binary = binary("Div");
export const Pow: Binary = binary("Pow");
export const Mod = (a: Operand, b: Operand, attributes: { readonly fmod?: number } = {}): Value =>
  emit("Mod", promote("Mod", [a, b]), attributes);
/**
 * Operands that are equal share the gradient, as in torch.maximum; `Relu` and `Clip` have their own rules.
 */
export const Max: (...values: readonly Operand[]) => Value = variadic("Max");
export const Min: (...values: readonly Operand[]) => Value = variadic("Min");
export const Sum: (...values: readonly Operand[]) => Value = variadic("Sum");
export const Mean: (...values: readonly Operand[]) => Value = variadic("Mean");

export const Equal: Binary = binary("Equal");
export const Greater: Binary = binary("Greater");
export const Less: Binary = binary("Less");
export const GreaterOrEqual: Binary = binary("GreaterOrEqual");
export const LessOrEqual: Binary = binary("LessOrEqual");
export const And: Binary = binary("And");
export const Or: Binary = binary("Or");
export const Xor: Binary = binary("Xor");

/**
 * Returns `a` where `condition` holds, else `b`; numbers take the other branch's type, float32 when both are
 * numbers.
 */
export function Where(condition: Value, a: Operand, b: Operand): Value {
  const type = [a, b].find((operand) => typeof operand === "object")?.type ?? "float32";
  const [yes, no] = [a, b].map((operand) =>
    typeof operand === "object" ? operand : scalar(condition.graph, type, operand),
  );
  return emit("Where", [condition, yes, no]);
}

export function Clip(x: Value, min?: Operand, max?: Operand): Value {
  const bound = (operand: Operand | undefined): Value | undefined =>
    typeof operand === "number" ? scalar(graphOf("Clip", [x]), x.type, operand) : operand;
  const bounds = [bound(min), bound(max)];
  return emit("Clip", [x, ...(bounds[1] === undefined ? bounds.slice(0, 1) : bounds)]);
}

export const Cast = (x: Value, type: DataType): Value => emit("Cast", [x], { to: onnxTypes[type] });

/** Returns the value itself; gradients do not flow through it. */
export const StopGradient = (x: Value): Value => emitAll("StopGradient", [x], {}, { domain: composite })[0]!;
