import { numberOf } from "../attributes.js";
import type { Value } from "../ir.js";
import * as ops from "../operators/ops.js";
import type { GradientRule } from "./rule.js";

/** Swaps the last two axes. */
const turned = (x: Value): Value => {
  const axes = x.dims.map((_, axis) => axis);
  const last = axes.length - 1;
  return ops.Transpose(x, [...axes.slice(0, -2), last, last - 1]);
};

export const matmulRules: Readonly<Record<string, GradientRule>> = {
  // The walker sums over batch axes that were broadcast.
  MatMul: ({ inputs: [a, b], dy }) => {
    const left = a!.dims.length === 1 ? ops.Unsqueeze(a!, [0]) : a!;
    const right = b!.dims.length === 1 ? ops.Unsqueeze(b!, [1]) : b!;
    const batch = dy.dims.slice(0, Math.max(left.dims.length, right.dims.length) - 2);
    const rows = left.dims.at(-2)!;
    const columns = right.dims.at(-1)!;
    const full = ops.Reshape(dy, [...batch, rows, columns]);
    const shared = right.dims.length === 2 && left.dims.length > 2;
    const flat = (x: Value, width: number): Value => ops.Reshape(x, [-1, width]);
    return [
      () => {
        const da = ops.MatMul(full, turned(right));
        return a!.dims.length === 1 ? ops.Reshape(da, [...batch, left.dims.at(-1)!]) : da;
      },
      () => {
        const db = shared
          ? ops.MatMul(turned(flat(left, left.dims.at(-1)!)), flat(full, columns))
          : ops.MatMul(turned(left), full);
        return b!.dims.length === 1 ? ops.Reshape(db, db.dims.slice(0, -1)) : db;
      },
    ];
  },
  Gemm: ({ node, inputs: [a, b], dy }) => {
    const [transA, transB] = [numberOf(node, "transA", 0), numberOf(node, "transB", 0)];
    const [alpha, beta] = [numberOf(node, "alpha", 1), numberOf(node, "beta", 1)];
    return [
      () =>
        transA
          ? ops.Gemm(b!, dy, undefined, { alpha, transA: transB, transB: 1 })
          : ops.Gemm(dy, b!, undefined, { alpha, transB: 1 - transB }),
      () =>
        transB
          ? ops.Gemm(dy, a!, undefined, { alpha, transA: 1, transB: transA })
          : ops.Gemm(a!, dy, undefined, { alpha, transA: 1 - transA }),
      () => (beta === 1 ? dy : ops.Mul(dy, beta)),
    ];
  },
};
