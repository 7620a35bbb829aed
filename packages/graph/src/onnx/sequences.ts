import { numberOf } from "../attributes.js";
import { GraphError, graphError } from "../errors.js";
import type { Value } from "../ir.js";
import * as ops from "../operators/ops.js";
import { mostPieces } from "../operators/slicing.js";
import { normalAxis } from "../operators/spec.js";
import { type Call, numbersAt } from "./call.js";

/**
 * Lists of values, by the names the model has for them. A graph has none: they are
 * taken apart while it is read.
 */
export type Sequences = Map<string, readonly Value[]>;

/** Operators on lists of which the number of values and the places are known. */
export const sequenceOperators: ReadonlySet<string> = new Set([
  "SplitToSequence",
  "SequenceConstruct",
  "SequenceAt",
  "ConcatFromSequence",
]);

/**
 * Returns the result of a call: a list for `SplitToSequence` and `SequenceConstruct`, a value for the others.
 */
export function sequenceResult(
  call: Call,
  sequences: Sequences,
  inputs: readonly string[],
): readonly Value[] | Value {
  if (call.opType === "SplitToSequence") return split(call);
  if (call.opType === "SequenceConstruct") {
    return call.operands.map((value, index) => {
      if (value !== undefined) return value;
      throw graphError(call.name, `a value at input ${index} of SequenceConstruct`, undefined);
    });
  }
  const list = sequences.get(inputs[0] ?? "");
  if (list === undefined) throw new GraphError(call.name, `${inputs[0]} is not a list of values`);
  if (call.opType === "SequenceAt") {
    const at = numbersAt(call, 1)?.[0] ?? Number.NaN;
    const value = list[at < 0 ? at + list.length : at];
    if (value === undefined) throw graphError(call.name, `a place among ${list.length} values`, at);
    return value;
  }
  if (list.length === 0) throw graphError(call.name, "a list of one or more values", "an empty list");
  const axis = numberOf(call, "axis");
  const rank = list[0]!.dims.length + numberOf(call, "new_axis", 0);
  const at = normalAxis(call, axis, rank);
  call.budget.nodes(call.name, list.length);
  return ops.Concat(
    rank === list[0]!.dims.length ? list : list.map((value) => ops.Unsqueeze(value, [at])),
    at,
  );
}

function split(call: Call): readonly Value[] {
  const x = call.operands[0];
  if (x === undefined) throw graphError(call.name, "a value to split", undefined);
  const axis = normalAxis(call, numberOf(call, "axis", 0), x.dims.length);
  const size = x.dims[axis]!;
  const sizes = call.operands[1];
  const given = numbersAt(call, 1);
  const list = sizes?.dims.length === 1 ? given! : evenPieces(call, size, given?.[0] ?? 1);
  if (list.length > mostPieces) throw graphError(call.name, `at most ${mostPieces} pieces`, list.length);
  if (list.reduce((sum, part) => sum + part, 0) !== size)
    throw graphError(call.name, `pieces of ${size} in all`, list);
  call.budget.nodes(call.name, 2 * list.length);
  const parts = list.length === 1 ? [x] : ops.Split(x, list, axis);
  const drops = sizes === undefined && numberOf(call, "keepdims", 1) === 0;
  return drops ? parts.map((part) => ops.Squeeze(part, [axis])) : parts;
}

/** Returns the sizes of pieces of `each` elements, the last of which may be smaller. */
function evenPieces({ name }: Call, size: number, each: number): readonly number[] {
  if (!(each >= 1 && size / each <= mostPieces))
    throw graphError(name, `1 to ${mostPieces} pieces`, `${size} elements by ${each}`);
  return Array.from({ length: Math.ceil(size / each) }, (_, i) => Math.min(each, size - i * each));
}
