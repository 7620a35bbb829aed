import { numberOf, textOf } from "../attributes.js";
import { padding, permutation, sliceSteps, splitSizes } from "../operators/movement.js";
import * as ops from "../operators/ops.js";
import { paddedFrom } from "../operators/pad-source.js";
import { sameDims } from "../operators/spec.js";
import type { Lowering } from "./lowering.js";

/** Nothing to do where the dims stay. */
const unchanged: Lowering = (node, [x]) => (sameDims(x!.dims, node.outputs[0]!.dims) ? [x!] : undefined);

/** Other ways to write a Reshape become one, and a Reshape of a Reshape needs only the second. */
const reshape: Lowering = (node, [x]) => {
  const { dims } = node.outputs[0]!;
  if (sameDims(x!.dims, dims)) return [x!];
  const before = x!.node?.opType === "Reshape" ? x!.node.inputs[0]! : x!;
  return node.opType === "Reshape" && before === x ? undefined : [ops.Reshape(before, dims)];
};

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

export const movementLowerings: Readonly<Record<string, Lowering>> = {
  Reshape: reshape,
  Flatten: reshape,
  Squeeze: reshape,
  Unsqueeze: reshape,
  Expand: unchanged,
  Tile: unchanged,
  // A Slice that keeps every size may still reverse an axis.
  Slice: slice,
  Concat: (_, inputs) => (inputs.length === 1 ? inputs : undefined),
  // onnxruntime 1.30 miscounts sizes that it works out itself when the last pieces are empty.
  Split: (node, [x, sizes]) => {
    if (sizes !== undefined) return undefined;
    return ops.Split(x!, splitSizes(node, node.outputs.length), numberOf(node, "axis", 0));
  },
  Transpose: (node, [x]) => {
    const perm = permutation(node);
    if (perm.every((from, axis) => from === axis)) return [x!];
    const inner = x!.node;
    if (inner?.opType !== "Transpose") return undefined;
    const first = permutation(inner);
    return [
      ops.Transpose(
        inner.inputs[0]!,
        perm.map((axis) => first[axis]!),
      ),
    ];
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
  SpaceToDepth: (node, [x]) => {
    const [n, c, h, w] = x!.dims as [number, number, number, number];
    const block = numberOf(node, "blocksize");
    const split = ops.Reshape(x!, [n, c, h / block, block, w / block, block]);
    return [ops.Reshape(ops.Transpose(split, [0, 3, 5, 1, 2, 4]), node.outputs[0]!.dims)];
  },
  Shape: (node, [x]) => {
    const [start, end] = [numberOf(node, "start", 0), numberOf(node, "end", x!.dims.length)];
    const dims = x!.dims.slice(start, end);
    return [
      x!.graph.constant({ type: "int64", dims: [dims.length], data: BigInt64Array.from(dims.map(BigInt)) }),
    ];
  },
};
