import { numberOf } from "../attributes.js";
import { reducedAxes } from "../operators/reduction.js";
import { normalAxis, sizeOf, staticNumbers } from "../operators/spec.js";
import { all, around, type Kernel, type NumericArray, strided, stridesOf } from "./array.js";

/** Gathers the elements of each reduction as a row, in the order of the outputs. */
function rows(x: NumericArray, axes: readonly number[]): Float64Array[] {
  const order = [...x.dims.keys()].filter((axis) => !axes.includes(axis)).concat(axes);
  const strides = stridesOf(x.dims);
  const data = strided(
    x.data,
    order.map((axis) => x.dims[axis]!),
    order.map((axis) => strides[axis]!),
  );
  const length = sizeOf(axes.map((axis) => x.dims[axis]!));
  const many = sizeOf(x.dims.filter((_, axis) => !axes.includes(axis)));
  return Array.from({ length: many }, (_, row) => data.subarray(row * length, (row + 1) * length));
}

const reduction =
  (reduce: (row: Float64Array) => number): Kernel =>
  (inputs, node) => [Float64Array.from(rows(all(inputs)[0]!, reducedAxes(node)), reduce)];

const sum = (row: Float64Array): number => row.reduce((total, value) => total + value, 0);
const largest = (row: Float64Array): number => row.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);

const logSumExp = (row: Float64Array): number => {
  const max = largest(row);
  return max + Math.log(sum(row.map((value) => Math.exp(value - max))));
};

/** Replaces every line along the axis. */
const alongAxis =
  (replace: (line: Float64Array) => Float64Array): Kernel =>
  (inputs, node) => {
    const x = all(inputs)[0]!;
    const axis = normalAxis(node, numberOf(node, "axis", -1), x.dims.length);
    return [mapLines(x, axis, replace)];
  };

function mapLines(
  x: NumericArray,
  axis: number,
  replace: (line: Float64Array) => Float64Array,
): Float64Array {
  const { outer, size, inner } = around(x.dims, axis);
  const result = new Float64Array(x.data.length);
  for (let start = 0; start < outer * inner; start++) {
    const base = Math.floor(start / inner) * size * inner + (start % inner);
    const line = Float64Array.from({ length: size }, (_, index) => x.data[base + index * inner]!);
    for (const [index, value] of replace(line).entries()) result[base + index * inner] = value;
  }
  return result;
}

const argument =
  (better: (a: number, b: number) => boolean): Kernel =>
  (inputs, node) => {
    const x = all(inputs)[0]!;
    const last = numberOf(node, "select_last_index", 0) !== 0;
    const pick = (row: Float64Array): number =>
      row.reduce((best, value, index) => {
        const held = row[best]!;
        return better(value, held) || (last && value === held) ? index : best;
      }, 0);
    return [Float64Array.from(rows(x, [normalAxis(node, numberOf(node, "axis", 0), x.dims.length)]), pick)];
  };

export const reductionKernels: Readonly<Record<string, Kernel>> = {
  ReduceSum: reduction(sum),
  ReduceMean: reduction((row) => sum(row) / row.length),
  ReduceMax: reduction(largest),
  ReduceMin: reduction((row) => -largest(row.map((value) => -value))),
  ReduceProd: reduction((row) => row.reduce((product, value) => product * value, 1)),
  ReduceL1: reduction((row) => sum(row.map(Math.abs))),
  ReduceL2: reduction((row) => Math.sqrt(sum(row.map((value) => value * value)))),
  ReduceSumSquare: reduction((row) => sum(row.map((value) => value * value))),
  ReduceLogSum: reduction((row) => Math.log(sum(row))),
  ReduceLogSumExp: reduction(logSumExp),
  Softmax: alongAxis((line) => {
    const norm = logSumExp(line);
    return line.map((value) => Math.exp(value - norm));
  }),
  LogSoftmax: alongAxis((line) => {
    const norm = logSumExp(line);
    return line.map((value) => value - norm);
  }),
  ArgMax: argument((a, b) => a > b),
  ArgMin: argument((a, b) => a < b),
  CumSum: (inputs, node) => {
    const x = all(inputs)[0]!;
    const axis = normalAxis(node, staticNumbers(node, 1)![0]!, x.dims.length);
    const [exclusive, reverse] = [numberOf(node, "exclusive", 0), numberOf(node, "reverse", 0)];
    const accumulate = (line: Float64Array): Float64Array => {
      let total = 0;
      return line.map((value) => (exclusive ? (total += value) - value : (total += value)));
    };
    return [
      mapLines(x, axis, (line) => (reverse ? accumulate(line.toReversed()).toReversed() : accumulate(line))),
    ];
  },
};
