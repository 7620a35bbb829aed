import { numberOf, textOf } from "../attributes.js";
import { paddedFrom } from "../operators/pad-source.js";
import { padding, sliceSteps, splitSizes } from "../operators/slicing.js";
import { normalAxis, sizeOf } from "../operators/spec.js";
import { all, gatherAxes, type Kernel, range, stridesOf } from "./array.js";

export const slicingKernels: Readonly<Record<string, Kernel>> = {
  Slice: (inputs, node) => {
    const x = inputs[0]!;
    const maps = x.dims.map(range);
    for (const { axis, start, step, count } of sliceSteps(node)) {
      maps[axis] = range(count).map((index) => start + index * step);
    }
    return [gatherAxes(x, maps)];
  },
  Pad: (inputs, node) => {
    const x = inputs[0]!;
    const { before, after } = padding(node);
    const mode = textOf(node, "mode", "constant");
    const maps = x.dims.map((size, axis) => paddedFrom(mode, size, before[axis]!, after[axis]!));
    return [gatherAxes(x, maps, inputs[2]?.data[0] ?? 0)];
  },
  Concat: (inputs, node) => {
    const arrays = all(inputs);
    const { dims } = node.outputs[0]!;
    const axis = normalAxis(node, numberOf(node, "axis"), dims.length);
    const result = new Float64Array(sizeOf(dims));
    const inner = stridesOf(dims)[axis]!;
    const block = dims[axis]! * inner;
    let offset = 0;
    for (const array of arrays) {
      const part = array.dims[axis]! * inner;
      for (let outer = 0; outer * block < result.length; outer++) {
        result.set(array.data.subarray(outer * part, (outer + 1) * part), outer * block + offset);
      }
      offset += part;
    }
    return [result];
  },
  Split: (inputs, node) => {
    const x = inputs[0]!;
    const axis = normalAxis(node, numberOf(node, "axis", 0), x.dims.length);
    let start = 0;
    const whole = x.dims.map(range);
    return splitSizes(node, node.outputs.length, node.outputs.length).map((size) => {
      const maps = [...whole];
      maps[axis] = range(size).map((index) => start + index);
      start += size;
      return gatherAxes(x, maps);
    });
  },
};
