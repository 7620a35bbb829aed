import type { Attribute, Graph, Value } from "../ir.js";
import { staticNumbers } from "../operators/spec.js";
import type { Budget } from "./budget.js";

/** A node of a model on its way into the graph. */
export interface Call {
  readonly name: string;
  readonly opType: string;
  readonly operands: readonly (Value | undefined)[];
  readonly attributes: Readonly<Record<string, Attribute>>;
  /** The number of outputs. */
  readonly outputs: number;
  /** The model's operator set. */
  readonly version: number;
  readonly graph: Graph;
  readonly budget: Budget;
}

/**
 * Returns the numbers of an operand that must be known while the graph is built; undefined when it is left
 * out.
 */
export const numbersAt = (call: Call, index: number): readonly number[] | undefined =>
  staticNumbers({ ...call, inputs: call.operands }, index);

/** Returns `call` without the named attributes. */
export function withoutAttributes(call: Call, ...names: readonly string[]): Call {
  const left = Object.entries(call.attributes).filter(([name]) => !names.includes(name));
  return { ...call, attributes: Object.fromEntries(left) };
}
