import { numberOf, textOf } from "../attributes.js";
import { GraphError } from "../errors.js";
import { normalAxis, sizeOf } from "../operators/spec.js";
import { all, around, type Kernel, type NumericArray, stridesOf } from "./array.js";

const wrap = (index: number, size: number): number => {
  const at = index < 0 ? index + size : index;
  if (!(at >= 0 && at < size)) throw new GraphError("indices", `${index} is outside an axis of ${size}`);
  return at;
};

/**
 * Visits every index of GatherElements and ScatterElements: where it is and which element of `x` it names.
 */
function eachElement(
  x: NumericArray,
  indices: NumericArray,
  axis: number,
  visit: (at: number, of: number) => void,
): void {
  const [own, strides] = [stridesOf(indices.dims), stridesOf(x.dims)];
  for (const [at, index] of indices.data.entries()) {
    let of = 0;
    for (const [a, size] of indices.dims.entries()) {
      const position = a === axis ? wrap(index, x.dims[axis]!) : Math.floor(at / own[a]!) % size;
      of += position * strides[a]!;
    }
    visit(at, of);
  }
}

const combine: Readonly<Record<string, (held: number, update: number) => number>> = {
  none: (_, update) => update,
  add: (held, update) => held + update,
  mul: (held, update) => held * update,
  max: Math.max,
  min: Math.min,
};

/** Returns the offsets of the blocks that rows of `indices` name, for GatherND and ScatterND. */
function blocks(x: NumericArray, indices: NumericArray, batch: number): { starts: number[]; length: number } {
  const depth = indices.dims.at(-1)!;
  const strides = stridesOf(x.dims);
  const perBatch = indices.data.length / depth / sizeOf(x.dims.slice(0, batch));
  const starts = Array.from({ length: indices.data.length / depth }, (_, row) => {
    let start = batch === 0 ? 0 : Math.floor(row / perBatch) * strides[batch - 1]!;
    for (let k = 0; k < depth; k++) {
      start += wrap(indices.data[row * depth + k]!, x.dims[batch + k]!) * strides[batch + k]!;
    }
    return start;
  });
  return { starts, length: sizeOf(x.dims.slice(batch + depth)) };
}

export const indexingKernels: Readonly<Record<string, Kernel>> = {
  Gather: (inputs, node) => {
    const [x, indices] = all(inputs) as [NumericArray, NumericArray];
    const { outer, size, inner } = around(x.dims, normalAxis(node, numberOf(node, "axis", 0), x.dims.length));
    const result = new Float64Array(outer * indices.data.length * inner);
    let next = 0;
    for (let block = 0; block < outer; block++) {
      for (const index of indices.data) {
        const start = (block * size + wrap(index, size)) * inner;
        result.set(x.data.subarray(start, start + inner), next);
        next += inner;
      }
    }
    return [result];
  },
  GatherElements: (inputs, node) => {
    const [x, indices] = all(inputs) as [NumericArray, NumericArray];
    const result = new Float64Array(indices.data.length);
    const axis = normalAxis(node, numberOf(node, "axis", 0), x.dims.length);
    eachElement(x, indices, axis, (at, of) => {
      result[at] = x.data[of]!;
    });
    return [result];
  },
  ScatterElements: (inputs, node) => {
    const [x, indices, updates] = all(inputs) as [NumericArray, NumericArray, NumericArray];
    const result = x.data.slice();
    const apply = combine[textOf(node, "reduction", "none")]!;
    const axis = normalAxis(node, numberOf(node, "axis", 0), x.dims.length);
    eachElement(x, indices, axis, (at, of) => {
      result[of] = apply(result[of]!, updates.data[at]!);
    });
    return [result];
  },
  GatherND: (inputs, node) => {
    const [x, indices] = all(inputs) as [NumericArray, NumericArray];
    const { starts, length } = blocks(x, indices, numberOf(node, "batch_dims", 0));
    const result = new Float64Array(starts.length * length);
    for (const [row, start] of starts.entries())
      result.set(x.data.subarray(start, start + length), row * length);
    return [result];
  },
  ScatterND: (inputs, node) => {
    const [x, indices, updates] = all(inputs) as [NumericArray, NumericArray, NumericArray];
    const { starts, length } = blocks(x, indices, 0);
    const result = x.data.slice();
    const apply = combine[textOf(node, "reduction", "none")]!;
    for (const [row, start] of starts.entries()) {
      for (let k = 0; k < length; k++) {
        result[start + k] = apply(result[start + k]!, updates.data[row * length + k]!);
      }
    }
    return [result];
  },
  TopK: (inputs, node) => {
    const x = inputs[0]!;
    const axis = normalAxis(node, numberOf(node, "axis", -1), x.dims.length);
    const { outer, size, inner } = around(x.dims, axis);
    const k = node.outputs[0]!.dims[axis]!;
    const sign = numberOf(node, "largest", 1) ? 1 : -1;
    const [values, indices] = [new Float64Array(outer * k * inner), new Float64Array(outer * k * inner)];
    for (let line = 0; line < outer * inner; line++) {
      const [block, column] = [Math.floor(line / inner), line % inner];
      const element = (index: number): number => x.data[(block * size + index) * inner + column]!;
      const order = Array.from({ length: size }, (_, index) => index);
      order.sort((a, b) => sign * (element(b) - element(a)) || a - b);
      for (let rank = 0; rank < k; rank++) {
        const at = (block * k + rank) * inner + column;
        values[at] = element(order[rank]!);
        indices[at] = order[rank]!;
      }
    }
    return [values, indices];
  },
};
