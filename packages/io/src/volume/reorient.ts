import { setImmediate as nextTurn } from "node:timers/promises";
import { type DataType, elementCount, type TypedArrays } from "@pixelcal/core";
import { FormatError } from "../errors.js";
import { describeGrid, permutationBetween, reorderedGrid, sameGrid } from "./geometry.js";
import type { Grid, Volume } from "./volume.js";

/** The number of rows moved before other work on the event loop gets its turn. */
const turn = 2 ** 14;

/**
 * Returns the volume with its axes in the order and direction of `target`. Values are moved, never resampled:
 * throws FormatError unless a signed permutation of the axes relates the two grids to 1e-3 of a voxel.
 */
export async function reorient(volume: Volume, target: Grid, path: string): Promise<Volume> {
  if (sameGrid(volume, target)) return volume;
  const order = permutationBetween(volume, target);
  if (!order) {
    const what = `no order of axes turns ${describeGrid(volume)} into ${describeGrid(target)}; resample it first`;
    throw new FormatError(path, "geometry", what);
  }
  const grid = reorderedGrid(volume, order);
  const strides = volume.shape.map((_, axis) => elementCount(volume.shape.slice(0, axis)));
  const steps = order.from.map((axis, i) => (order.flipped[i] ? -strides[axis]! : strides[axis]!));
  const start = order.from.reduce(
    (sum, axis, i) => sum + (order.flipped[i] ? (volume.shape[axis]! - 1) * strides[axis]! : 0),
    0,
  );
  const data = await walk(volume.data, grid.shape, steps, start);
  return { ...volume, ...grid, data };
}

async function walk<A extends TypedArrays[DataType]>(
  data: A,
  shape: readonly number[],
  steps: readonly number[],
  start: number,
): Promise<A> {
  const [width = 1, height = 1, depth = 1] = shape;
  const [dx = 0, dy = 0, dz = 0] = steps;
  const out = data.slice() as A;
  const block = width * height * depth;
  let to = 0;
  let rows = 0;
  for (let channel = 0; channel < data.length; channel += block)
    for (let z = 0; z < depth; z++)
      for (let y = 0; y < height; y++) {
        let at = channel + start + y * dy + z * dz;
        for (let x = 0; x < width; x++, at += dx) out[to++] = data[at] as A[number];
        if (++rows % turn === 0) await nextTurn();
      }
  return out;
}
