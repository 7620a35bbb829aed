import { refusal } from "./refuse.js";

/** A page of a TIFF file: its fields by tag. */
export type Page = ReadonlyMap<number, Field>;

interface Field {
  readonly type: number;
  readonly count: number;
  /** The offset of the field's values. */
  readonly at: number;
}

/** The bytes of a value by its type. */
const widths = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 0, 0, 0, 8, 8, 8];

/** The largest number of pages of a file, and of values of a field. */
const mostPages = 2 ** 16;
const mostValues = 2 ** 20;

/** The structure of a TIFF or BigTIFF file in memory. */
export class TiffFile {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly little: boolean;
  readonly #view: DataView;
  readonly #big: boolean;

  constructor(path: string, bytes: Uint8Array) {
    this.path = path;
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.little = bytes[0] === 0x49;
    const version = bytes.length >= 8 ? this.#view.getUint16(2, this.little) : 0;
    this.#big = version === 43;
    if (!isTiff(bytes)) throw refusal(path, "magic", 0, "not a TIFF file");
    if (this.#big && (bytes.length < 16 || this.#view.getUint16(4, this.little) !== 8))
      throw refusal(path, "magic", 4, "BigTIFF with other offsets than of 8 bytes");
  }

  fail(at: number, what: string, key?: string): Error {
    return refusal(this.path, key, at, what);
  }

  #need(at: number, length: number): void {
    if (!(at >= 0 && at + length <= this.bytes.length))
      throw this.fail(
        Math.min(at, this.bytes.length),
        `ended early: ${length} bytes from byte ${at} on were expected`,
      );
  }

  #offset(at: number): number {
    this.#need(at, this.#big ? 8 : 4);
    return this.#big
      ? Number(this.#view.getBigUint64(at, this.little))
      : this.#view.getUint32(at, this.little);
  }

  /** Reads the pages in order. Throws FormatError for a chain that runs in a circle. */
  pages(): readonly Page[] {
    const seen = new Set<number>();
    const pages: Page[] = [];
    for (let at = this.#offset(this.#big ? 8 : 4); at !== 0; ) {
      if (seen.has(at)) throw this.fail(at, "pages that follow each other in a circle");
      if (seen.size >= mostPages) throw this.fail(at, `more than ${mostPages} pages`);
      seen.add(at);
      const { page, next } = this.#page(at);
      pages.push(page);
      at = next;
    }
    if (pages.length === 0) throw this.fail(this.#big ? 8 : 4, "holds no pages");
    return pages;
  }

  #page(at: number): { page: Page; next: number } {
    const [head, entry, inline] = this.#big ? [8, 20, 8] : [2, 12, 4];
    this.#need(at, head);
    const count = this.#big
      ? Number(this.#view.getBigUint64(at, this.little))
      : this.#view.getUint16(at, this.little);
    if (count < 1 || count > 4096) throw this.fail(at, `a page of ${count} fields`);
    this.#need(at + head, count * entry);
    const page = new Map<number, Field>();
    for (let i = 0; i < count; i++) {
      const start = at + head + i * entry;
      const tag = this.#view.getUint16(start, this.little);
      const type = this.#view.getUint16(start + 2, this.little);
      const values = this.#offset(start + 4);
      const bytes = (widths[type] ?? 0) * values;
      const place = start + entry - inline;
      page.set(tag, { type, count: values, at: bytes <= inline ? place : this.#offset(place) });
    }
    return { page, next: this.#offset(at + head + count * entry) };
  }

  /** Returns the numbers of a field, or `fallback` if the page lacks the field. */
  numbers(page: Page, tag: number, fallback?: readonly number[]): readonly number[] {
    const field = page.get(tag);
    const key = `tag ${tag}`;
    if (!field) {
      if (fallback) return fallback;
      throw this.fail(0, "is missing", key);
    }
    const { type, count, at } = field;
    const width = widths[type] ?? 0;
    if (width === 0 || count < 1 || count > mostValues)
      throw this.fail(at, `${count} values of type ${type}`, key);
    this.#need(at, count * width);
    return Array.from({ length: count }, (_, i) => this.#number(type, at + i * width, key));
  }

  #number(type: number, at: number, key: string): number {
    const { little } = this;
    const view = this.#view;
    if (type === 1) return view.getUint8(at);
    if (type === 3) return view.getUint16(at, little);
    if (type === 4 || type === 13) return view.getUint32(at, little);
    if (type === 5) return view.getUint32(at, little) / view.getUint32(at + 4, little);
    if (type === 16 || type === 18) return Number(view.getBigUint64(at, little));
    throw this.fail(at, `numbers of type ${type} are not expected here`, key);
  }

  /** Returns the text of a field; "" if the page lacks it or the text exceeds 64 KiB. */
  text(page: Page, tag: number): string {
    const field = page.get(tag);
    if (field?.type !== 2 || field.count > 2 ** 16) return "";
    this.#need(field.at, field.count);
    return Buffer.from(this.bytes.subarray(field.at, field.at + field.count))
      .toString("latin1")
      .split("\0", 1)[0]!;
  }
}

/** Returns whether the bytes begin as TIFF or BigTIFF files do. */
export function isTiff(bytes: Uint8Array): boolean {
  const start = Buffer.from(bytes.subarray(0, 4)).toString("latin1");
  return ["II*\0", "MM\0*", "II+\0", "MM\0+"].includes(start);
}
