import { FormatError, overLimit } from "../../errors.js";
import { refusal } from "../refuse.js";
import { DataSet, type Element } from "./data-set.js";
import { sequenceTags, tags, tagText } from "./tags.js";

/** The encoding of a data set. */
export interface Encoding {
  readonly little: boolean;
  /** Whether elements name their type (VR). */
  readonly explicit: boolean;
}

/** The value of pixels, whose bytes are not read with the data set. */
export interface PixelElement {
  readonly tag: number;
  readonly vr: string;
  readonly start: number;
  /** The number of bytes; undefined if the pixels are fragments behind `start`. */
  readonly length: number | undefined;
}

export interface Parsed {
  readonly dataSet: DataSet;
  readonly pixels: PixelElement | undefined;
}

/** The bytes that are known of a file: its first ones, and how many there are. */
export interface Known {
  readonly path: string;
  readonly bytes: Uint8Array;
  /** The size of the file; infinite while the end of a packed one is unknown. */
  readonly size: number;
}

/** Thrown when the known bytes end before the data set does; `needed` is the least that must be known. */
export class MoreBytes extends Error {
  readonly needed: number;

  constructor(needed: number) {
    super(`${needed} bytes are needed`);
    this.needed = needed;
  }
}

/** The depth of nested sequences at most. */
const deepest = 32;

/** The number of elements of one file at most. */
const mostElements = 500_000;

const unknownLength = 0xffffffff;

/** Types whose length has four bytes, after two that are reserved. */
const longTypes = /^(O[BDFLVW]|S[QV]|U[CNRTV])$/;

const pixelTags: ReadonlySet<number> = new Set([tags.pixels, tags.floatPixels, tags.doublePixels]);

class Parser {
  readonly #known: Known;
  readonly #view: DataView;
  #count = 0;

  constructor(known: Known) {
    this.#known = known;
    this.#view = new DataView(known.bytes.buffer, known.bytes.byteOffset, known.bytes.byteLength);
  }

  fail(at: number, what: string, tag?: number): Error {
    return refusal(this.#known.path, tag === undefined ? undefined : tagText(tag), at, what);
  }

  /** Makes sure that the bytes before `end` are known. */
  #need(at: number, end: number, within: number, tag?: number): void {
    const { bytes, size } = this.#known;
    const limit = Math.min(within, size);
    if (end > limit) {
      const place = within < size ? "its sequence" : "the file";
      throw this.fail(
        at,
        `ended early: ${end - at} bytes were expected, ${place} has ${limit - at} more`,
        tag,
      );
    }
    if (end > bytes.length) throw new MoreBytes(end);
  }

  #tag(at: number, little: boolean): number {
    const group = this.#view.getUint16(at, little);
    return group * 0x10000 + this.#view.getUint16(at + 2, little);
  }

  /** Reads one element's head: its tag, type, length, and the start of its value. */
  #head(
    at: number,
    end: number,
    { little, explicit }: Encoding,
  ): { tag: number; vr: string; length: number; start: number } {
    if (++this.#count > mostElements) throw overLimit(this.fail(at, `more than ${mostElements} elements`));
    this.#need(at, at + 8, end);
    const tag = this.#tag(at, little);
    // Items and delimiters have no type in any encoding.
    if (!explicit || tag >>> 16 === 0xfffe)
      return { tag, vr: "", length: this.#view.getUint32(at + 4, little), start: at + 8 };
    const vr = String.fromCharCode(this.#view.getUint8(at + 4), this.#view.getUint8(at + 5));
    if (!/^[A-Z]{2}$/.test(vr)) throw this.fail(at + 4, `${JSON.stringify(vr)} is no type of a value`, tag);
    if (!longTypes.test(vr)) return { tag, vr, length: this.#view.getUint16(at + 6, little), start: at + 8 };
    this.#need(at, at + 12, end);
    return { tag, vr, length: this.#view.getUint32(at + 8, little), start: at + 12 };
  }

  /**
   * Reads elements up to `end`, or up to a delimiter if `end` is undefined. The pixels end a data set at the
   * top.
   */
  elements(
    at: number,
    end: number | undefined,
    encoding: Encoding,
    depth: number,
    goesOn: (tag: number) => boolean = () => true,
  ): { elements: Map<number, Element>; at: number; pixels?: PixelElement } {
    const { size } = this.#known;
    const within = end ?? size;
    const found = new Map<number, Element>();
    let place = at;
    while (place < within) {
      // A size that is not known yet may turn out to be this place.
      if (size === Number.POSITIVE_INFINITY && place === this.#known.bytes.length)
        throw new MoreBytes(place + 8);
      // Zeros behind the last element pad a file.
      this.#need(place, place + 8, within);
      const next = this.#tag(place, encoding.little);
      if (depth === 0 && (next === 0 || !goesOn(next))) break;
      const { tag, vr, length, start } = this.#head(place, within, encoding);
      if (tag === tags.itemEnd && depth > 0 && end === undefined) return { elements: found, at: start };
      if (tag >>> 16 === 0xfffe) throw this.fail(place, "a delimiter where an element was expected", tag);
      if (found.has(tag)) throw this.fail(place, "comes a second time", tag);
      if (depth === 0 && pixelTags.has(tag)) {
        if (length !== unknownLength && start + length > size)
          throw this.fail(
            start,
            `ended early: ${length} bytes of pixels were expected, the file has ${size - start} more`,
            tag,
          );
        const open = length === unknownLength;
        return { elements: found, at: start, pixels: { tag, vr, start, length: open ? undefined : length } };
      }
      const value = this.#value(tag, vr, start, length, within, encoding, depth);
      found.set(tag, value.element);
      place = value.at;
    }
    if (end === undefined && depth > 0) throw this.fail(place, "ended early: an item has no end");
    if (end !== undefined && place !== end) throw this.fail(end, "an item ends within an element");
    return { elements: found, at: place };
  }

  #value(
    tag: number,
    vr: string,
    start: number,
    length: number,
    within: number,
    encoding: Encoding,
    depth: number,
  ): { element: Element; at: number } {
    const open = length === unknownLength;
    if (open && tag === tags.pixels && /^O[BW]$/.test(vr))
      return { element: { vr, start, length: 0 }, at: this.#skipFragments(start, within, encoding) };
    const sequence = vr === "SQ" || (sequenceTags.has(tag) && (vr === "" || vr === "UN")) || open;
    if (open && !/^(SQ|UN|)$/.test(vr)) throw this.fail(start, `a value of type ${vr} without a length`, tag);
    if (!sequence) {
      this.#need(start, start + length, within, tag);
      return { element: { vr, start, length }, at: start + length };
    }
    if (!open) this.#need(start, start + length, within, tag);
    if (depth >= deepest)
      throw overLimit(this.fail(start, `sequences nested more than ${deepest} deep`, tag));
    // A sequence of unknown type is implicit, whatever is around it (PS3.5, 6.2.2).
    const inner = vr === "UN" ? { little: true, explicit: false } : encoding;
    const { items, at } = this.#items(start, open ? undefined : start + length, within, inner, depth + 1);
    return { element: { vr: "SQ", start, length: at - start, items }, at };
  }

  #items(
    at: number,
    end: number | undefined,
    within: number,
    encoding: Encoding,
    depth: number,
  ): { items: readonly DataSet[]; at: number } {
    const { path, bytes } = this.#known;
    const limit = end ?? within;
    const items: DataSet[] = [];
    let place = at;
    while (end === undefined || place < end) {
      const { tag, length, start } = this.#head(place, limit, encoding);
      if (tag === tags.sequenceEnd && end === undefined) return { items, at: start };
      if (tag !== tags.item) throw this.fail(place, `expected an item, got ${tagText(tag)}`);
      const open = length === unknownLength;
      if (!open) this.#need(start, start + length, limit, tag);
      const read = this.elements(start, open ? undefined : start + length, encoding, depth);
      items.push(new DataSet(path, bytes, encoding.little, read.elements));
      place = read.at;
    }
    if (place !== end) throw this.fail(end, "a sequence ends within an item");
    return { items, at: place };
  }

  /** Returns the place behind the fragments of an icon's packed pixels. */
  #skipFragments(at: number, within: number, encoding: Encoding): number {
    let place = at;
    for (;;) {
      const { tag, length, start } = this.#head(place, within, encoding);
      if (tag === tags.sequenceEnd) return start;
      if (tag !== tags.item) throw this.fail(place, `expected a fragment, got ${tagText(tag)}`);
      this.#need(start, start + length, within, tag);
      place = start + length;
    }
  }
}

/**
 * Parses the data set that begins at `start`, as far as its pixels or while `goesOn` accepts the tags. No
 * length is trusted: each is compared with what is around it. Throws FormatError, and MoreBytes where only
 * the known bytes end.
 */
export function parseDataSet(
  known: Known,
  start: number,
  encoding: Encoding,
  goesOn?: (tag: number) => boolean,
): Parsed & { readonly end: number } {
  const parser = new Parser(known);
  try {
    const { elements, at, pixels } = parser.elements(start, undefined, encoding, 0, goesOn);
    return { dataSet: new DataSet(known.path, known.bytes, encoding.little, elements), pixels, end: at };
  } catch (error) {
    if (error instanceof RangeError)
      throw new FormatError(known.path, undefined, "cannot be parsed", { cause: error });
    throw error;
  }
}
