import { isFloat } from "../data-types.js";
import { GraphError, graphError, UnsupportedOpError } from "../errors.js";
import { type Node, opKey, type Value } from "../ir.js";
import { zerosLike } from "../operators/movement.js";
import { scalar } from "../operators/operand.js";
import * as ops from "../operators/ops.js";
import { sameDims, sizeOf } from "../operators/spec.js";
import { convolutionRules } from "./convolution.js";
import { elementwiseRules } from "./elementwise.js";
import { indexingRules } from "./indexing.js";
import { matmulRules } from "./matmul.js";
import { movementRules } from "./movement.js";
import { normalizationRules } from "./normalization.js";
import { poolingRules } from "./pooling.js";
import { reductionRules } from "./reduction.js";
import { resizeRules } from "./resize.js";
import { type Backward, type GradientRule, noGradient } from "./rule.js";
import { slicingRules } from "./slicing.js";

/**
 * The gradient rule of every operator. `noGradient` stands for operators whose
 * gradient is zero or has no meaning.
 */
export const gradientRules: Readonly<Record<string, GradientRule>> = {
  ...elementwiseRules,
  ...reductionRules,
  ...movementRules,
  ...slicingRules,
  ...indexingRules,
  ...matmulRules,
  ...convolutionRules,
  ...poolingRules,
  ...normalizationRules,
  ...resizeRules,
  "pixelcal.StopGradient": noGradient,
};

/** Returns the gradient rule of a node's operator; undefined where it has none. */
export const ruleOf = (node: Node): GradientRule | undefined =>
  Object.hasOwn(gradientRules, opKey(node)) ? gradientRules[opKey(node)] : undefined;

/**
 * Adds to the graph the gradients of a loss of one element by each value of `of`, in their shapes (reverse
 * mode), and returns them. Values that the loss does not depend on get zeros. Throws `UnsupportedOpError`
 * with every operator on the way that has no rule.
 */
export function gradients(loss: Value, of: readonly Value[]): Value[] {
  const { graph } = loss;
  if (sizeOf(loss.dims) !== 1) throw graphError(loss.name, "a loss of one element", loss.dims);
  for (const value of [loss, ...of]) {
    if (value.graph !== graph) throw new GraphError(value.name, "belongs to a different graph than the loss");
    if (!isFloat(value.type)) throw graphError(value.name, "a value of a float type", value.type);
  }
  const path = pathBetween(loss, of);
  const missing = path.filter((node) => ruleOf(node) === undefined).map(opKey);
  if (missing.length > 0) throw new UnsupportedOpError(missing, `${graph.name}: no gradient rule for`);

  const active = new Set<Value>([...of, ...path.flatMap((node) => node.outputs)]);
  const sums = new Map<Value, Value>();
  const add = (value: Value, gradient: Value): void => {
    const sum = sums.get(value);
    sums.set(value, sum === undefined ? gradient : ops.Add(sum, gradient));
  };
  add(loss, ops.Reshape(scalar(graph, loss.type, 1), loss.dims));
  for (const node of path.toReversed()) {
    graph.scope(`${node.name}_grad`, () => {
      const dys = node.outputs.map((output) => sums.get(output));
      if (dys.every((dy) => dy === undefined)) return;
      const inputGradients = ruleOf(node)!(backward(node, dys));
      for (const [index, input] of node.inputs.entries()) {
        const build = inputGradients[index];
        if (input === undefined || !active.has(input) || build === undefined) continue;
        add(input, unbroadcast(build(), input, node));
      }
    });
  }
  return of.map((value) => {
    const sum = sums.get(value);
    return sum === undefined ? zerosLike(value) : expand(sum, value.dims);
  });
}

/** Returns the nodes on the way from `of` to the loss, in topological order. */
function pathBetween(loss: Value, of: readonly Value[]): Node[] {
  const needed = new Set<Value>();
  const wanted = [loss];
  for (let value = wanted.pop(); value !== undefined; value = wanted.pop()) {
    if (needed.has(value)) continue;
    needed.add(value);
    for (const input of value.node?.inputs ?? []) if (input !== undefined) wanted.push(input);
  }
  const reached = new Set(of);
  return loss.graph.nodes.filter((node) => {
    const on =
      ruleOf(node) !== noGradient &&
      node.outputs.some((output) => needed.has(output)) &&
      node.inputs.some((input) => input !== undefined && reached.has(input));
    if (on) for (const output of node.outputs) if (isFloat(output.type)) reached.add(output);
    return on;
  });
}

function backward(node: Node, dys: readonly (Value | undefined)[]): Backward {
  const y = node.outputs[0]!;
  return {
    node,
    inputs: node.inputs as readonly Value[],
    x: node.inputs[0]!,
    y,
    get dys() {
      return dys.map((dy, index) => dy && expand(dy, node.outputs[index]!.dims));
    },
    get dy() {
      return dys[0] === undefined ? zerosLike(y) : expand(dys[0], y.dims);
    },
    get g() {
      return dys[0] ?? zerosLike(y);
    },
  };
}

const expand = (value: Value, dims: readonly number[]): Value =>
  sameDims(value.dims, dims) ? value : ops.Expand(value, dims);

/**
 * Turns a gradient into one that broadcasts to `input`: sums over the axes along which the node repeated the
 * input. For an elementwise node, the gradient may itself be one that only broadcasts to the shape of the
 * node's output.
 */
function unbroadcast(gradient: Value, input: Value, node: Node): Value {
  const full = Object.hasOwn(elementwiseRules, opKey(node)) ? node.outputs[0]!.dims : gradient.dims;
  const rank = Math.max(full.length, gradient.dims.length);
  const axes: number[] = [];
  let repeats = 1;
  for (let axis = 0; axis < rank; axis++) {
    const own = input.dims[axis - rank + input.dims.length] ?? 1;
    const size = full[axis - rank + full.length] ?? 1;
    if (own !== 1 || size === 1) continue;
    const at = axis - rank + gradient.dims.length;
    if ((gradient.dims[at] ?? 1) === 1) repeats *= size;
    else axes.push(at);
  }
  let sum = axes.length === 0 ? gradient : ops.ReduceSum(gradient, axes);
  if (repeats !== 1) sum = ops.Mul(sum, repeats);
  // Axes in front that the input lacks have size 1 by now.
  const extra = sum.dims.length - input.dims.length;
  return extra > 0 ? ops.Reshape(sum, sum.dims.slice(extra)) : sum;
}
