import type { PixelLayout } from "./pixel-layout.js";

type Whole = Uint8Array | Int8Array | Uint16Array | Int16Array | Uint32Array | Int32Array;

const views = {
  uint8: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  uint32: Uint32Array,
  int32: Int32Array,
} as const;

/**
 * Keeps of each sample the bits that are used, moved down and with their sign extended. Older files hold
 * overlays in the others. Returns whether a value changed by it.
 */
export function keepUsedBits(frame: Uint8Array, { stored, low, allocated, type }: PixelLayout): boolean {
  if (stored === allocated || allocated === 1 || !(type in views)) return false;
  const View = views[type as keyof typeof views];
  const { BYTES_PER_ELEMENT: width } = View;
  const values: Whole = new View(frame.buffer as ArrayBuffer, frame.byteOffset, frame.byteLength / width);
  // The shifts leave the bits from `low` on at the top, and bring them down with or without their sign.
  const up = 32 - stored - low;
  const down = 32 - stored;
  const signed = type.startsWith("int");
  let changed = false;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    const moved = value << up;
    const kept = signed ? moved >> down : moved >>> down;
    if (kept !== value) {
      values[i] = kept;
      changed = true;
    }
  }
  return changed;
}

/** Unpacks samples of one bit, the lowest first, from bit `first` of the bytes on, to bytes of 0 or 1. */
export function unpackBits(packed: Uint8Array, first: number, out: Uint8Array): void {
  for (let i = 0; i < out.length; i++) {
    const bit = first + i;
    out[i] = (packed[bit >>> 3]! >>> (bit & 7)) & 1;
  }
}
