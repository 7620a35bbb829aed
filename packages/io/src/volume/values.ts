import { setImmediate as nextTurn } from "node:timers/promises";
import type { DataType, TypedArrays } from "@pixelcal/core";
import { elements } from "../element.js";
import { pieces } from "../regular-file.js";
import { swapBytes } from "../reorder.js";

/** Elements that are worked on before other work on the event loop gets its turn. */
const turn = 2 ** 21;

/** Views bytes as numbers. Bytes that do not lie at a multiple of the width are moved, within their buffer where that is theirs. */
export async function numbersOf(
  type: DataType,
  bytes: Uint8Array,
  bigEndian: boolean,
): Promise<TypedArrays[DataType]> {
  const { bytes: width, view } = elements[type];
  const aligned = bytes.byteOffset % width === 0 ? bytes : bytes.slice();
  if (bigEndian && width > 1)
    for (const piece of pieces(aligned, turn * 8)) {
      swapBytes(piece, width);
      if (aligned.length > turn * 8) await nextTurn();
    }
  return view(aligned.buffer, aligned.byteOffset, aligned.length / width);
}

/**
 * Moves the axis of channels behind all others: data of [after][channels][before] elements, `before` fastest, becomes
 * [channels][after][before].
 */
export async function channelsLast<A extends TypedArrays[DataType]>(
  data: A,
  before: number,
  channels: number,
): Promise<A> {
  const after = data.length / (before * channels);
  if (after === 1 || channels === 1) return data;
  const out = new (data.constructor as new (length: number) => A)(data.length);
  let done = 0;
  for (let channel = 0; channel < channels; channel++) {
    for (let i = 0; i < after; i++) {
      const from = (i * channels + channel) * before;
      const to = (channel * after + i) * before;
      if (before === 1) out[to] = data[from] as A[number];
      else out.set(data.subarray(from, from + before) as never, to);
      done += before;
      if (done >= turn) {
        done = 0;
        await nextTurn();
      }
    }
  }
  return out;
}
