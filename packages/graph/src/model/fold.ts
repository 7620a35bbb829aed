import type { Tensor } from "@pixelcal/core";
import { fromNumbers, isFloat, toNumbers } from "../data-types.js";
import { GraphError, graphError } from "../errors.js";
import type { Attribute, Graph, Value } from "../graph.js";
import { evaluate } from "../interpret.js";

/** Arithmetic on shapes is small; whatever is larger stays in the graph. */
const maxElements = 65_536;

type Operands = readonly (Value | undefined)[];
type Attributes = Readonly<Record<string, Attribute>>;

/** Operators that exist only while their operands are known, as a graph has static shapes. */
export const foldedOperators: ReadonlySet<string> = new Set(["ConstantOfShape", "Range"]);

/**
 * The outputs of a node that computes with shapes and constants, or undefined for all others. Exporters write sizes as Shape, Gather, Concat
 * and so on even where they are fixed. Floating-point weights are never folded: they may be trained.
 */
export function fold(
  graph: Graph,
  name: string,
  opType: string,
  operands: Operands,
  attributes: Attributes,
): readonly Tensor[] | undefined {
  if (opType === "Shape") return [shapeOf(operands[0], attributes)];
  const tensors = operands.map((operand) => operand && known(graph, operand));
  const complete =
    operands.length > 0 && operands.every((operand, i) => operand === undefined || tensors[i] !== undefined);
  if (!complete) {
    if (!foldedOperators.has(opType)) return undefined;
    throw graphError(name, `constant operands of ${opType}`, "computed ones");
  }
  if (opType === "ConstantOfShape") return [filled(name, tensors[0], attributes)];
  if (opType === "Range") return [range(name, tensors)];
  try {
    const results = evaluate(opType, tensors, attributes);
    return results.every(({ data }) => data.length <= maxElements) ? results : undefined;
  } catch {
    // What is wrong with the node is said, by name, when it is added to the graph.
    return undefined;
  }
}

function known(graph: Graph, value: Value): Tensor | undefined {
  const tensor = graph.tensor(value);
  if (!tensor || tensor.data.length > maxElements) return undefined;
  if (isFloat(tensor.type) && graph.initializers.has(value.name)) return undefined;
  // Computing is done in float64.
  const { data } = tensor;
  const wide = data instanceof BigInt64Array || data instanceof BigUint64Array;
  if (wide && !Array.from<bigint>(data).every((n) => Number.isSafeInteger(Number(n)))) return undefined;
  return tensor;
}

function shapeOf(operand: Value | undefined, { start = 0, end }: Attributes): Tensor {
  if (!operand) throw graphError("Shape", "an operand", "nothing");
  const dims = operand.dims.slice(start as number, end as number | undefined);
  return fromNumbers("int64", dims, [dims.length]);
}

function filled(name: string, shape: Tensor | undefined, { value }: Attributes): Tensor {
  const dims = shape ? Array.from(toNumbers(shape)) : [];
  const count = dims.reduce((product, size) => product * size, 1);
  if (!(count >= 0 && count <= maxElements)) throw graphError(name, `at most ${maxElements} elements`, dims);
  const { type, data } = value === undefined ? fromNumbers("float32", [0], [1]) : (value as Tensor);
  return fromNumbers(type, new Array<number>(count).fill(Number(data[0])), dims);
}

function range(name: string, tensors: readonly (Tensor | undefined)[]): Tensor {
  const [start, limit, delta] = tensors.map((tensor) => (tensor ? Number(tensor.data[0]) : Number.NaN)) as [
    number,
    number,
    number,
  ];
  const count = Math.max(0, Math.ceil((limit - start) / delta));
  if (!(count <= maxElements)) throw new GraphError(name, `Range of more than ${maxElements} elements`);
  return fromNumbers(
    tensors[0]!.type,
    Array.from({ length: count }, (_, i) => start + i * delta),
    [count],
  );
}
