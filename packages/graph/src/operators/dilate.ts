import type { Value } from "../ir.js";
import { Reshape } from "./movement.js";
import { Pad } from "./slicing.js";

/** Puts `steps[i] - 1` zeros behind every element of `axes[i]`, which become that many times longer. */
export function dilate(value: Value, axes: readonly number[], steps: readonly number[]): Value {
  let result = value;
  for (const [index, axis] of axes.entries()) {
    const step = steps[index]!;
    if (step === 1) continue;
    const split = Reshape(result, result.dims.toSpliced(axis + 1, 0, 1));
    const pads = Array<number>(2 * split.dims.length).fill(0);
    pads[split.dims.length + axis + 1] = step - 1;
    result = Reshape(Pad(split, pads), result.dims.with(axis, result.dims[axis]! * step));
  }
  return result;
}
