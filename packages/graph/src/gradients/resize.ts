import { contractAxis } from "../operators/contract-axis.js";
import * as ops from "../operators/ops.js";
import { isKept, resizedAxes } from "../operators/resize.js";
import { type ResizedAxis, resizeMatrix } from "../operators/resize-matrix.js";
import { sizeOf } from "../operators/spec.js";
import type { GradientRule } from "./rule.js";

/**
 * Whether a matrix, undefined for an axis that keeps its size, repeats every input `output / input` times.
 */
function repeats(matrix: Float64Array | undefined, { input, output }: ResizedAxis): boolean {
  if (matrix === undefined) return true;
  const each = output / input;
  return (
    Number.isInteger(each) &&
    matrix.every((weight, at) => weight === Number(Math.floor(Math.floor(at / input) / each) === at % input))
  );
}

export const resizeRules: Readonly<Record<string, GradientRule>> = {
  Resize: ({ node, x, dy }) => [
    () => {
      const axes = resizedAxes(node);
      const matrices = axes.map((axis) => (isKept(axis) ? undefined : resizeMatrix(node, axis)));
      const factors = axes.slice(2).map(({ input, output }) => output / input);
      const spatial =
        x.dims.length >= 3 && x.dims.length <= 5 && axes.slice(0, 2).every((a) => a.input === a.output);
      if (spatial && axes.every((axis, index) => repeats(matrices[index], axis))) {
        const mean = ops.AveragePool(dy, { kernel_shape: factors, strides: factors });
        return ops.Mul(mean, sizeOf(factors));
      }
      let value = dy;
      // The last axis first: it is the one that shrinks the rest of the work for upsampling.
      for (const { axis, input } of axes.toReversed()) {
        const matrix = matrices[axis];
        if (matrix !== undefined) value = contractAxis(value, axis, matrix, input);
      }
      return value;
    },
  ],
};
