import { numberOf } from "../attributes.js";
import { dataType, isFloat } from "../data-types.js";
import { graphError } from "../errors.js";
import type { NodeSpec, Value } from "../ir.js";
import { broadcastDims, requireDims, required, requireType, type ShapeRule, type ValueInfo } from "./spec.js";

const like = ({ type, dims }: Value): ValueInfo[] => [{ type, dims }];

const unary: ShapeRule = (spec) => like(required(spec, 0));

const floatUnary: ShapeRule = (spec) => {
  const x = required(spec, 0);
  if (!isFloat(x.type)) throw graphError(spec.name, `${x.name} of a float type`, x.type);
  return like(x);
};

const logicalUnary: ShapeRule = (spec) => {
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

const binary: ShapeRule = (spec) => {
  const [a, b] = operands(spec, 2) as [Value, Value];
  return [{ type: a.type, dims: broadcastDims(spec, a.dims, b.dims) }];
};

const comparison: ShapeRule = (spec) => [{ type: "bool", dims: binary(spec)[0]!.dims }];

const logical: ShapeRule = (spec) => {
  requireType(spec, required(spec, 0), "bool");
  return binary(spec);
};

const variadic: ShapeRule = (spec) => {
  const values = operands(spec);
  return [{ type: values[0]!.type, dims: broadcastDims(spec, ...values.map((value) => value.dims)) }];
};

export const elementwiseShapes: Readonly<Record<string, ShapeRule>> = {
  Identity: unary,
  Neg: unary,
  Abs: unary,
  Sign: unary,
  Relu: unary,
  Sqrt: floatUnary,
  Reciprocal: floatUnary,
  Exp: floatUnary,
  Log: floatUnary,
  Sin: floatUnary,
  Cos: floatUnary,
  Tanh: floatUnary,
  Sigmoid: floatUnary,
  Softplus: floatUnary,
  Softsign: floatUnary,
  Erf: floatUnary,
  Floor: floatUnary,
  Ceil: floatUnary,
  Round: floatUnary,
  LeakyRelu: floatUnary,
  Elu: floatUnary,
  HardSigmoid: floatUnary,
  HardSwish: floatUnary,
  Softmax: floatUnary,
  LogSoftmax: floatUnary,
  Not: logicalUnary,
  Add: binary,
  Sub: binary,
  Mul: binary,
  Div: binary,
  Mod: binary,
  Pow: (spec) => {
    const base = required(spec, 0);
    return [{ type: base.type, dims: broadcastDims(spec, base.dims, required(spec, 1).dims) }];
  },
  PRelu: (spec) => {
    const [x, slope] = operands(spec, 2) as [Value, Value];
    requireDims(spec, x, broadcastDims(spec, x.dims, slope.dims));
    return like(x);
  },
  Equal: comparison,
  Greater: comparison,
  Less: comparison,
  GreaterOrEqual: comparison,
  LessOrEqual: comparison,
  And: logical,
  Or: logical,
  Xor: logical,
  Max: variadic,
  Min: variadic,
  Sum: variadic,
  Mean: variadic,
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
