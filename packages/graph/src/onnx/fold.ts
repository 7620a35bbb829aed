import type { Tensor } from "@pixelcal/core";
import { fromNumbers, isFloat, toNumbers } from "../data-types.js";
import { GraphError, graphError } from "../errors.js";
import { Graph } from "../graph.js";
import { interpret } from "../interpret/interpret.js";
import type { Value } from "../ir.js";
import { sizeOf } from "../operators/spec.js";
import type { Call } from "./call.js";

/** Whatever is larger stays in the graph, or is refused where it cannot: masks of windows have a million elements. */
const mostElements = 1 << 22;
/** The same for operators that do more work than they have elements. */
const mostElementsOfProducts = 1 << 14;

const products = /^(MatMul|Gemm|Einsum|Conv|ConvTranspose|.*Pool|Resize|GridSample|.*Normalization|LRN)$/;

/** Operators that exist only while their operands are known, as a graph has static shapes. */
const made: Readonly<Record<string, (call: Call, operands: readonly (Tensor | undefined)[]) => Tensor>> = {
  ConstantOfShape: ({ name, attributes: { value } }, [shape]) => {
    const dims = shape ? Array.from(toNumbers(shape)) : [];
    const count = limited(name, sizeOf(dims));
    const { type, data } = value === undefined ? fromNumbers("float32", [0], [1]) : (value as Tensor);
    const filled = new (data.constructor as new (length: number) => typeof data)(count);
    return { type, dims, data: filled.fill(data[0] as never) } as Tensor;
  },
  Range: ({ name }, tensors) => {
    const [start, limit, delta] = tensors.map((tensor) => (tensor ? toNumbers(tensor)[0] : Number.NaN));
    const count = limited(name, Math.max(0, Math.ceil((limit! - start!) / delta!)));
    const numbers = Array.from({ length: count }, (_, i) => start! + i * delta!);
    return fromNumbers(tensors[0]!.type, numbers, [count]);
  },
  NonZero: (_, [x]) => {
    const { dims } = x!;
    const places = Array.from(toNumbers(x!)).flatMap((value, at) => (value === 0 ? [] : [at]));
    const strides = dims.map((_, axis) => sizeOf(dims.slice(axis + 1)));
    const rows = dims.map((size, axis) => places.map((at) => Math.floor(at / strides[axis]!) % size));
    return fromNumbers("int64", rows.flat(), [dims.length, places.length]);
  },
};

export const foldedOperators: ReadonlySet<string> = new Set([...Object.keys(made), "Size"]);

function limited(name: string, count: number): number {
  if (count >= 0 && count <= mostElements) return count;
  throw graphError(name, `at most ${mostElements} elements`, count);
}

/** Sums what is folded, so that a model of many large constants is refused before memory is gone. */
export interface Budget {
  left: number;
}

/**
 * The outputs of a node that computes with shapes and constants, or undefined for all others. Exporters write sizes as
 * Shape, Gather, Concat and so on even where they are fixed. Weights are never folded: they may be trained.
 */
export function fold(
  call: Call,
  build: (call: Call) => readonly Value[],
  budget: Budget,
): readonly Tensor[] | undefined {
  const { name, opType, operands } = call;
  if (opType === "Shape" || opType === "Size") return [shapeOf(call)];
  const tensors = operands.map((operand) => operand && known(operand));
  const complete =
    operands.length > 0 && operands.every((operand, i) => operand === undefined || tensors[i] !== undefined);
  if (!complete) {
    if (!foldedOperators.has(opType)) return undefined;
    throw graphError(name, `constant operands of ${opType}`, "computed ones");
  }
  const maker = Object.hasOwn(made, opType) ? made[opType] : undefined;
  const results = maker === undefined ? evaluated(call, tensors, build) : [maker(call, tensors)];
  budget.left -= (results ?? []).reduce((sum, { data }) => sum + data.length, 0);
  if (budget.left < 0) throw new GraphError("model", "its constants are too large");
  return results;
}

function known(value: Value): Tensor | undefined {
  const tensor = value.graph.tensor(value);
  if (!tensor || tensor.data.length > mostElements) return undefined;
  // A float of rank 0 is never trained.
  const weight = isFloat(tensor.type) && tensor.dims.length > 0;
  if (weight && value.graph.initializers.has(value.name)) return undefined;
  // Computing is done in float64, which also keeps the ends of the range: "to the end" of a Slice.
  const { data } = tensor;
  const wide = data instanceof BigInt64Array || data instanceof BigUint64Array;
  if (wide && !Array.from<bigint>(data).every((n) => fitsDouble(n))) return undefined;
  return tensor;
}

const fitsDouble = (n: bigint): boolean =>
  Number.isSafeInteger(Number(n)) || n >= 2n ** 63n - 1024n || n <= 1024n - 2n ** 63n;

/** The results in a graph of their own, which is looked at before anything is computed. */
function evaluated(
  call: Call,
  tensors: readonly (Tensor | undefined)[],
  build: (call: Call) => readonly Value[],
): readonly Tensor[] | undefined {
  const limit = products.test(call.opType) ? mostElementsOfProducts : mostElements;
  if (tensors.some((tensor) => (tensor?.data.length ?? 0) > limit)) return undefined;
  const alone = new Graph(call.name);
  const operands = tensors.map((tensor, index) => tensor && alone.constant(tensor, `input${index}`));
  try {
    const outputs = build({ ...call, operands, graph: alone });
    if (alone.nodes.some((node) => node.outputs.some(({ dims }) => sizeOf(dims) > limit))) return undefined;
    for (const [index, value] of outputs.entries()) alone.output(`output${index}`, value);
    const results = interpret(alone);
    return outputs.map(({ type, dims }, index) =>
      fromNumbers(type, toNumbers(results[`output${index}`]!), dims),
    );
  } catch {
    // What is wrong with the node is said, by name, when it is added to the graph.
    return undefined;
  }
}

function shapeOf({ name, opType, operands: [operand], attributes: { start = 0, end } }: Call): Tensor {
  if (!operand) throw graphError(name, "an operand", "nothing");
  if (opType === "Size") return fromNumbers("int64", [sizeOf(operand.dims)], []);
  const dims = operand.dims.slice(start as number, end as number | undefined);
  return fromNumbers("int64", dims, [dims.length]);
}
