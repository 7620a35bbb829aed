import { numberOf } from "../attributes.js";
import { graphError } from "../errors.js";
import type { Value } from "../ir.js";
import { emit, type Operand, promote } from "./operand.js";
import { broadcastDims, required, requireRank, requireType, type ShapeRule, sameDims } from "./spec.js";

export const matmulShapes: Readonly<Record<string, ShapeRule>> = {
  MatMul: (spec) => {
    const [a, b] = [required(spec, 0), required(spec, 1)];
    requireType(spec, b, a.type);
    requireRank(spec, a, 1, 8);
    requireRank(spec, b, 1, 8);
    const left = a.dims.length === 1 ? [1, ...a.dims] : a.dims;
    const right = b.dims.length === 1 ? [...b.dims, 1] : b.dims;
    if (left.at(-1) !== right.at(-2)) {
      throw graphError(
        spec.name,
        "inner sizes that agree",
        `[${a.dims.join(", ")}] x [${b.dims.join(", ")}]`,
      );
    }
    const batch = broadcastDims(spec, left.slice(0, -2), right.slice(0, -2));
    const rows = a.dims.length === 1 ? [] : [left.at(-2)!];
    const columns = b.dims.length === 1 ? [] : [right.at(-1)!];
    return [{ type: a.type, dims: [...batch, ...rows, ...columns] }];
  },
  Gemm: (spec) => {
    const [a, b] = [required(spec, 0), required(spec, 1)];
    requireType(spec, b, a.type);
    requireRank(spec, a, 2, 2);
    requireRank(spec, b, 2, 2);
    const [rows, inner] = numberOf(spec, "transA", 0) ? a.dims.toReversed() : a.dims;
    const [other, columns] = numberOf(spec, "transB", 0) ? b.dims.toReversed() : b.dims;
    if (inner !== other) throw graphError(spec.name, `an inner size of ${inner}`, other);
    const dims = [rows!, columns!];
    const c = spec.inputs[2];
    if (c !== undefined && !sameDims(broadcastDims(spec, dims, c.dims), dims)) {
      throw graphError(spec.name, `${c.name} that broadcasts to [${dims.join(", ")}]`, c.dims);
    }
    return [{ type: a.type, dims }];
  },
};

export const MatMul = (a: Value, b: Value): Value => emit("MatMul", [a, b]);

export const Gemm = (
  a: Value,
  b: Value,
  c?: Operand,
  attributes: {
    readonly alpha?: number;
    readonly beta?: number;
    readonly transA?: number;
    readonly transB?: number;
  } = {},
): Value => emit("Gemm", c === undefined ? [a, b] : promote("Gemm", [a, b, c]), attributes);
