import { numberOf, textOf } from "../attributes.js";
import { permutation } from "../operators/movement.js";
import { broadcast, gatherAxes, type Kernel, type NumericArray, range, strided, stridesOf } from "./array.js";

const unchanged: Kernel = (inputs) => [inputs[0]!.data];

/** Transposes `x` seen as `dims`. */
const transposed = (x: NumericArray, dims: readonly number[], perm: readonly number[]): Float64Array => {
  const strides = stridesOf(dims);
  return strided(
    x.data,
    perm.map((axis) => dims[axis]!),
    perm.map((axis) => strides[axis]!),
  );
};

export const movementKernels: Readonly<Record<string, Kernel>> = {
  Reshape: unchanged,
  Squeeze: unchanged,
  Unsqueeze: unchanged,
  Flatten: unchanged,
  Shape: (inputs, node) => {
    const dims = inputs[0]!.dims;
    const [start, end] = [numberOf(node, "start", 0), numberOf(node, "end", dims.length)];
    return [Float64Array.from(dims.slice(start, end))];
  },
  Transpose: (inputs, node) => [transposed(inputs[0]!, inputs[0]!.dims, permutation(node))],
  Expand: (inputs, node) => [broadcast(inputs[0]!, node.outputs[0]!.dims)],
  Tile: (inputs, node) => {
    const x = inputs[0]!;
    return [
      gatherAxes(
        x,
        node.outputs[0]!.dims.map((size, axis) => range(size).map((at) => at % x.dims[axis]!)),
      ),
    ];
  },
  DepthToSpace: (inputs, node) => {
    const [n, c, h, w] = inputs[0]!.dims as [number, number, number, number];
    const block = numberOf(node, "blocksize");
    const depth = c / (block * block);
    return [
      textOf(node, "mode", "DCR") === "DCR"
        ? transposed(inputs[0]!, [n, block, block, depth, h, w], [0, 3, 4, 1, 5, 2])
        : transposed(inputs[0]!, [n, depth, block, block, h, w], [0, 1, 4, 2, 5, 3]),
    ];
  },
  SpaceToDepth: (inputs, node) => {
    const [n, c, h, w] = inputs[0]!.dims as [number, number, number, number];
    const block = numberOf(node, "blocksize");
    return [transposed(inputs[0]!, [n, c, h / block, block, w / block, block], [0, 3, 5, 1, 2, 4])];
  },
};
