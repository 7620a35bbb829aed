import { ops, type Value } from "@pixelcal/graph";

/** An image grown to the sizes that a network halves evenly, and the way back. */
export interface Padded {
  readonly image: Value;
  /** Crops maps of the grown size to the image's. */
  readonly crop: (maps: Value) => Value;
}

/** Repeats the border of an image [N, C, ...spatial] until every axis is a multiple of its number. */
export function padToMultiples(image: Value, multiples: readonly number[]): Padded {
  const size = image.dims.slice(2);
  const missing = size.map((n, axis) => (multiples[axis]! - (n % multiples[axis]!)) % multiples[axis]!);
  if (missing.every((pixels) => pixels === 0)) return { image, crop: (maps) => maps };
  const before = missing.map((n) => Math.floor(n / 2));
  const after = missing.map((n, axis) => n - before[axis]!);
  const axes = size.map((_, axis) => axis + 2);
  const ends = size.map((n, axis) => before[axis]! + n);
  return {
    image: ops.Pad(image, [0, 0, ...before, 0, 0, ...after], { mode: "edge" }),
    crop: (maps) => ops.Slice(maps, before, ends, axes),
  };
}
