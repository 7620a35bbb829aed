import { numberOf, textOf } from "../attributes.js";
import * as ops from "../operators/ops.js";
import { paddedFrom } from "../operators/pad-source.js";
import { padding, sliceSteps, splitSizes } from "../operators/slicing.js";
import type { Lowering } from "./lowering.js";

/**
 * onnxruntime 1.30 on webgpu walks backwards from an axis's end, wherever it is told to start:
 * what comes after is cut off.
 */
const slice: Lowering = (node, [x], device) => {
  if (device === "cpu" || device === "cuda") return undefined;
  const steps = sliceSteps(node);
  const late = steps.filter(({ axis, start, step }) => step < 0 && start < x!.dims[axis]! - 1);
  if (late.length === 0 || steps.some(({ count }) => count === 0)) return undefined;
  const lates = late.map(({ axis }) => axis);
  const cut = ops.Slice(
    x!,
    late.map(() => 0),
    late.map(({ start }) => start + 1),
    lates,
  );
  // Before the first element stands a number that counts from the end and goes beyond it.
  const ends = steps.map(({ axis, start, step, count }) => {
    const end = start + step * count;
    return end < 0 ? -cut.dims[axis]! - 1 : end;
  });
  return [
    ops.Slice(
      cut,
      steps.map(({ start }) => start),
      ends,
      steps.map(({ axis }) => axis),
      steps.map(({ step }) => step),
    ),
  ];
};

export const slicingLowerings: Readonly<Record<string, Lowering>> = {
  // A Slice that keeps every size may still reverse an axis.
  Slice: slice,
  Concat: (_, inputs) => (inputs.length === 1 ? inputs : undefined),
  // onnxruntime 1.30 miscounts sizes that it works out itself when the last pieces are empty.
  Split: (node, [x, sizes]) => {
    if (sizes !== undefined) return undefined;
    return ops.Split(x!, splitSizes(node, node.outputs.length), numberOf(node, "axis", 0));
  },
  Pad: (node, [x]) => {
    const { before, after } = padding(node);
    if ([...before, ...after].every((size) => size === 0)) return [x!];
    if (textOf(node, "mode", "constant") !== "wrap") return undefined;
    // Wrapping came with a later operator set than `OPSET`.
    return [
      x!.dims.reduce((value, size, axis) => {
        const [first, last] = [before[axis]!, after[axis]!];
        return first === 0 && last === 0
          ? value
          : ops.Gather(value, paddedFrom("wrap", size, first, last), axis);
      }, x!),
    ];
  },
};
