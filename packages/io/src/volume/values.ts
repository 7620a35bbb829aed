import { setImmediate as nextTurn } from "node:timers/promises";
import type { DataType, TypedArrays } from "@pixelcal/core";
import { elements } from "../element.js";
import { pieces } from "../regular-file.js";
import { swapBytes } from "../reorder.js";

/** The number of elements processed before other work on the event loop gets its turn. */
const turn = 2 ** 21;

/**
 * Views bytes as numbers. Bytes that do not start at a multiple of the width are moved, within their own
 * buffer if they have one.
 */
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
 * Moves the axis of channels after all others: data of [after][channels][before] elements, `before` fastest,
 * becomes [channels][after][before].
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
/**
 * Parses the first `count` numbers of a text. Returns the place and text of the first that the type cannot
 * hold, or says that there are fewer.
 */
export async function parseNumbers(
  type: DataType,
  text: Uint8Array,
  count: number,
): Promise<TypedArrays[DataType] | string> {
  if (text.length < 2 * count - 1) return `${text.length} bytes of text, too few for ${count} numbers`;
  const { bytes, view } = elements[type];
  const out = view(new ArrayBuffer(count * bytes), 0, count);
  const token = /[^\s,;]+/g;
  const size = 2 ** 20;
  let index = 0;
  for (let at = 0; at < text.length; ) {
    let end = Math.min(text.length, at + size);
    // A piece ends between numbers.
    while (end < text.length && end > at && text[end - 1]! > 32) end--;
    if (end === at) return `a number of more than ${size} characters at byte ${at}`;
    for (const [word] of Buffer.from(text.subarray(at, end)).toString("latin1").matchAll(token)) {
      if (index === count) return `more than the ${count} numbers that the header declares`;
      const fault = put(out, index++, word);
      if (fault) return fault;
    }
    at = end;
    if (at < text.length) await nextTurn();
  }
  return index === count ? out : `${index} numbers, the header declares ${count}`;
}

function put(out: TypedArrays[DataType], index: number, word: string): string | undefined {
  const wrong = `"${word.slice(0, 40)}" is not a value of this type (number ${index})`;
  if (out instanceof BigInt64Array || out instanceof BigUint64Array) {
    if (!/^[+-]?\d{1,20}$/.test(word)) return wrong;
    const value = BigInt(word.replace(/^\+/, ""));
    out[index] = value;
    return out[index] === value ? undefined : wrong;
  }
  const special = /^[+-]?(nan|inf|infinity)$/i.exec(word);
  if (!special && !/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(word)) return wrong;
  const value = special ? specialValue(word) : Number(word);
  out[index] = value;
  const whole = !(out instanceof Float32Array || out instanceof Float64Array);
  return whole && out[index] !== value ? wrong : undefined;
}

function specialValue(word: string): number {
  if (/nan/i.test(word)) return Number.NaN;
  return word.startsWith("-") ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}
