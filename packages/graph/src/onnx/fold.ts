import type { Tensor } from "@pixelcal/core";
import { fromNumbers, isFloat, toNumbers } from "../data-types.js";
import { GraphError, graphError } from "../errors.js";
import { Graph } from "../graph.js";
import { interpret } from "../interpret/interpret.js";
import type { Value } from "../ir.js";
import * as ops from "../operators/ops.js";
import { sizeOf } from "../operators/spec.js";
import type { Call } from "./call.js";

/** A constant of more elements is filled by the runtime. */
const mostFilled = 1 << 20;

/** Operators that exist only while their operands are known, as a graph has static shapes. */
const made: Readonly<
  Record<string, (call: Call, operands: readonly (Tensor | undefined)[]) => Tensor | Value>
> = {
  ConstantOfShape: ({ name, graph, budget, attributes: { value } }, [shape]) => {
    const dims = shape ? Array.from(toNumbers(shape)) : [];
    if (!dims.every((size) => Number.isSafeInteger(size) && size >= 0))
      throw graphError(name, "sizes of 0 or more for ConstantOfShape", dims);
    const count = sizeOf(dims);
    const { type, data } = value === undefined ? fromNumbers("float32", [0], [1]) : (value as Tensor);
    if (data.length !== 1)
      throw graphError(`${name}.value`, "one number for ConstantOfShape", `${data.length}`);
    budget.fill(name, count * data.BYTES_PER_ELEMENT);
    if (count > mostFilled) return ops.Expand(graph.constant({ type, dims: [], data } as Tensor), dims);
    const filled = new (data.constructor as new (length: number) => typeof data)(count);
    return { type, dims, data: filled.fill(data[0] as never) } as Tensor;
  },
  Range: ({ name, budget }, tensors) => {
    const numbers = tensors.map((tensor) => (tensor ? toNumbers(tensor)[0]! : Number.NaN));
    const [start = Number.NaN, limit = Number.NaN, delta = Number.NaN] = numbers;
    const count = Math.max(0, Math.ceil((limit - start) / delta));
    if (!Number.isFinite(count) || delta === 0)
      throw graphError(name, "a start, a limit and a delta other than 0 for Range", numbers);
    budget.fill(name, 16 * count);
    const steps = new Float64Array(count);
    for (let i = 0; i < count; i++) steps[i] = start + i * delta;
    return fromNumbers(tensors[0]!.type, steps, [count]);
  },
  NonZero: ({ name, budget }, [x]) => {
    const { dims } = x!;
    budget.fill(name, 8 * x!.data.length);
    const numbers = toNumbers(x!);
    let found = 0;
    for (const value of numbers) if (value !== 0) found++;
    budget.fill(name, 16 * dims.length * found);
    const places = new Float64Array(dims.length * found);
    const strides = dims.map((_, axis) => sizeOf(dims.slice(axis + 1)));
    let next = 0;
    for (let at = 0; at < numbers.length; at++) {
      if (numbers[at] === 0) continue;
      for (const [axis, size] of dims.entries())
        places[axis * found + next] = Math.floor(at / strides[axis]!) % size;
      next++;
    }
    return fromNumbers("int64", places, [dims.length, found]);
  },
};

export const foldedOperators: ReadonlySet<string> = new Set([...Object.keys(made), "Size"]);

/**
 * Returns the outputs of a node that computes with shapes and constants; undefined for all others. Exporters
 * write sizes as Shape, Gather, Concat and so on even where they are fixed. Weights are never folded: they
 * may be trained.
 */
export function fold(
  call: Call,
  build: (call: Call) => readonly Value[],
): readonly (Tensor | Value)[] | undefined {
  const { name, opType, operands } = call;
  if (opType === "Shape" || opType === "Size") return [shapeOf(call)];
  const tensors = operands.map((operand) => operand && known(operand));
  const complete =
    operands.length > 0 && operands.every((operand, i) => operand === undefined || tensors[i] !== undefined);
  if (!complete) {
    if (!foldedOperators.has(opType)) return undefined;
    throw new GraphError(name, `${opType} is supported with constant operands only`);
  }
  const maker = Object.hasOwn(made, opType) ? made[opType] : undefined;
  return maker === undefined ? evaluated(call, tensors, build) : [maker(call, tensors)];
}

function known(value: Value): Tensor | undefined {
  const tensor = value.graph.tensor(value);
  if (!tensor) return undefined;
  // A float of rank 0 is never trained.
  const weight = isFloat(tensor.type) && tensor.dims.length > 0;
  if (weight && value.graph.initializers.has(value.name)) return undefined;
  return isExact(tensor) ? tensor : undefined;
}

/** Whether tensors of 64-bit integers were found to be exact as doubles, in which folding computes. */
const exact = new WeakMap<Tensor["data"], boolean>();

/**
 * Whether doubles hold the integers exactly; they also keep the ends of the range, the "to the end" of a
 * Slice.
 */
function isExact({ data }: Tensor): boolean {
  if (!(data instanceof BigInt64Array || data instanceof BigUint64Array)) return true;
  const before = exact.get(data);
  if (before !== undefined) return before;
  const words = new Int32Array(data.buffer, data.byteOffset, 2 * data.length);
  const least = data instanceof BigInt64Array ? -(2 ** 21) : 0;
  const small = (high: number): boolean => high >= least && high < 2 ** 21;
  let now = true;
  for (let i = 0; i < data.length && now; i++) now = small(words[2 * i + 1]!) || fitsDouble(data[i]!);
  exact.set(data, now);
  return now;
}

const fitsDouble = (n: bigint): boolean =>
  Number.isSafeInteger(Number(n)) || n >= 2n ** 63n - 1024n || n <= 1024n - 2n ** 63n;

/** Computes the results in a graph of their own, whose cost is checked before anything is computed. */
function evaluated(
  call: Call,
  tensors: readonly (Tensor | undefined)[],
  build: (call: Call) => readonly Value[],
): readonly Tensor[] | undefined {
  const alone = new Graph(call.name);
  const operands = tensors.map((tensor, index) => tensor && alone.constant(tensor, `input${index}`));
  try {
    const outputs = build({ ...call, operands, graph: alone });
    if (!call.budget.fold(alone)) return undefined;
    for (const [index, value] of outputs.entries()) alone.output(`output${index}`, value);
    const results = interpret(alone);
    return outputs.map(({ type, dims }, index) =>
      fromNumbers(type, toNumbers(results[`output${index}`]!), dims),
    );
  } catch {
    // The error of an invalid node is thrown, by name, when the node is added to the graph.
    return undefined;
  }
}

function shapeOf({ name, opType, operands: [operand], attributes: { start = 0, end } }: Call): Tensor {
  if (!operand) throw new GraphError(name, `needs an operand (${opType})`);
  if (opType === "Size") return fromNumbers("int64", [sizeOf(operand.dims)], []);
  const dims = operand.dims.slice(start as number, end as number | undefined);
  return fromNumbers("int64", dims, [dims.length]);
}
