import { elementCount, invalidArgument, type Random, type Tensor, type TypedArrays } from "@pixelcal/core";

/**
 * A symmetry of the grid: axis i of the result is spatial axis `from[i]` of the source, read backwards where
 * `reversed[i]`.
 */
export interface Transform {
  readonly from: readonly number[];
  readonly reversed: readonly boolean[];
}

export function identity(rank: number): Transform {
  return { from: Array.from({ length: rank }, (_, i) => i), reversed: new Array<boolean>(rank).fill(false) };
}

export function isIdentity({ from, reversed }: Transform): boolean {
  return from.every((axis, i) => axis === i && !reversed[i]);
}

/** Mirrors one spatial axis. */
export function flip(rank: number, axis: number): Transform {
  return { from: identity(rank).from, reversed: identity(rank).from.map((i) => i === axis) };
}

/**
 * Rotates by quarter turns in the plane of two axes, from the first towards the second: numpy.rot90(m,
 * turns, axes).
 */
export function rotation(rank: number, [a, b]: readonly [number, number], turns: number): Transform {
  const from = [...identity(rank).from];
  const reversed = [...identity(rank).reversed];
  // numpy: one turn is the transpose of the array flipped along b.
  from[a] = b;
  from[b] = a;
  reversed[a] = true;
  const quarter: Transform = { from, reversed };
  let result = identity(rank);
  for (let i = 0; i < ((turns % 4) + 4) % 4; i++) result = compose(result, quarter);
  return result;
}

/** Returns the symmetry that applies `first`, then `second`. */
export function compose(first: Transform, second: Transform): Transform {
  return {
    from: second.from.map((axis) => first.from[axis]!),
    reversed: second.from.map((axis, i) => second.reversed[i] !== first.reversed[axis]),
  };
}

type Words = Uint8Array | Uint16Array | Uint32Array;

// Elements are moved as unsigned words, never as numbers, so that every bit survives, NaN payloads included.
function words(data: TypedArrays[keyof TypedArrays]): Words {
  const { buffer, byteOffset, byteLength, BYTES_PER_ELEMENT: width } = data;
  if (width === 1) return new Uint8Array(buffer, byteOffset, byteLength);
  if (width === 2) return new Uint16Array(buffer, byteOffset, byteLength / 2);
  return new Uint32Array(buffer, byteOffset, byteLength / 4);
}

/**
 * Writes `source` with its last `transform.from.length` axes transformed into `target` from element `offset`
 * on. Leading axes are kept. Both hold elements of one type.
 */
export function place(source: Tensor, target: Tensor, offset: number, transform: Transform): void {
  const from = words(source.data);
  const to = words(target.data);
  const perElement = source.data.length === 0 ? 1 : from.length / source.data.length;
  if (isIdentity(transform)) {
    to.set(from, offset * perElement);
    return;
  }
  const rank = transform.from.length;
  const leading = source.dims.length - rank;
  // An 8-byte element is two words: one more axis that never moves.
  const dims = [...source.dims, perElement];
  const strides = dims.map((_, axis) => elementCount(dims.slice(axis + 1)));
  const outer = elementCount(dims.slice(0, leading));
  const axes = [...transform.from.map((axis) => leading + axis), leading + rank];
  const size = axes.map((axis) => dims[axis]!);
  const step = axes.map((axis, i) => (transform.reversed[i] ? -strides[axis]! : strides[axis]!));
  const start = axes.reduce(
    (sum, axis, i) => sum + (transform.reversed[i] ? strides[axis]! * (dims[axis]! - 1) : 0),
    0,
  );
  const block = elementCount(size);
  const index = new Array<number>(size.length).fill(0);
  let at = offset * perElement;
  for (let n = 0; n < outer; n++) {
    let position = n * block + start;
    for (let i = 0; i < block; i++) {
      to[at++] = from[position]!;
      for (let axis = size.length - 1; axis >= 0; axis--) {
        position += step[axis]!;
        if (++index[axis]! < size[axis]!) break;
        position -= step[axis]! * size[axis]!;
        index[axis] = 0;
      }
    }
  }
}

/** The symmetries a loader may apply, as spatial axes of a case. */
export interface Symmetries {
  /** Axes to mirror, each with probability 1/2. */
  readonly flips?: readonly number[];
  /**
   * Planes to turn by 0, 90, 180 or 270 degrees with equal probability. Both axes need the same size and
   * spacing.
   */
  readonly rotations?: readonly (readonly [number, number])[];
}

/** Throws InvalidArgumentError unless every axis of `symmetries` exists. */
export function checkSymmetries({ flips = [], rotations = [] }: Symmetries, rank: number): void {
  const valid = (axis: number): boolean => Number.isInteger(axis) && axis >= 0 && axis < rank;
  if (!Array.isArray(flips) || !flips.every(valid))
    throw invalidArgument("augment.flips", `spatial axes from 0 to ${rank - 1}`, flips);
  const pairs = `pairs of different spatial axes from 0 to ${rank - 1}`;
  if (!Array.isArray(rotations)) throw invalidArgument("augment.rotations", pairs, rotations);
  for (const pair of rotations)
    if (!Array.isArray(pair) || pair.length !== 2 || !pair.every(valid) || pair[0] === pair[1])
      throw invalidArgument("augment.rotations", pairs, pair);
}

/**
 * Draws one symmetry. Draws follow the axes' order, so a generator in the same state gives the same symmetry.
 */
export function drawTransform(augmentation: Symmetries, rank: number, random: Random): Transform {
  let result = identity(rank);
  for (const axis of augmentation.flips ?? []) {
    if (random.integer(2) === 1) result = compose(result, flip(rank, axis));
  }
  for (const pair of augmentation.rotations ?? []) {
    result = compose(result, rotation(rank, pair, random.integer(4)));
  }
  return result;
}
