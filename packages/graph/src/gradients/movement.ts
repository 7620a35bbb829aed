import { numberOf, textOf } from "../attributes.js";
import { permutation } from "../operators/movement.js";
import * as ops from "../operators/ops.js";
import { type GradientRule, noGradient } from "./rule.js";

const reshaped: GradientRule = ({ x, dy }) => [() => ops.Reshape(dy, x.dims)];

export const movementRules: Readonly<Record<string, GradientRule>> = {
  Reshape: reshaped,
  Squeeze: reshaped,
  Unsqueeze: reshaped,
  Flatten: reshaped,
  Transpose: ({ node, dy }) => [
    () => {
      const perm = permutation(node);
      return ops.Transpose(
        dy,
        perm.map((_, axis) => perm.indexOf(axis)),
      );
    },
  ],
  Tile: ({ x, y, dy }) => [
    () => {
      const split = x.dims.flatMap((size, axis) => [y.dims[axis]! / size, size]);
      return ops.ReduceSum(
        ops.Reshape(dy, split),
        x.dims.map((_, axis) => 2 * axis),
        { keepdims: 0 },
      );
    },
  ],
  DepthToSpace: ({ node, x, dy }) => [
    () => {
      const block = numberOf(node, "blocksize");
      if (textOf(node, "mode", "DCR") === "DCR") return ops.SpaceToDepth(dy, block);
      const [n, c, h, w] = x.dims as [number, number, number, number];
      const split = ops.Reshape(dy, [n, c / (block * block), h, block, w, block]);
      return ops.Reshape(ops.Transpose(split, [0, 1, 3, 5, 2, 4]), x.dims);
    },
  ],
  SpaceToDepth: ({ node, dy }) => [() => ops.DepthToSpace(dy, numberOf(node, "blocksize"))],
  Shape: noGradient,
};
