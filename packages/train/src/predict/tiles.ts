import { elementCount, invalidArgument, type Tensor, tensor, zeros } from "@pixelcal/core";

/** The layout of the tiles of a large image; sizes in pixels, one per spatial axis. */
export interface TileOptions {
  readonly tile: readonly number[];
  /** The share of a tile that overlaps its neighbour, 0 to below 1; 1/2 by default. */
  readonly overlap?: number;
  /**
   * Weight of a tile's prediction: "gaussian" (default) falls off from the centre, "constant" is a plain
   * mean.
   */
  readonly blending?: "gaussian" | "constant";
}

/**
 * Returns where tiles start along an axis: evenly spaced, both ends covered, with at least the given overlap.
 * A smaller image lies in the middle of its tile, which starts before it.
 */
export function tileStarts(size: number, tile: number, overlap: number): number[] {
  if (size <= tile) return [0 - Math.floor((tile - size) / 2)];
  const step = Math.max(1, Math.floor(tile * (1 - overlap)));
  const count = Math.ceil((size - tile) / step) + 1;
  return Array.from({ length: count }, (_, i) => Math.round((i * (size - tile)) / (count - 1)));
}

/** Throws `InvalidArgumentError` unless the options are valid, for images of `axes` spatial axes if given. */
export function checkTiles({ tile, overlap, blending }: Partial<TileOptions>, axes?: number): void {
  if (tile !== undefined) {
    const sizes = Array.isArray(tile) && tile.every((n) => Number.isSafeInteger(n) && n >= 1);
    if (!sizes || (axes !== undefined && tile.length !== axes))
      throw invalidArgument("tile", `${axes ?? "2 or 3"} sizes of 1 or more`, tile);
    if (elementCount(tile) > 2 ** 32) throw invalidArgument("tile", "at most 2^32 pixels", tile);
  }
  if (overlap !== undefined && !(typeof overlap === "number" && overlap >= 0 && overlap < 1))
    throw invalidArgument("overlap", "0 to below 1", overlap);
  if (blending !== undefined && blending !== "gaussian" && blending !== "constant")
    throw invalidArgument("blending", "gaussian or constant", blending);
}

/**
 * Returns every tile's first pixel in an image of `size`, in row-major order. Throws `InvalidArgumentError`
 * for options that do not fit.
 */
export function tileOrigins(size: readonly number[], options: TileOptions): number[][] {
  const { tile, overlap = 0.5 } = options;
  checkTiles(options, size.length);
  return size
    .map((n, axis) => tileStarts(n, tile[axis]!, overlap))
    .reduce<number[][]>(
      (all, starts) => all.flatMap((origin) => starts.map((start) => [...origin, start])),
      [[]],
    );
}

/**
 * Returns positive weights along one axis: a Gaussian with sigma = tile / 8, at least 1e-3 of its peak, or
 * ones.
 */
function axisWeights(tile: number, blending: TileOptions["blending"]): Float64Array {
  const centre = (tile - 1) / 2;
  const sigma = tile / 8;
  return Float64Array.from({ length: tile }, (_, i) =>
    blending === "constant" ? 1 : Math.max(1e-3, Math.exp(-0.5 * ((i - centre) / sigma) ** 2)),
  );
}

/** Returns the weight of each pixel of a tile, row-major. */
export function tileWeights(options: TileOptions): Float64Array {
  let weights = Float64Array.of(1);
  for (const size of options.tile) {
    const line = axisWeights(size, options.blending);
    const next = new Float64Array(weights.length * size);
    weights.forEach((weight, i) => {
      for (let j = 0; j < size; j++) next[i * size + j] = weight * line[j]!;
    });
    weights = next;
  }
  return weights;
}

/**
 * Calls `visit(inTile, inImage)` with the first pixel of each run along the last axis that a tile and the
 * image share, as row-major offsets, and the run's `length`. The tile may begin before the image.
 */
export function overlapRuns(
  tile: readonly number[],
  size: readonly number[],
  origin: readonly number[],
  visit: (inTile: number, inImage: number, length: number) => void,
): void {
  const last = size.length - 1;
  const [first, end] = [
    origin.map((n) => Math.max(0, -n)),
    tile.map((n, axis) => Math.min(n, size[axis]! - origin[axis]!)),
  ];
  if (end.some((n, axis) => n <= first[axis]!)) return;
  const walk = (axis: number, inTile: number, inImage: number): void => {
    if (axis === last) {
      const begin = first[last]!;
      visit(inTile * tile[last]! + begin, inImage * size[last]! + origin[last]! + begin, end[last]! - begin);
      return;
    }
    for (let i = first[axis]!; i < end[axis]!; i++) {
      walk(axis + 1, inTile * tile[axis]! + i, inImage * size[axis]! + origin[axis]! + i);
    }
  };
  walk(0, 0, 0);
}

/** The probabilities [classes, ...tile] of a tile, the weights of its pixels and its first pixel's place. */
interface PredictedTile {
  readonly probs: Float32Array;
  readonly weights: Float32Array;
  readonly tile: readonly number[];
  readonly place: readonly number[];
}

/** Weighted sums [classes, ...size] of a box of an image, those of the weights, and where the box begins. */
interface TileSums {
  readonly sums: Float32Array;
  readonly total: Float32Array;
  readonly size: readonly number[];
  readonly origin: readonly number[];
}

/** Adds what a tile and a box share to the box's sums. */
export function addTile({ probs, weights, tile, place }: PredictedTile, box: TileSums): void {
  const { sums, total, size } = box;
  const [tilePixels, pixels] = [elementCount(tile), elementCount(size)];
  const start = place.map((n, axis) => n - box.origin[axis]!);
  overlapRuns(tile, size, start, (inTile, inBox, length) => {
    for (let i = 0; i < length; i++) total[inBox + i]! += weights[inTile + i]!;
  });
  const classes = sums.length / pixels;
  // Class by class, as both arrays lie in memory.
  for (let c = 0; c < classes; c++)
    overlapRuns(tile, size, start, (inTile, inBox, length) => {
      const [from, to] = [c * tilePixels + inTile, c * pixels + inBox];
      for (let i = 0; i < length; i++) sums[to + i]! += weights[inTile + i]! * probs[from + i]!;
    });
}

/**
 * Returns a tile [1, C, ...tile] of an image [C, ...spatial], 0 beyond it: after normalisation, what nnU-Net
 * and MONAI put there.
 */
export function tileOf(
  image: Tensor<"float32">,
  origin: readonly number[],
  tile: readonly number[],
): Tensor<"float32"> {
  const [channels = 0, ...size] = image.dims;
  const [pixels, tilePixels] = [elementCount(size), elementCount(tile)];
  const { data } = zeros("float32", [channels, ...tile]);
  for (let c = 0; c < channels; c++)
    overlapRuns(tile, size, origin, (inTile, inImage, length) => {
      const from = c * pixels + inImage;
      data.set(image.data.subarray(from, from + length), c * tilePixels + inTile);
    });
  return tensor("float32", data, [1, channels, ...tile]);
}

/** Returns a copy reversed along some axes. */
export function mirror({ data, dims }: Tensor<"float32">, axes: readonly number[]): Tensor<"float32"> {
  const out = new Float32Array(data.length);
  const last = dims.length - 1;
  const width = dims[last]!;
  const reversed = axes.includes(last);
  const walk = (axis: number, from: number, to: number): void => {
    if (axis === last) {
      const row = out.subarray(to * width, (to + 1) * width);
      row.set(data.subarray(from * width, (from + 1) * width));
      if (reversed) row.reverse();
      return;
    }
    const size = dims[axis]!;
    const turned = axes.includes(axis);
    for (let i = 0; i < size; i++) walk(axis + 1, from * size + i, to * size + (turned ? size - 1 - i : i));
  };
  walk(0, 0, 0);
  return tensor("float32", out, dims);
}
