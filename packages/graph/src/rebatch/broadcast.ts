import type { Value } from "../ir.js";
import { Reshape } from "../operators/movement.js";

import {
  again,
  hasSamples,
  longer,
  movedTo,
  type Operand,
  type Rule,
  repeated,
  type Samples,
  spread,
} from "./samples.js";

const ones = (count: number): number[] => Array<number>(count).fill(1);

/** Returns an operand whose samples, if it has any, are along the axis of a result of these dims. */
export function aligned(operand: Operand, axis: number, dims: readonly number[], count: number): Value {
  const missing = dims.length - operand.dims.length;
  const own = axis - missing;
  if (!hasSamples(operand))
    return own < 0 || operand.dims[own] === 1 ? operand.value : repeated(operand, own, count);
  const ranked = own < 0 ? withRank(operand, missing) : operand;
  const at = own < 0 ? axis : own;
  const moved = { ...ranked, value: movedTo(ranked, at, count), axis: at };
  return ranked.dims[at] === dims[axis] ? moved.value : spread(moved, dims[axis]!, count);
}

const withRank = ({ value, dims, axis }: Samples, missing: number): Samples => ({
  value: Reshape(value, [...ones(missing), ...value.dims]),
  dims: [...ones(missing), ...dims],
  axis: axis + missing,
});

/** Operators that work element by element on operands that broadcast. */
export const elementwise: Rule = (visit) => {
  const { node, operands, count } = visit;
  const { dims } = node.outputs[0]!;
  const samples = operands.filter(hasSamples);
  const place = (one: Samples): number => one.axis + dims.length - one.dims.length;
  const axis = place(samples.find((one) => one.dims[one.axis] === dims[place(one)]) ?? samples[0]!);
  return {
    values: again(
      visit,
      operands.map((one) => one && aligned(one, axis, dims, count)),
    ),
    axis,
  };
};

export const matmul: Rule = (visit) => {
  const [a, b] = visit.operands as [Operand, Operand];
  const { dims } = visit.node.outputs[0]!;
  const [rankA, rankB, rank] = [a.dims.length, b.dims.length, dims.length];
  const { count } = visit;
  if (rankA < 2 || rankB < 2) return undefined;
  const stacked = (one: Operand): one is Samples => hasSamples(one) && one.axis < one.dims.length - 2;
  if (hasSamples(a) && hasSamples(b) && !(stacked(a) && stacked(b))) return bySample(visit, a, b);
  const stack = stacked(a) ? a : stacked(b) ? b : undefined;
  if (stack !== undefined) {
    const axis = stack.axis + rank - stack.dims.length;
    return {
      values: again(
        visit,
        [a, b].map((one) => aligned(one, axis, dims, count)),
      ),
      axis,
    };
  }
  if (hasSamples(a)) return { values: again(visit, [movedTo(a, rankA - 2, count), b.value]), axis: rank - 2 };
  return { values: again(visit, [a.value, movedTo(b as Samples, rankB - 1, count)]), axis: rank - 1 };
};

/** Multiplies matrices of which both differ by sample: the samples become an axis of their own. */
const bySample = (visit: Parameters<Rule>[0], a: Samples, b: Samples): ReturnType<Rule> => {
  const { node, count } = visit;
  const { dims } = node.outputs[0]!;
  const apart = (one: Samples): Value =>
    Reshape(movedTo(one, 0, count), [count, ...ones(dims.length - one.dims.length), ...one.dims]);
  const [value] = again(visit, [apart(a), apart(b)]);
  return { values: [Reshape(value!, longer(dims, 0, count))], axis: 0 };
};
