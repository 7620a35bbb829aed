import type { DataType } from "@pixelcal/core";
import { onnxTypes } from "../data-types.js";
import type { Value } from "../ir.js";
import { composite } from "../operators/composite.js";
import { emit, emitAll, graphOf, type Operand, promote, scalar } from "../operators/operand.js";

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
/** Operands that are equal share the gradient, as in torch.maximum; `Relu` and `Clip` have their own rules. */
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

/** `a` where `condition` holds, else `b`; numbers take the other branch's type, float32 when both are numbers. */
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

/** The value itself; gradients do not flow through it. */
export const StopGradient = (x: Value): Value => emitAll("StopGradient", [x], {}, { domain: composite })[0]!;
