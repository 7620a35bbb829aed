import { GraphError } from "../errors.js";
import type { Node, Value } from "../ir.js";
import * as ops from "../operators/ops.js";

/**
 * The node a gradient rule differentiates, and its values. A `d` before a name
 * means the loss's gradient by it.
 */
export interface Backward {
  readonly node: Node;
  /** The node's inputs; optional ones that are left out are undefined, whatever the type says. */
  readonly inputs: readonly Value[];
  readonly x: Value;
  readonly y: Value;
  /** The gradient of `y`, in y's shape. */
  readonly dy: Value;
  /** The gradient of `y` in a shape that broadcasts to y's: enough for elementwise rules, and smaller. */
  readonly g: Value;
  /** The gradients of all outputs; undefined for those the loss does not depend on. */
  readonly dys: readonly (Value | undefined)[];
}

/** Builds the gradient of one input. It is only called when that gradient is needed. */
type InputGradient = () => Value;

/**
 * The gradient of each input in order; undefined where there is none. A gradient may have a shape
 * that broadcasts to the input's. Rules of the elementwise family ignore broadcasting: the walker
 * sums over what was broadcast.
 */
export type GradientRule = (backward: Backward) => readonly (InputGradient | undefined)[];

/** The rule of operators that are constant almost everywhere or return no floats. */
export const noGradient: GradientRule = () => [];

/** Returns 1 where the condition holds, else 0, in the type of `like`. */
export const indicator = (condition: Value, like: Value): Value => ops.Cast(condition, like.type);

/** Fails when the loss depends on an output whose gradient no rule knows. */
export function onlyFirst({ node, dys }: Backward): void {
  if (dys.slice(1).some((dy) => dy !== undefined)) {
    throw new GraphError(node.name, `no gradient for outputs of ${node.opType} after the first`);
  }
}
