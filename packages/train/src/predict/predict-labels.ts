import {
  checkOptions,
  checkTensor,
  elementCount,
  InvalidArgumentError,
  invalidArgument,
  optionNames,
  sameDims,
  type Tensor,
} from "@pixelcal/core";
import { inTurns } from "../data/in-turns.js";
import { checkPredictOptions, flipped, type PredictOptions, type ProbabilityModel } from "./predict.js";
import { type Column, type LabelGrid, ResampledRows, sourceOf, type Taps, tapsOf } from "./resampled-rows.js";
import { addTile, type TileOptions, tileOf, tileStarts, tileWeights } from "./tiles.js";

/** A label map [...spatial] in the smallest type that holds its labels. */
export type LabelMap = Tensor<"uint8"> | Tensor<"uint16">;

export interface PredictLabelsOptions extends Omit<PredictOptions, keyof TileOptions>, TileOptions {
  /** The label that each channel above one half writes, if channels are sigmoid heads; see `regionLabels`. */
  readonly classOrder?: readonly number[];
  /** The grid of the map; the image's own by default. */
  readonly grid?: LabelGrid;
  /** The most bytes of sums of probabilities to keep, at least those of one column of pixels; 512 MiB. */
  readonly sumBytes?: number;
}

const names = optionNames<PredictLabelsOptions>({
  tile: true,
  overlap: true,
  blending: true,
  flips: true,
  classOrder: true,
  grid: true,
  sumBytes: true,
});

/**
 * Returns the label map [...spatial] of one image [C, ...spatial] from overlapping tiles: the likeliest class
 * of what `predict` returns, to the bit, and with `grid` of that resampled. No more probabilities are held
 * than those of a column of the image as deep as a tile. An image of more than one column has the tiles at
 * their borders predicted once for each. Throws `InvalidArgumentError` for an image or options that do not
 * fit, and for probabilities that are NaN.
 */
export async function predictLabels(
  model: ProbabilityModel,
  image: Tensor<"float32">,
  options: PredictLabelsOptions,
): Promise<LabelMap> {
  checkOptions("options", options, names);
  checkTensor("image", image, ["float32"], [3, 4]);
  const { tile, overlap = 0.5, flips = [], classOrder, grid, sumBytes = 2 ** 29 } = options;
  if (tile === undefined) throw invalidArgument("tile", "a size per spatial axis", tile);
  checkPredictOptions({ tile, overlap, flips, blending: options.blending }, image.dims.length - 1);
  if (!(sumBytes > 0)) throw invalidArgument("sumBytes", "a number above 0", sumBytes);
  const size = image.dims.slice(1);
  if (grid !== undefined && grid.size.length !== size.length)
    throw invalidArgument("grid.size", `${size.length} sizes`, grid.size);
  const mapSize = grid?.size ?? size;
  const resampled = !sameDims(mapSize, size);
  const taps = size.map((n, axis) =>
    tapsOf(n, mapSize[axis]!, resampled ? grid!.interpolation[axis]! : "nearest"),
  ) as [Taps, ...Taps[]];
  const probabilities = flipped(model, flips);
  // A tile of many classes is large: every one is written where the one before it was.
  let room: Tensor<"float32"> | undefined;
  const at = async (origin: readonly number[]): Promise<Tensor<"float32">> => {
    room = await probabilities(tileOf(image, origin, tile), room);
    return room;
  };
  const starts = size.map((n, axis) => tileStarts(n, tile[axis]!, overlap));
  // The number of classes is known from the first tile on, which the first column needs, too.
  const { dims } = await at(starts.map(([first]) => first!));
  const classes = dims[1]!;
  let isFirst = true;
  if (classOrder !== undefined && classOrder.length !== classes)
    throw invalidArgument("classOrder", `${classes} labels, one a region`, classOrder.length);
  const large = classOrder ? classOrder.some((label) => label > 255) : classes > 256;
  const map = large ? new Uint16Array(elementCount(mapSize)) : new Uint8Array(elementCount(mapSize));
  const weights = Float32Array.from(tileWeights(options));
  const depth = Math.min(tile[0]!, size[0]!);
  const pixelsAtMost = Math.max(1, sumBytes / (4 * classes * depth));
  for (const column of columnsOf(mapSize, pixelsAtMost, resampled ? size : undefined)) {
    const source = sourceOf(column, taps.slice(1));
    const block = [depth, ...source.size];
    const sums = new Float32Array(classes * elementCount(block));
    const total = new Float32Array(elementCount(block));
    const corners = cornersIn(source, starts.slice(1), tile.slice(1));
    const rowsBetween = resampled ? new ResampledRows(column, taps, classes, classOrder) : undefined;
    for (const [k, top] of starts[0]!.entries()) {
      const row = Math.max(0, top);
      const origin = [row, ...source.origin];
      for (const corner of corners) {
        const place = [top, ...corner];
        if (!isFirst) await at(place);
        isFirst = false;
        addTile({ probs: room!.data, weights, tile, place }, { sums, total, size: block, origin });
      }
      // No later tile holds the rows above the next one's first.
      const rows = (starts[0]![k + 1] ?? row + depth) - row;
      const complete = { sums, total, block, origin, rows };
      if (rowsBetween === undefined) await writeLabels(map, complete, { size, classes, classOrder });
      else
        await rowsBetween.add(complete, (at, labels) =>
          copyRows(labels, [1, ...column.size], [at, ...column.origin], map, mapSize),
        );
      shift(sums, classes, block, rows);
      shift(total, 1, block, rows);
    }
  }
  return map instanceof Uint8Array
    ? { type: "uint8", dims: mapSize, data: map }
    : { type: "uint16", dims: mapSize, data: map };
}

/**
 * Returns columns that make up a map, halved along their longest axis until they need at most `most` pixels
 * each of the image that the map is resampled from, which has the size `from`.
 */
function columnsOf(
  [, ...size]: readonly number[],
  most: number,
  from?: readonly number[],
): readonly Column[] {
  const parts = size.map(() => 1);
  const extent = (axis: number): number => Math.ceil(size[axis]! / parts[axis]!);
  const extents = (): number[] => size.map((_, axis) => extent(axis));
  // Between the pixels at both ends of a column lie those of the image, and one beyond each.
  const needed = (): number[] =>
    extents().map((n, axis) =>
      from === undefined ? n : Math.min(from[axis + 1]!, Math.ceil((n * from[axis + 1]!) / size[axis]!) + 2),
    );
  while (elementCount(needed()) > most && Math.max(...extents()) > 1) {
    const longest = extents().indexOf(Math.max(...extents()));
    parts[longest]! += 1;
  }
  return size.reduce<readonly Column[]>(
    (columns, n, axis) =>
      columns.flatMap((column) =>
        Array.from({ length: Math.ceil(n / extent(axis)) }, (_, i) => ({
          origin: [...column.origin, i * extent(axis)],
          size: [...column.size, Math.min(extent(axis), n - i * extent(axis))],
        })),
      ),
    [{ origin: [], size: [] }],
  );
}

/** Returns the first pixels of the tiles that share pixels with a column, in row-major order. */
function cornersIn(
  { origin, size }: Column,
  starts: readonly (readonly number[])[],
  tile: readonly number[],
): readonly (readonly number[])[] {
  const touching = starts.map((all, axis) =>
    all.filter((start) => start < origin[axis]! + size[axis]! && start + tile[axis]! > origin[axis]!),
  );
  return touching.reduce<readonly (readonly number[])[]>(
    (corners, own) => corners.flatMap((corner) => own.map((start) => [...corner, start])),
    [[]],
  );
}

interface Sums {
  /** [classes, ...block] */
  readonly sums: Float32Array;
  /** The sums of the weights, [...block]. */
  readonly total: Float32Array;
  readonly block: readonly number[];
  readonly origin: readonly number[];
  /** The number of rows, from the first, that are complete. */
  readonly rows: number;
}

/** Writes the labels of the complete rows into the map of the whole image. */
async function writeLabels(
  map: Uint8Array | Uint16Array,
  { sums, total, block, origin, rows }: Sums,
  {
    size,
    classes,
    classOrder,
  }: {
    readonly size: readonly number[];
    readonly classes: number;
    readonly classOrder?: readonly number[] | undefined;
  },
): Promise<void> {
  const pixels = elementCount(block);
  const count = (pixels / block[0]!) * rows;
  const best = new Float32Array(count).fill(classOrder ? 0.5 : Number.NEGATIVE_INFINITY);
  const labels = new Uint16Array(count);
  for (let c = 0; c < classes; c++) {
    const label = classOrder?.[c] ?? c;
    await inTurns(count, (begin, end) => {
      for (let i = begin; i < end; i++) {
        // As `predict` rounds it.
        const p = Math.fround(sums[c * pixels + i]! / total[i]!);
        if (p > best[i]!) {
          labels[i] = label;
          if (classOrder === undefined) best[i] = p;
        } else if (Number.isNaN(p)) {
          throw new InvalidArgumentError("image", "image: the network's outputs are not finite");
        }
      }
    });
  }
  copyRows(labels, block, origin, map, size);
}

/** Copies labels [...block], which may end after whole rows, to their place in the map [...size]. */
function copyRows(
  labels: Uint16Array,
  block: readonly number[],
  origin: readonly number[],
  map: Uint8Array | Uint16Array,
  size: readonly number[],
): void {
  const width = block.at(-1)!;
  for (let from = 0; from < labels.length; from += width) {
    let [rest, to, stride] = [from, 0, 1];
    for (let axis = block.length - 1; axis >= 0; axis--) {
      to += ((rest % block[axis]!) + origin[axis]!) * stride;
      rest = Math.floor(rest / block[axis]!);
      stride *= size[axis]!;
    }
    map.set(labels.subarray(from, from + width), to);
  }
}

/** Moves every map of a block up by some rows; rows of zeros follow. */
function shift(maps: Float32Array, count: number, block: readonly number[], rows: number): void {
  const pixels = elementCount(block);
  const step = (pixels / block[0]!) * rows;
  for (let c = 0; c < count; c++) {
    const map = maps.subarray(c * pixels, (c + 1) * pixels);
    map.copyWithin(0, step);
    map.fill(0, pixels - step);
  }
}
