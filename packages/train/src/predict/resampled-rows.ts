import { elementCount, InvalidArgumentError } from "@pixelcal/core";
import { inTurns } from "../data/in-turns.js";

/** The grid of a label map, onto which probabilities are resampled as `resampleImage` resamples an image. */
export interface LabelGrid {
  /** The size of the map per spatial axis. */
  readonly size: readonly number[];
  /** The interpolation of each axis. */
  readonly interpolation: readonly ("linear" | "nearest")[];
}

/** Where the results along an axis lie between two pixels: (1 - share) of `low`, `share` of `high`. */
export interface Taps {
  readonly low: Int32Array;
  readonly high: Int32Array;
  readonly share: Float64Array;
}

/** Returns where the `to` results of an axis of `from` pixels lie; both cover the same length. */
export function tapsOf(from: number, to: number, interpolation: LabelGrid["interpolation"][number]): Taps {
  const [low, high, share] = [new Int32Array(to), new Int32Array(to), new Float64Array(to)];
  const inside = (pixel: number): number => Math.min(from - 1, Math.max(0, pixel));
  for (let i = 0; i < to; i++) {
    const at = ((i + 0.5) * from) / to - 0.5;
    const below = Math.floor(interpolation === "nearest" ? at + 0.5 : at);
    low[i] = inside(below);
    high[i] = interpolation === "nearest" ? low[i]! : inside(below + 1);
    share[i] = interpolation === "nearest" ? 0 : at - below;
  }
  return { low, high, share };
}

/** A box of all axes but the first. */
export interface Column {
  readonly origin: readonly number[];
  readonly size: readonly number[];
}

/** Returns the pixels that the results of a column are interpolated between. */
export function sourceOf({ origin, size }: Column, taps: readonly Taps[]): Column {
  const first = origin.map((at, axis) => taps[axis]!.low[at]!);
  return {
    origin: first,
    size: size.map((n, axis) => taps[axis]!.high[origin[axis]! + n - 1]! - first[axis]! + 1),
  };
}

/** Weighted sums of probabilities [classes, ...block] and the weights' own; the first `rows` are complete. */
interface Sums {
  readonly sums: Float32Array;
  readonly total: Float32Array;
  readonly block: readonly number[];
  readonly rows: number;
}

/** The labels of a row of a column, one for each of its pixels. */
type WriteRow = (row: number, labels: Uint16Array) => void;

/**
 * Labels the rows of a column of the map one by one, as soon as the rows of probabilities that they lie
 * between are complete. The first axis comes first, as `resampleImage` has it, so that all bits are its own.
 */
export class ResampledRows {
  readonly #rows: Taps;
  readonly #columns: readonly [Taps, Taps];
  readonly #column: Column;
  readonly #source: Column;
  readonly #classOrder: readonly number[] | undefined;
  /** The next row of the map, and the first row of the image whose sums are given next. */
  #next = 0;
  #top = 0;
  /** The last complete row [classes, ...source]: a row of the map may lie behind it. */
  #last: Float32Array;

  constructor(
    column: Column,
    taps: readonly [Taps, ...Taps[]],
    classes: number,
    classOrder: readonly number[] | undefined,
  ) {
    const [rows, ...others] = taps;
    const flat = tapsOf(1, 1, "nearest");
    this.#rows = rows;
    this.#columns = others.length === 1 ? [flat, others[0]!] : [others[0]!, others[1]!];
    const planar = (box: Column): Column =>
      others.length === 1 ? { origin: [0, ...box.origin], size: [1, ...box.size] } : box;
    this.#column = planar(column);
    this.#source = planar(sourceOf(column, others));
    this.#classOrder = classOrder;
    this.#last = new Float32Array(classes * elementCount(this.#source.size));
  }

  /** Takes further complete rows and passes the labels of the map's rows that can be made now to `write`. */
  async add(given: Sums, write: WriteRow): Promise<void> {
    const area = elementCount(this.#source.size);
    const end = this.#top + given.rows;
    const { low, high } = this.#rows;
    for (; this.#next < low.length && high[this.#next]! < end; this.#next++)
      write(this.#next, await this.#labels(this.#next, given));
    const classes = this.#last.length / area;
    const last = new Float32Array(this.#last.length);
    for (let c = 0; c < classes; c++) last.set(this.#row(c, end - 1, given), c * area);
    this.#last = last;
    this.#top = end;
  }

  /** Returns a row [...source] of the probabilities of a class, rounded as `predict` does. */
  #row(c: number, row: number, { sums, total, block }: Sums): Float32Array {
    const area = elementCount(this.#source.size);
    if (row < this.#top) return this.#last.subarray(c * area, (c + 1) * area);
    const at = (row - this.#top) * area;
    const from = c * elementCount(block) + at;
    const made = new Float32Array(area);
    for (let i = 0; i < area; i++) made[i] = sums[from + i]! / total[at + i]!;
    return made;
  }

  async #labels(row: number, given: Sums): Promise<Uint16Array> {
    const [height, width] = this.#column.size as [number, number];
    const [sourceHeight, sourceWidth] = this.#source.size as [number, number];
    const [low, high, share] = [this.#rows.low[row]!, this.#rows.high[row]!, this.#rows.share[row]!];
    const classOrder = this.#classOrder;
    const best = new Float32Array(height * width).fill(classOrder ? 0.5 : Number.NEGATIVE_INFINITY);
    const labels = new Uint16Array(height * width);
    const between = new Float32Array(sourceHeight * sourceWidth);
    const line = new Float32Array(sourceWidth);
    const [down, across] = this.#columns;
    const classes = this.#last.length / between.length;
    await inTurns(classes * best.length, (begin, end) => {
      // Whole classes, as many as begin in this part.
      for (let c = Math.ceil(begin / best.length); c * best.length < end; c++) {
        const [a, b] = [this.#row(c, low, given), this.#row(c, high, given)];
        for (let i = 0; i < between.length; i++) between[i] = (1 - share) * a[i]! + share * b[i]!;
        const label = classOrder?.[c] ?? c;
        for (let y = 0; y < height; y++) {
          const at = this.#column.origin[0]! + y;
          const up = (down.low[at]! - this.#source.origin[0]!) * sourceWidth;
          const under = (down.high[at]! - this.#source.origin[0]!) * sourceWidth;
          const part = down.share[at]!;
          for (let x = 0; x < sourceWidth; x++)
            line[x] = (1 - part) * between[up + x]! + part * between[under + x]!;
          for (let x = 0; x < width; x++) {
            const to = this.#column.origin[1]! + x;
            const left = line[across.low[to]! - this.#source.origin[1]!]!;
            const right = line[across.high[to]! - this.#source.origin[1]!]!;
            const p = Math.fround((1 - across.share[to]!) * left + across.share[to]! * right);
            const pixel = y * width + x;
            if (p > best[pixel]!) {
              labels[pixel] = label;
              if (classOrder === undefined) best[pixel] = p;
            } else if (Number.isNaN(p)) {
              throw new InvalidArgumentError("image", "image: the network's outputs are not finite");
            }
          }
        }
      }
    });
    return labels;
  }
}
