import { type Graph, ops, type Value } from "@pixelcal/graph";

/** Smallest number that a logarithm is taken of: float32 holds it with all its bits. */
const tiny = 1e-37;

/** Adds a constant of float32 numbers. */
export const numbers = (graph: Graph, values: Iterable<number>, dims: readonly number[]): Value =>
  graph.constant({ type: "float32", dims, data: Float32Array.from(values) });

/** Adds one number a class, [1, C, 1, ...], for values of the rank of `like`. */
export const perClass = ({ graph, dims }: Value, values: Iterable<number>): Value => {
  const list = [...values];
  return numbers(graph, list, [1, list.length, ...dims.slice(2).map(() => 1)]);
};

export const safeLog = (x: Value): Value => ops.Log(ops.Max(x, tiny));

/** Subtracts the mean over the classes. */
export const centred = (z: Value): Value => ops.Sub(z, ops.ReduceMean(z, [1]));

/** Logits less their maximum, their exponentials and the sum of those. */
export interface Exponentials {
  readonly shifted: Value;
  readonly exponentials: Value;
  readonly sum: Value;
}

// Written out: below set 13 ONNX's Softmax is one over all later axes.
export function exponentialsOf(z: Value): Exponentials {
  const shifted = ops.Sub(z, ops.ReduceMax(z, [1]));
  const exponentials = ops.Exp(shifted);
  return { shifted, exponentials, sum: ops.ReduceSum(exponentials, [1]) };
}

export function probabilitiesOf(z: Value): Value {
  const { exponentials, sum } = exponentialsOf(z);
  return ops.Div(exponentials, sum);
}

export function logProbabilitiesOf(z: Value): Value {
  const { shifted, sum } = exponentialsOf(z);
  return ops.Sub(shifted, ops.Log(sum));
}

/** Returns the logarithm of the entropy, [N, 1, ...spatial]. */
export function logEntropyOf({ shifted, exponentials, sum }: Exponentials): Value {
  return safeLog(entropyOf({ shifted, exponentials, sum }));
}

export function entropyOf({ shifted, exponentials, sum }: Exponentials): Value {
  const mean = ops.Div(ops.ReduceSum(ops.Mul(exponentials, shifted), [1]), sum);
  return ops.Sub(ops.Log(sum), mean);
}

/** Multiplies the vector of classes of every pixel by a matrix [C][C] and adds a vector. */
export function linear(z: Value, weights: readonly (readonly number[])[], shifts?: readonly number[]): Value {
  const { graph, dims } = z;
  const [rows, columns] = [weights.length, weights[0]!.length];
  const kernel = numbers(graph, weights.flat(), [rows, columns, ...dims.slice(2).map(() => 1)]);
  return ops.Conv(z, kernel, shifts && numbers(graph, shifts, [rows]));
}

/** Logarithms of p and of 1 - p of every class: the second from the others' sum, as 1 - p cancels. */
export interface LogOdds {
  readonly logP: Value;
  readonly logNotP: Value;
}

export function logOddsOf(z: Value): LogOdds {
  const { shifted, exponentials, sum } = exponentialsOf(z);
  const classes = z.dims[1]!;
  const others = Array.from({ length: classes }, (_, row) =>
    Array.from({ length: classes }, (_, column) => Number(row !== column)),
  );
  const logSum = ops.Log(sum);
  return {
    logP: ops.Sub(shifted, logSum),
    logNotP: ops.Sub(safeLog(linear(exponentials, others)), logSum),
  };
}

const classNumbers = (z: Value): Value =>
  perClass(
    z,
    Array.from({ length: z.dims[1]! }, (_, c) => c),
  );

// Masks are floats, as a layout that webgpu prefers for convolutions could not turn booleans.
export const asNumber = (condition: Value): Value => ops.Cast(condition, "float32");

/**
 * Returns the label of every pixel as a number, [N, 1, ...spatial]: the first class of the largest value.
 * ArgMax would make it an int64, which webgpu cannot turn into floats.
 */
export function labelsOf(z: Value): Value {
  const below = asNumber(ops.Less(z, ops.ReduceMax(z, [1])));
  return ops.ReduceMin(ops.Add(ops.Mul(below, z.dims[1]!), classNumbers(z)), [1]);
}

/** Returns 1 where a class is the label and 0 elsewhere, [N, C, ...spatial]. */
export const isLabel = (z: Value, labels: Value): Value =>
  asNumber(ops.Less(ops.Abs(ops.Sub(labels, classNumbers(z))), 0.5));

/** The steps by which a value is raised above another, so that a softmax in its precision shows it. */
interface Steps {
  readonly relative: number;
  readonly absolute: number;
}

const single: Steps = { relative: 2 ** -22, absolute: 1e-6 };
const half: Steps = { relative: 2 ** -9, absolute: 2 ** -14 };

const stepOf = (x: Value, { relative, absolute }: Steps): Value =>
  ops.Add(ops.Mul(ops.Abs(x), relative), absolute);

/**
 * Raises the label's value above all others, where it already is the largest or equal to it: for values that
 * were made from logits by something that never falls with them, which rounding can make equal.
 */
export const raised = (u: Value, label: Value): Value => ops.Add(u, ops.Mul(label, stepOf(u, single)));

/** Raises the label's value above all others wherever it is not. */
export function kept(u: Value, label: Value, steps: Steps = single): Value {
  const others = largestOther(u, label);
  return raisedTo(u, label, ops.Add(others, stepOf(others, steps)));
}

/** Raises the label's value to `least` where it is below. */
export const raisedTo = (u: Value, label: Value, least: Value): Value =>
  ops.Add(u, ops.Mul(label, ops.Max(ops.Sub(least, u), 0)));

/** Rounds values to 16 bits, the label's above all others. */
export function keptInHalves(u: Value, label: Value): Value {
  const rounded = ops.Cast(ops.Cast(u, "float16"), "float32");
  return ops.Cast(kept(rounded, label, half), "float16");
}

/** Returns the largest value among the classes that are not the label, [N, 1, ...spatial]. */
export const largestOther = (z: Value, label: Value): Value =>
  ops.ReduceMax(ops.Sub(z, ops.Mul(label, 1e30)), [1]);
