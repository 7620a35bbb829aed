import {
  checkOptions,
  checkTensor,
  elementCount,
  InvalidArgumentError,
  invalidArgument,
  optionNames,
  type Tensor,
} from "@pixelcal/core";
import { inTurns } from "../data/in-turns.js";
import { checkPredictOptions, flipped, type PredictOptions, type ProbabilityModel } from "./predict.js";
import { addTile, type TileOptions, tileOf, tileStarts, tileWeights } from "./tiles.js";

/** A label map [...spatial] in the smallest type that holds its labels. */
export type LabelMap = Tensor<"uint8"> | Tensor<"uint16">;

export interface PredictLabelsOptions extends Omit<PredictOptions, keyof TileOptions>, TileOptions {
  /** The label that each channel above one half writes, if channels are sigmoid heads; see `regionLabels`. */
  readonly classOrder?: readonly number[];
  /** The most bytes of sums of probabilities to keep, at least those of one column of pixels; 512 MiB. */
  readonly sumBytes?: number;
}

const names = optionNames<PredictLabelsOptions>({
  tile: true,
  overlap: true,
  blending: true,
  flips: true,
  classOrder: true,
  sumBytes: true,
});

/**
 * Returns the label map [...spatial] of one image [C, ...spatial] from overlapping tiles: the likeliest class
 * of what `predict` returns, to the bit, without holding the probabilities of more than a column of the image
 * as deep as a tile. An image of more than one column has the tiles at their borders predicted once for each.
 * Throws `InvalidArgumentError` for an image or options that do not fit, and for probabilities that are NaN.
 */
export async function predictLabels(
  model: ProbabilityModel,
  image: Tensor<"float32">,
  options: PredictLabelsOptions,
): Promise<LabelMap> {
  checkOptions("options", options, names);
  checkTensor("image", image, ["float32"], [3, 4]);
  const { tile, overlap = 0.5, flips = [], classOrder, sumBytes = 2 ** 29 } = options;
  if (tile === undefined) throw invalidArgument("tile", "a size per spatial axis", tile);
  checkPredictOptions({ tile, overlap, flips, blending: options.blending }, image.dims.length - 1);
  if (!(sumBytes > 0)) throw invalidArgument("sumBytes", "a number above 0", sumBytes);
  const size = image.dims.slice(1);
  const probabilities = flipped(model, flips);
  // A tile of many classes is large: every one is written where the one before it was.
  let room: Tensor<"float32"> | undefined;
  const at = async (origin: readonly number[]): Promise<Tensor<"float32">> => {
    room = await probabilities(tileOf(image, origin, tile), room);
    return room;
  };
  // The number of classes is known from the first tile on, which the first column needs, too.
  const { dims } = await at(size.map(() => 0));
  const classes = dims[1]!;
  let isFirst = true;
  if (classOrder !== undefined && classOrder.length !== classes)
    throw invalidArgument("classOrder", `${classes} labels, one a region`, classOrder.length);
  const large = classOrder ? classOrder.some((label) => label > 255) : classes > 256;
  const map = large ? new Uint16Array(elementCount(size)) : new Uint8Array(elementCount(size));
  const weights = Float32Array.from(tileWeights(options));
  const starts = size.map((n, axis) => tileStarts(n, tile[axis]!, overlap));
  const depth = Math.min(tile[0]!, size[0]!);
  for (const column of columnsOf(size, Math.max(1, sumBytes / (4 * classes * depth)))) {
    const block = [depth, ...column.size];
    const sums = new Float32Array(classes * elementCount(block));
    const total = new Float32Array(elementCount(block));
    const corners = cornersIn(column, starts.slice(1), tile.slice(1));
    for (const [k, top] of starts[0]!.entries()) {
      const origin = [top, ...column.origin];
      for (const corner of corners) {
        const place = [top, ...corner];
        if (!isFirst) await at(place);
        isFirst = false;
        addTile({ probs: room!.data, weights, tile, place }, { sums, total, size: block, origin });
      }
      // No later tile holds the rows above the next one's first.
      const rows = (starts[0]![k + 1] ?? top + depth) - top;
      await writeLabels(map, { sums, total, block, origin, rows }, { size, classes, classOrder });
      shift(sums, classes, block, rows);
      shift(total, 1, block, rows);
    }
  }
  return map instanceof Uint8Array
    ? { type: "uint8", dims: size, data: map }
    : { type: "uint16", dims: size, data: map };
}

/** A box of all axes but the first. */
interface Column {
  readonly origin: readonly number[];
  readonly size: readonly number[];
}

/** Returns columns of at most `most` pixels each that make up an image, halved along their longest axis. */
function columnsOf([, ...size]: readonly number[], most: number): readonly Column[] {
  const parts = size.map(() => 1);
  const extent = (axis: number): number => Math.ceil(size[axis]! / parts[axis]!);
  const extents = (): number[] => size.map((_, axis) => extent(axis));
  while (elementCount(extents()) > most && Math.max(...extents()) > 1) {
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
  const width = block.at(-1)!;
  for (let from = 0; from < count; from += width) {
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
