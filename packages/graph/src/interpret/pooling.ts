import { numberOf } from "../attributes.js";
import { poolWindows } from "../operators/pooling.js";
import { sizeOf } from "../operators/spec.js";
import { eachRow, poolCounts } from "../operators/window-rows.js";
import type { Windows } from "../operators/windows.js";
import type { Kernel, NumericArray } from "./array.js";

type Visit = (input: number, output: number) => void;

/** Visits every input of every window of every channel, the taps of a window in memory order. */
function eachPair(x: NumericArray, windows: Windows, visit: Visit): void {
  const [xSize, ySize] = [sizeOf(windows.input), sizeOf(windows.output)];
  const stride = windows.strides.at(-1)!;
  for (let channel = 0; channel < x.dims[0]! * x.dims[1]!; channel++) {
    eachRow(windows, (_tap, from, to, length) => {
      for (let k = 0; k < length; k++) visit(channel * xSize + from + k * stride, channel * ySize + to + k);
    });
  }
}

/** Finds the largest element of each window, and the index in x of the first one that equals it. */
export function maxPool(x: NumericArray, windows: Windows): { y: Float64Array; indices: Float64Array } {
  const size = x.dims[0]! * x.dims[1]! * sizeOf(windows.output);
  const y = new Float64Array(size).fill(Number.NEGATIVE_INFINITY);
  const indices = new Float64Array(size).fill(-1);
  eachPair(x, windows, (from, to) => {
    if (indices[to] === -1 || x.data[from]! > y[to]!) {
      y[to] = x.data[from]!;
      indices[to] = from;
    }
  });
  return { y, indices };
}

const overAll =
  (pool: (values: Float64Array) => number): Kernel =>
  (inputs) => {
    const x = inputs[0]!;
    const size = sizeOf(x.dims.slice(2));
    return [
      Float64Array.from({ length: x.dims[0]! * x.dims[1]! }, (_, channel) =>
        pool(x.data.subarray(channel * size, (channel + 1) * size)),
      ),
    ];
  };

export const poolingKernels: Readonly<Record<string, Kernel>> = {
  MaxPool: (inputs, node) => {
    const { y, indices } = maxPool(inputs[0]!, poolWindows(node));
    return [y, indices];
  },
  AveragePool: (inputs, node) => {
    const x = inputs[0]!;
    const windows = poolWindows(node);
    const counts = poolCounts(windows, numberOf(node, "count_include_pad", 0) !== 0);
    const sums = new Float64Array(x.dims[0]! * x.dims[1]! * counts.length);
    eachPair(x, windows, (from, to) => {
      sums[to]! += x.data[from]!;
    });
    return [sums.map((sum, at) => sum / counts[at % counts.length]!)];
  },
  MaxUnpool: (inputs, node) => {
    const [x, indices] = inputs as readonly NumericArray[];
    const result = new Float64Array(sizeOf(node.outputs[0]!.dims));
    for (const [at, index] of indices!.data.entries()) result[index] = x!.data[at]!;
    return [result];
  },
  GlobalAveragePool: overAll((values) => values.reduce((sum, value) => sum + value, 0) / values.length),
  GlobalMaxPool: overAll((values) => values.reduce((a, b) => Math.max(a, b))),
};
