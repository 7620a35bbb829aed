import { graphError } from "../errors.js";
import type { Value } from "../ir.js";
import { Abs, Add, Cast, Clip, Floor, Greater, Less, Mod, Mul, Not, Or, Round, Sub } from "./elementwise.js";
import { GatherElements } from "./indexing.js";
import { Expand, Reshape } from "./movement.js";
import { Slice } from "./slicing.js";
import { sizeOf } from "./spec.js";

export interface GridSampleOptions {
  readonly mode?: "linear" | "nearest";
  readonly padding_mode?: "zeros" | "border" | "reflection";
  readonly align_corners?: number;
}

/** A place along one axis that is read, and how much of it. */
interface Tap {
  /** A whole number, inside the axis. */
  readonly at: Value;
  readonly weight: Value | undefined;
}

/**
 * Reads x [N, C, ...spatial] at the places of `grid` [N, ...out, axes], which lists the last axis first; -1
 * and 1 are the ends of an axis. Linear interpolation is one gather per corner.
 */
export function GridSample(x: Value, grid: Value, options: GridSampleOptions = {}): Value {
  const { mode = "linear", padding_mode = "zeros" } = options;
  const modes = ["linear", "nearest"];
  if (!modes.includes(mode)) throw graphError("GridSample.mode", modes.join(" or "), mode);
  const paddings = ["zeros", "border", "reflection"];
  if (!paddings.includes(padding_mode))
    throw graphError("GridSample.padding_mode", paddings.join(", "), padding_mode);
  const [n, c, ...spatial] = x.dims as [number, number, ...number[]];
  const axes = spatial.length;
  if (grid.dims.length !== axes + 2 || grid.dims[0] !== n || grid.dims.at(-1) !== axes)
    throw graphError("GridSample", `a grid [${n}, ..., ${axes}] of rank ${axes + 2}`, grid.dims);
  const out = grid.dims.slice(1, -1);
  const places = Reshape(grid, [n, 1, sizeOf(out), axes]);
  const taps = spatial.map((size, axis) => {
    const last = axes - 1 - axis;
    const along = Reshape(Slice(places, [last], [last + 1], [3]), [n, 1, -1]);
    return tapsOf(along, size, { mode, padding_mode, align_corners: options.align_corners ?? 0 });
  });
  const flat = Reshape(x, [n, c, sizeOf(spatial)]);
  const corners = taps.reduce<readonly Tap[][]>(
    (all, each) => all.flatMap((corner) => each.map((tap) => [...corner, tap])),
    [[]],
  );
  const read = corners.map((corner) => {
    const at = corner.map((tap) => tap.at).reduce((sum, next, axis) => Add(Mul(sum, spatial[axis]!), next));
    const index = Expand(Cast(at, "int32"), [n, c, sizeOf(out)]);
    const weights = corner.flatMap(({ weight }) => (weight === undefined ? [] : [weight]));
    return weights.reduce((value, weight) => Mul(value, weight), GatherElements(flat, index, 2));
  });
  return Reshape(
    read.reduce((a, b) => Add(a, b)),
    [n, c, ...out],
  );
}

function tapsOf(along: Value, size: number, options: Required<GridSampleOptions>): readonly Tap[] {
  const { mode, padding_mode, align_corners } = options;
  const scale = align_corners ? (size - 1) / 2 : size / 2;
  const [low, high] = align_corners ? [0, size - 1] : [-0.5, size - 0.5];
  let place = Add(Mul(along, scale), (size - 1) / 2);
  if (mode === "nearest") place = Round(place);
  if (padding_mode === "reflection") place = reflected(place, low, high);
  if (padding_mode !== "zeros") place = Clip(place, 0, size - 1);
  if (mode === "nearest") return [tap(Round(place), undefined, size, padding_mode)];
  const first = Floor(place);
  const rest = Sub(place, first);
  return [tap(first, Sub(1, rest), size, padding_mode), tap(Add(first, 1), rest, size, padding_mode)];
}

/** Reads one tap: positions outside count as zero, or were moved inside before. */
function tap(at: Value, weight: Value | undefined, size: number, padding: string): Tap {
  const inside = Clip(at, 0, size - 1);
  if (padding !== "zeros") return { at: inside, weight };
  const counts = Cast(Not(Or(Less(at, 0), Greater(at, size - 1))), at.type);
  return { at: inside, weight: weight === undefined ? counts : Mul(weight, counts) };
}

/** Mirrors a place at both ends until it lies between them. */
function reflected(place: Value, low: number, high: number): Value {
  const span = high - low;
  if (span <= 0) return Mul(place, 0);
  const folded = Mod(Abs(Sub(place, low)), 2 * span, { fmod: 1 });
  return Add(Sub(span, Abs(Sub(folded, span))), low);
}
