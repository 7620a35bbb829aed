import { refusal } from "../refuse.js";
import { decodeText } from "./character-set.js";
import { tags, tagText } from "./tags.js";

/** An element of a data set: where its value lies, or the items of a sequence. */
export interface Element {
  readonly vr: string;
  readonly start: number;
  readonly length: number;
  readonly items?: readonly DataSet[];
}

const decimal = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** Returns a text without padding at both ends, or at the last alone, in time that grows with its length. */
function trimmed(text: string, padding: string, last = false): string {
  let [start, end] = [0, text.length];
  while (end > start && padding.includes(text[end - 1]!)) end--;
  while (!last && start < end && padding.includes(text[start]!)) start++;
  return text.slice(start, end);
}

/**
 * The elements of a data set or of a sequence's item. Values are decoded, and checked, when they are asked
 * for.
 */
export class DataSet {
  readonly path: string;
  readonly #bytes: Uint8Array;
  readonly #little: boolean;
  readonly #elements: ReadonlyMap<number, Element>;
  /** The data set whose sequence holds this one as an item. */
  #parent: DataSet | undefined;

  constructor(path: string, bytes: Uint8Array, little: boolean, elements: ReadonlyMap<number, Element>) {
    this.path = path;
    this.#bytes = bytes;
    this.#little = little;
    this.#elements = elements;
    for (const { items = [] } of elements.values()) for (const item of items) item.#parent = this;
  }

  element(tag: number): Element | undefined {
    return this.#elements.get(tag);
  }

  fail(tag: number, what: string): Error {
    return refusal(this.path, tagText(tag), this.#elements.get(tag)?.start ?? 0, what);
  }

  missing(tag: number): Error {
    return refusal(this.path, tagText(tag), 0, "is missing");
  }

  /** Returns the items of a sequence; none if it is absent. */
  items(tag: number): readonly DataSet[] {
    const element = this.#elements.get(tag);
    if (!element) return [];
    // An empty sequence of an unknown kind has no items to parse.
    if (!element.items && element.length > 0) throw this.fail(tag, `expected a sequence, got ${element.vr}`);
    return element.items ?? [];
  }

  /**
   * Returns the texts of an element, which backslashes separate; undefined if it is absent or empty. Values
   * between backslashes are values, even if they are empty.
   */
  texts(tag: number): readonly string[] | undefined {
    const element = this.#elements.get(tag);
    if (!element || element.length === 0) return undefined;
    if (element.items) throw this.fail(tag, "expected a text, got a sequence");
    const bytes = this.#bytes.subarray(element.start, element.start + element.length);
    const ascii = Buffer.from(bytes).toString("latin1");
    const all = /^[\x20-\x7e\0\n\r\t\f]*$/.test(ascii) ? ascii : decodeText(bytes, this.#characterSet());
    // Bytes of 0 pad the element to an even length; within it they are damage.
    const values = trimmed(all, " \0", true)
      .split("\\")
      .map((value) => trimmed(value, " "));
    return values.length === 1 && values[0] === "" ? undefined : values;
  }

  /** Returns an element of one text; names written with backslashes keep them. */
  text(tag: number): string | undefined {
    return this.texts(tag)?.join("\\");
  }

  /** Returns the numbers that an element writes as text (DS, IS); undefined if it is absent or empty. */
  decimals(tag: number, count?: number): readonly number[] | undefined {
    const values = this.texts(tag)?.map((text) => {
      const value = decimal.test(text) ? Number(text) : Number.NaN;
      if (!Number.isFinite(value))
        throw this.fail(tag, `${JSON.stringify(text.slice(0, 40))} is not a number`);
      return value;
    });
    if (values && count !== undefined && values.length !== count)
      throw this.fail(tag, `expected ${count} number${count === 1 ? "" : "s"}, got ${values.length}`);
    return values;
  }

  /** Returns the one number that an element writes as text. */
  decimal(tag: number): number | undefined {
    return this.decimals(tag, 1)?.[0];
  }

  /** Returns the whole number that an element writes as text (IS), at least `least`. */
  count(tag: number, least: number): number | undefined {
    const value = this.decimal(tag);
    if (value !== undefined && !(Number.isSafeInteger(value) && value >= least))
      throw this.fail(tag, `expected a whole number >= ${least}, got ${value}`);
    return value;
  }

  /** Returns the one binary number of 2 (US, SS) or 4 bytes (UL) that an element holds. */
  unsigned(tag: number): number | undefined {
    const element = this.#elements.get(tag);
    if (!element || element.length === 0) return undefined;
    const { start, length, vr } = element;
    const width = vr === "UL" || vr === "SL" || (vr === "" && length === 4) ? 4 : 2;
    const shaped = !element.items && length === width && (vr === "" || /^(US|SS|UL|SL|OW)$/.test(vr));
    if (!shaped)
      throw this.fail(tag, `expected one binary number, got ${length} bytes of ${vr || "no type"}`);
    const view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset + start, width);
    return width === 4 ? view.getUint32(0, this.#little) : view.getUint16(0, this.#little);
  }

  /** Returns the binary numbers of 8 bytes (OV) that an element holds. */
  longs(tag: number): readonly number[] | undefined {
    const element = this.#elements.get(tag);
    if (!element || element.length === 0) return undefined;
    const { start, length } = element;
    if (element.items || length % 8 !== 0) throw this.fail(tag, `${length} bytes are no numbers of 8 bytes`);
    const view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset + start, length);
    return Array.from({ length: length / 8 }, (_, i) => Number(view.getBigUint64(8 * i, this.#little)));
  }

  /** Returns the binary number of 2 bytes as it is needed everywhere. Throws if it is absent. */
  need(tag: number): number {
    const value = this.unsigned(tag);
    if (value === undefined) throw this.missing(tag);
    return value;
  }

  #characterSet(): string {
    const element = this.#elements.get(tags.characterSet);
    // An item has the character set of the data set around it (PS3.5, 6.1.2.4).
    if (!element) return this.#parent ? this.#parent.#characterSet() : "";
    const { start, length } = element;
    return Buffer.from(this.#bytes.subarray(start, start + length)).toString("latin1");
  }
}
