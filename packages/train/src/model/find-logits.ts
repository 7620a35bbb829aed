import { type Node, toNumbers, type Value } from "@pixelcal/graph";

/** The activation that an output ends with, and its input. */
export type Activation = "none" | "softmax" | "log-softmax" | "sigmoid";

export interface FoundActivation {
  readonly activation: Activation;
  readonly logits: Value;
  /** The axis that a softmax is taken over, from the front. */
  readonly axis?: number;
}

type Finder = (node: Node) => FoundActivation | undefined;

const nodeOf = (value: Value | undefined, opType: string): Node | undefined =>
  value?.node?.opType === opType ? value.node : undefined;

/** Returns the operand of a node of this operator. */
const under = (value: Value | undefined, opType: string): Value | undefined =>
  nodeOf(value, opType)?.inputs[0];

/** Returns the elements of a constant. */
function constantOf(value: Value | undefined): readonly number[] | undefined {
  const tensor = value?.graph.tensor(value);
  return tensor && Array.from(toNumbers(tensor));
}

const isOne = (value: Value | undefined): boolean => constantOf(value)?.join() === "1";

/** Returns the one axis of a reduction that keeps its dims. */
function reducedAxis({ inputs, attributes, outputs }: Node): number | undefined {
  const axes = constantOf(inputs[1]);
  if (axes?.length !== 1 || attributes.keepdims === 0) return undefined;
  return axes[0]! < 0 ? axes[0]! + outputs[0]!.dims.length : axes[0]!;
}

/** Returns the operand from which a numerically safe softmax subtracts its maximum. */
function unshifted(value: Value, axis: number): Value {
  const [x, most] = nodeOf(value, "Sub")?.inputs ?? [];
  const largest = nodeOf(most, "ReduceMax");
  return x !== undefined && largest?.inputs[0] === x && reducedAxis(largest) === axis ? x : value;
}

/** Matches a softmax written as exponentials over their sum. */
function quotient(above: Value | undefined, below: Value | undefined): FoundActivation | undefined {
  const exponent = under(above, "Exp");
  const sum = nodeOf(below, "ReduceSum");
  if (exponent === undefined || sum === undefined || under(sum.inputs[0], "Exp") !== exponent)
    return undefined;
  const axis = reducedAxis(sum);
  return axis === undefined ? undefined : { activation: "softmax", logits: unshifted(exponent, axis), axis };
}

/** Matches a sigmoid written as exp(x) / (1 + exp(x)); returns x. */
function overOneMore(above: Value | undefined, below: Value | undefined): FoundActivation | undefined {
  const logits = under(above, "Exp");
  const [a, b] = nodeOf(below, "Add")?.inputs ?? [];
  const added = isOne(a) ? b : isOne(b) ? a : undefined;
  return logits !== undefined && under(added, "Exp") === logits
    ? { activation: "sigmoid", logits }
    : undefined;
}

/** Matches 1 + exp(-x), the denominator of a sigmoid; returns x. */
function sigmoidOf(value: Value | undefined): FoundActivation | undefined {
  const [a, b] = nodeOf(value, "Add")?.inputs ?? [];
  const logits = under(under(isOne(a) ? b : isOne(b) ? a : undefined, "Exp"), "Neg");
  return logits && { activation: "sigmoid", logits };
}

/** Matches a log-softmax written as x minus the logarithm of the sum of exponentials. */
function lessLogSum(x: Value | undefined, less: Value | undefined): FoundActivation | undefined {
  const sum = nodeOf(under(less, "Log"), "ReduceSum");
  const reduced = sum ?? nodeOf(less, "ReduceLogSumExp");
  const summed = sum === undefined ? reduced?.inputs[0] : under(sum.inputs[0], "Exp");
  const axis = reduced && reducedAxis(reduced);
  if (x === undefined || summed !== x || axis === undefined) return undefined;
  return { activation: "log-softmax", logits: unshifted(x, axis), axis };
}

const own =
  (activation: Activation): Finder =>
  ({ inputs: [logits], attributes, outputs }) => {
    if (activation === "sigmoid") return { activation, logits: logits! };
    const axis = typeof attributes.axis === "number" ? attributes.axis : -1;
    return { activation, logits: logits!, axis: axis < 0 ? axis + outputs[0]!.dims.length : axis };
  };

/** Matchers by the last operator of an activation that an exporter wrote in several operators. */
const finders: Readonly<Record<string, Finder>> = {
  Softmax: own("softmax"),
  LogSoftmax: own("log-softmax"),
  Sigmoid: own("sigmoid"),
  Div: ({ inputs: [above, below] }) =>
    isOne(above) ? sigmoidOf(below) : (quotient(above, below) ?? overOneMore(above, below)),
  Mul: ({ inputs: [a, b] }) => quotient(a, under(b, "Reciprocal")) ?? quotient(b, under(a, "Reciprocal")),
  Reciprocal: ({ inputs: [below] }) => sigmoidOf(below),
  Log: ({ inputs: [probs] }) => within(probs, "Log", "softmax", "log-softmax"),
  Exp: ({ inputs: [logs] }) => within(logs, "Exp", "log-softmax", "softmax"),
  Sub: ({ inputs: [x, less] }) => lessLogSum(x, less),
};

/** Matches the activation `to` where it is the operator `opType` applied to the activation `from`. */
function within(
  value: Value | undefined,
  opType: string,
  from: Activation,
  to: Activation,
): FoundActivation | undefined {
  // An operator on itself is neither, however long the chain is.
  if (value === undefined || value.node?.opType === opType) return undefined;
  const found = activationAt(value);
  return found?.activation === from ? { ...found, activation: to } : undefined;
}

/** Returns the activation whose result a value is, if any. */
export function activationAt({ node }: Value): FoundActivation | undefined {
  return node && Object.hasOwn(finders, node.opType) ? finders[node.opType]!(node) : undefined;
}
