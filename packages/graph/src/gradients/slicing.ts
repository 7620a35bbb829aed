import { numberOf, textOf } from "../attributes.js";
import type { Value } from "../ir.js";
import { contractAxis } from "../operators/contract-axis.js";
import { dilate } from "../operators/dilate.js";
import { zerosLike } from "../operators/movement.js";
import * as ops from "../operators/ops.js";
import { paddedFrom } from "../operators/pad-source.js";
import { padding, sliceSteps, splitSizes } from "../operators/slicing.js";
import { normalAxis } from "../operators/spec.js";
import type { Backward, GradientRule } from "./rule.js";

const axisOf = ({ node, x }: Backward, otherwise?: number): number =>
  normalAxis(node, numberOf(node, "axis", otherwise), x.dims.length);

/** Returns zeros of x's shape with dy at the positions a Slice took. */
function unslice({ node, x, dy }: Backward): Value {
  let value = dy;
  const [before, after] = [x.dims.map(() => 0), x.dims.map(() => 0)];
  for (const { axis, start, step, count } of sliceSteps(node)) {
    if (count === 0) return zerosLike(x);
    if (step < 0) value = ops.Slice(value, [-1], [-1 - count], [axis], [-1]);
    value = dilate(value, [axis], [Math.abs(step)]);
    before[axis] = Math.min(start, start + (count - 1) * step);
    // Spreading may reach over the end; a negative pad cuts that off.
    after[axis] = x.dims[axis]! - before[axis]! - value.dims[axis]!;
  }
  return [...before, ...after].every((size) => size === 0) ? value : ops.Pad(value, [...before, ...after]);
}

function unpad({ node, x, dy }: Backward): Value {
  const { before, after } = padding(node);
  const mode = textOf(node, "mode", "constant");
  if (mode === "constant")
    return ops.Pad(
      dy,
      [...before, ...after].map((size) => -size),
    );
  let value = dy;
  for (const [axis, size] of x.dims.entries()) {
    if (before[axis] === 0 && after[axis] === 0) continue;
    const from = paddedFrom(mode, size, before[axis]!, after[axis]!);
    const matrix = new Float64Array(from.length * size);
    for (const [to, at] of from.entries()) matrix[to * size + at]! += 1;
    value = contractAxis(value, axis, matrix, size);
  }
  return value;
}

export const slicingRules: Readonly<Record<string, GradientRule>> = {
  Concat: (b) => {
    const axis = axisOf(b);
    let end = 0;
    return b.inputs.map((input) => {
      const start = end;
      end += input.dims[axis]!;
      const stop = end;
      return () => ops.Slice(b.dy, [start], [stop], [axis]);
    });
  },
  Split: (b) => [
    () => {
      const axis = axisOf(b, 0);
      const pieces = splitSizes(b.node, b.node.outputs.length).map(
        (_, index) => b.dys[index] ?? zerosLike(b.node.outputs[index]!),
      );
      return ops.Concat(pieces, axis);
    },
  ],
  Slice: (b) => [() => unslice(b)],
  Pad: (b) => [
    () => unpad(b),
    undefined,
    // The constant's gradient is what did not come from x.
    () =>
      ops.Sub(
        ops.ReduceSum(b.dy, undefined, { keepdims: 0 }),
        ops.ReduceSum(unpad(b), undefined, { keepdims: 0 }),
      ),
  ],
};
