import { contractAxis } from "../ops/contract.js";
import * as ops from "../ops.js";
import { resizeMatrix } from "../resize-matrix.js";
import { type ResizedAxis, resizedAxes } from "../shapes/resize.js";
import { sizeOf } from "../shapes/spec.js";
import type { GradientRule } from "./rule.js";

/** Whether a matrix repeats every input `output / input` times. */
function repeats(matrix: Float64Array, { input, output }: ResizedAxis): boolean {
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
      const matrices = axes.map((axis) => resizeMatrix(node, axis));
      const factors = axes.slice(2).map(({ input, output }) => output / input);
      const spatial =
        x.dims.length >= 3 && x.dims.length <= 5 && axes.slice(0, 2).every((a) => a.input === a.output);
      if (spatial && axes.every((axis, index) => repeats(matrices[index]!, axis))) {
        const mean = ops.AveragePool(dy, { kernel_shape: factors, strides: factors });
        return ops.Mul(mean, sizeOf(factors));
      }
      let value = dy;
      // The last axis first: it is the one that shrinks the rest of the work for upsampling.
      for (const { axis, input, output, scale } of axes.toReversed()) {
        if (input !== output || scale !== 1) value = contractAxis(value, axis, matrices[axis]!, input);
      }
      return value;
    },
  ],
};
