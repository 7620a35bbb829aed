import { type Random, sameDims, type Tensor, type WarpOptions, warpImage, warpLabels } from "@pixelcal/core";
import type { FactorRange, SpatialAugmentation } from "./augmentation.js";
import type { DatasetCase, Window } from "./dataset-case.js";

/** A warp with the map that it is made of. */
export type Warp = WarpOptions & Required<Pick<WarpOptions, "matrix" | "offset">>;

/** Returns whether a draw of this chance happens; without a section nothing is drawn. */
export const happens = (section: { readonly probability: number } | undefined, random: Random): boolean =>
  section !== undefined && random.uniform() < section.probability;

/** Draws a number between two. */
export const between = ([least, greatest]: readonly [number, number], random: Random): number =>
  least + (greatest - least) * random.uniform();

/** Draws a factor: as often below 1 as above, where the range has both. */
export function factorIn([least, greatest]: FactorRange, random: Random): number {
  const below = random.uniform() < 0.5 && least < 1;
  return below || greatest === 1 ? between([least, 1], random) : between([1, greatest], random);
}

/**
 * Draws how a window of a case is warped: turned and scaled about its centre, in the pixels' physical size,
 * and deformed. Undefined where nothing of it happens.
 */
export function drawWarp(
  { rotation, scaling, elastic }: SpatialAugmentation,
  { size, origin }: Window,
  random: Random,
  spacing: readonly number[] = size.map(() => 1),
): Warp | undefined {
  const rank = size.length;
  const turns = happens(rotation, random)
    ? rotation!.degrees.map((d) => between([-d, d], random))
    : undefined;
  const factor = happens(scaling, random) ? factorIn(scaling!.range, random) : undefined;
  const bends = happens(elastic, random);
  if (turns === undefined && factor === undefined && !bends) return undefined;
  const turned = turns === undefined ? identityOf(rank) : rotationOf(turns, rank);
  const scaledAxes = scaling?.axes ?? [...size.keys()];
  // A larger object in the result reads fewer pixels of the source.
  const matrix = turned.map((value, i) => {
    const [to, from] = [Math.floor(i / rank), i % rank];
    const shrink = factor !== undefined && scaledAxes.includes(from) ? 1 / factor : 1;
    return (value * shrink * spacing[from]!) / spacing[to]!;
  });
  const centre = size.map((n) => (n - 1) / 2);
  const offset = centre.map((at, to) =>
    centre.reduce((sum, from, axis) => sum - matrix[to * rank + axis]! * from, origin[to]! + at),
  );
  const control = bends ? controlOf(elastic!, size, random) : undefined;
  return { size, matrix, offset, ...(control && { control }) };
}

const identityOf = (rank: number): number[] =>
  Array.from({ length: rank * rank }, (_, i) => (i % (rank + 1) === 0 ? 1 : 0));

/** Returns the product of turns by degrees: in 2-D in the plane, in 3-D about each axis in order. */
function rotationOf(degrees: readonly number[], rank: number): number[] {
  const planes =
    rank === 2
      ? [[0, 1]]
      : [
          [1, 2],
          [0, 2],
          [0, 1],
        ];
  return degrees.reduce<number[]>((product, angle, index) => {
    const [a, b] = planes[index] as [number, number];
    const radians = (angle * Math.PI) / 180;
    const turn = identityOf(rank);
    turn[a * rank + a] = turn[b * rank + b] = Math.cos(radians);
    turn[a * rank + b] = -Math.sin(radians);
    turn[b * rank + a] = Math.sin(radians);
    return product.map((_, i) => {
      const [row, column] = [Math.floor(i / rank), i % rank];
      return turn
        .slice(row * rank, (row + 1) * rank)
        .reduce((sum, value, k) => sum + value * product[k * rank + column]!, 0);
    });
  }, identityOf(rank));
}

/** Draws the displacements of a deformation; beyond 0.4 of their distance a spline could fold. */
function controlOf(
  { spacing, deviation }: NonNullable<SpatialAugmentation["elastic"]>,
  size: readonly number[],
  random: Random,
): Tensor<"float64"> {
  const points = size.map((n) => Math.max(1, Math.round((n - 1) / spacing)) + 3);
  const count = points.reduce((product, n) => product * n, size.length);
  const limit = 0.4 * spacing;
  const data = Float64Array.from({ length: count }, () =>
    Math.max(-limit, Math.min(limit, deviation * random.normal())),
  );
  return { type: "float64", dims: [size.length, ...points], data };
}

/**
 * Returns the window of a case of `spatial` dims that a warp reads: every pixel around its places, those
 * beyond the case being at its border.
 */
export function readBy({ size, matrix, offset, control }: Warp, spatial: readonly number[]): Window {
  const rank = size.length;
  const points = control === undefined ? 0 : control.data.length / rank;
  const ends = spatial.map((extent, axis) => {
    // The extremes of a linear map lie at corners; a spline stays within its control points.
    let [least, greatest] = [offset[axis]!, offset[axis]!];
    for (let from = 0; from < rank; from++) {
      const far = matrix[axis * rank + from]! * (size[from]! - 1);
      if (far < 0) least += far;
      else greatest += far;
    }
    const moved = control?.data.subarray(axis * points, (axis + 1) * points) ?? Float64Array.of(0);
    least += moved.reduce((a, b) => Math.min(a, b));
    greatest += moved.reduce((a, b) => Math.max(a, b));
    // One pixel more on each side: places at a border may round to either side of it.
    const within = (at: number): number => Math.max(0, Math.min(extent - 1, at));
    return [within(Math.floor(least) - 1), within(Math.ceil(greatest) + 1)] as const;
  });
  return {
    origin: ends.map(([first]) => first),
    size: ends.map(([first, last]) => last - first + 1),
  };
}

/** Returns the warp that reads from a window of the case what `warp` reads from the whole. */
export const withinWindow = (warp: Warp, { origin }: Window): Warp => ({
  ...warp,
  offset: warp.offset.map((at, axis) => at - origin[axis]!),
});

/** Returns a warped window of an array whose last axes are the case's; numbers of labels stay whole. */
export async function warpArray(array: Tensor, warp: Warp): Promise<Tensor> {
  const leading = array.dims.slice(0, array.dims.length - warp.size.length);
  const planes = leading.reduce((product, n) => product * n, 1);
  const stacked = { ...array, dims: [planes, ...array.dims.slice(leading.length)] };
  const { type } = array;
  const warped =
    type === "float32"
      ? await warpImage(stacked as Tensor<"float32">, warp)
      : await warpLabels(stacked as Tensor<"uint8" | "int32">, warp);
  return { ...warped, dims: [...leading, ...warp.size] } as Tensor;
}

/** Returns a warped window of a case: of its image, its labels and the further arrays that are spatial. */
export async function warpCase(item: DatasetCase, warp: Warp): Promise<DatasetCase> {
  const spatial = item.labels.dims;
  const extras = Object.entries(item.extras).map(async ([name, array]): Promise<[string, Tensor]> => {
    const ends = array.dims.slice(array.dims.length - spatial.length);
    return [name, sameDims(ends, spatial) ? await warpArray(array, warp) : array];
  });
  const [image, labels, further] = await Promise.all([
    warpArray(item.image as Tensor, warp),
    warpArray(item.labels as Tensor, warp),
    Promise.all(extras),
  ]);
  return {
    ...item,
    image: image as Tensor<"float32">,
    labels: labels as DatasetCase["labels"],
    extras: Object.fromEntries(further),
  };
}
