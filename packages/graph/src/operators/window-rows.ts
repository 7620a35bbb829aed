import { sizeOf } from "./spec.js";
import type { Windows } from "./windows.js";

/** Returns the windows with three spatial axes, the first of them of size one where there are fewer. */
function threeAxes(windows: Windows): Windows {
  const missing = 3 - windows.input.length;
  const pad = (list: readonly number[], value: number): number[] => [
    ...Array<number>(missing).fill(value),
    ...list,
  ];
  return {
    input: pad(windows.input, 1),
    kernel: pad(windows.kernel, 1),
    strides: pad(windows.strides, 1),
    dilations: pad(windows.dilations, 1),
    before: pad(windows.before, 0),
    after: pad(windows.after, 0),
    output: pad(windows.output, 1),
  };
}

/** One run of outputs along the last axis and the inputs a tap of the kernel reads for them. */
export type VisitRow = (tap: number, input: number, output: number, count: number) => void;

/**
 * Visits, for every tap of a kernel, the rows of outputs for which it lies inside the input: the tap's
 * index, the index of the first input and output in one channel, and how many there are. Inputs are
 * the last axis' stride apart.
 */
export function eachRow(windows: Windows, visit: VisitRow): void {
  const { input, kernel, strides, dilations, before, output } = threeAxes(windows);
  /** Returns the first output and the number of outputs whose tap `k` along an axis is inside. */
  const inside = (axis: number, k: number): [number, number] => {
    const shift = k * dilations[axis]! - before[axis]!;
    const first = Math.max(Math.ceil(-shift / strides[axis]!), 0);
    const last = Math.min(Math.floor((input[axis]! - 1 - shift) / strides[axis]!), output[axis]! - 1);
    return [first, Math.max(last - first + 1, 0)];
  };
  const at = (axis: number, out: number, k: number): number =>
    out * strides[axis]! + k * dilations[axis]! - before[axis]!;
  let tap = 0;
  for (let i = 0; i < kernel[0]!; i++) {
    const [firstI, countI] = inside(0, i);
    for (let j = 0; j < kernel[1]!; j++) {
      const [firstJ, countJ] = inside(1, j);
      for (let k = 0; k < kernel[2]!; k++, tap++) {
        const [first, count] = inside(2, k);
        if (count === 0) continue;
        for (let a = firstI; a < firstI + countI; a++) {
          for (let b = firstJ; b < firstJ + countJ; b++) {
            const from = (at(0, a, i) * input[1]! + at(1, b, j)) * input[2]! + at(2, first, k);
            visit(tap, from, (a * output[1]! + b) * output[2]! + first, count);
          }
        }
      }
    }
  }
}

/**
 * Counts the elements each window of an AveragePool divides by: those in the input, or in the padded input.
 */
export function poolCounts(windows: Windows, countPadding: boolean): Float64Array {
  const counts = new Float64Array(sizeOf(windows.output));
  const whole = windows.input.map((size, axis) => size + windows.before[axis]! + windows.after[axis]!);
  const counted = countPadding
    ? { ...windows, input: whole, before: whole.map(() => 0), after: whole.map(() => 0) }
    : windows;
  eachRow(counted, (_tap, _from, to, length) => {
    for (let k = 0; k < length; k++) counts[to + k]! += 1;
  });
  return counts;
}
