import { FormatError } from "../errors.js";
import { refusal } from "./refuse.js";
import type { VolumeSource } from "./source.js";

/** The largest text header, in bytes. */
const longest = 2 ** 20;

/** A line of a text header and the offset of the byte after it. */
export interface HeaderLine {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** Yields the lines of a header, as far as they are asked for. Throws FormatError past 1 MiB. */
export async function* headerLines({ path, bytes, head }: VolumeSource): AsyncGenerator<HeaderLine> {
  let text = head;
  for (let at = 0; at < bytes.size; ) {
    let end = text.indexOf(10, at);
    if (end < 0 && text.length < Math.min(bytes.size, longest)) {
      text = new Uint8Array(await bytes.read(0, Math.min(bytes.size, longest)));
      end = text.indexOf(10, at);
    }
    if (end < 0 && text.length < bytes.size)
      throw refusal(path, "header", text.length, `has no end within ${longest} bytes`);
    const stop = end < 0 ? text.length : end;
    const line = Buffer.from(text.subarray(at, stop)).toString("utf8").replace(/\r$/, "");
    yield { text: line, start: at, end: Math.min(bytes.size, stop + 1) };
    at = stop + 1;
  }
}

/** The fields of a text header. */
export class Fields {
  readonly #path: string;
  readonly #values = new Map<string, { readonly value: string; readonly at: number }>();

  constructor(path: string) {
    this.#path = path;
  }

  /** Sets a field; throws FormatError if it exists already. */
  set(key: string, value: string, at: number): void {
    if (this.#values.has(key)) throw refusal(this.#path, key, at, "is given twice");
    this.#values.set(key, { value, at });
  }

  get(...names: readonly string[]): string | undefined {
    return names.map((name) => this.#values.get(name)?.value).find((value) => value !== undefined);
  }

  entries(): Iterable<readonly [string, string]> {
    return [...this.#values].map(([key, { value }]) => [key, value] as const);
  }

  need(key: string): string {
    const value = this.get(key);
    if (value === undefined) throw new FormatError(this.#path, key, "is missing in the header");
    return value;
  }

  fail(key: string, what: string): FormatError {
    const at = this.#values.get(key)?.at;
    return at === undefined ? new FormatError(this.#path, key, what) : refusal(this.#path, key, at, what);
  }

  /** Parses numbers separated by blanks; exactly `count`, if given. */
  numbers(key: string, text: string, count?: number): readonly number[] {
    // Blanks of ASCII alone: other readers take none of Unicode's.
    const values = text
      .trim()
      .split(/[ \t\v\f\r]+/)
      .map(toNumber);
    if (values.length > 64 || values.includes(undefined) || (count !== undefined && values.length !== count))
      throw this.fail(key, `expected ${count ?? "some"} numbers, got "${text.slice(0, 80)}"`);
    return values as readonly number[];
  }

  /** Parses one whole number of at least `least`. */
  integer(key: string, text: string, least: number): number {
    const value = /^\s*[+-]?\d+\s*$/.test(text) ? Number(text) : Number.NaN;
    if (!Number.isSafeInteger(value) || value < least)
      throw this.fail(key, `expected a whole number of at least ${least}, got "${text.slice(0, 80)}"`);
    return value;
  }

  /** Parses sizes of axes, each a whole number of at least 1. */
  sizes(key: string, rank: number): readonly number[] {
    const sizes = this.numbers(key, this.need(key), rank);
    const wrong = sizes.find((size) => !(Number.isSafeInteger(size) && size >= 1));
    if (wrong !== undefined) throw this.fail(key, `expected sizes of at least 1, got ${wrong}`);
    return sizes;
  }
}

function toNumber(word: string): number | undefined {
  if (/^[+-]?nan$/i.test(word)) return Number.NaN;
  const infinite = /^([+-]?)inf(inity)?$/i.exec(word);
  if (infinite) return infinite[1] === "-" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  // Nothing but decimal numbers: 0x10 is 0 to readers in C.
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(word) ? Number(word) : undefined;
}

const lengths: ReadonlyMap<string, number> = new Map([
  ["mm", 1],
  ["millimeter", 1],
  ["m", 1000],
  ["cm", 10],
  ["um", 0.001],
  ["µm", 0.001],
  ["μm", 0.001],
]);

/** Returns the millimetres of a unit of length, with a note if the unit is unknown. */
export function unitOf(name: string | undefined, notes: string[]): { units: string; factor: number } {
  const units = name?.trim() ?? "";
  const factor = lengths.get(units.toLowerCase());
  if (factor === undefined)
    notes.push(`the unit of length is ${units === "" ? "not given" : `"${units}"`}; mm is assumed`);
  return { units: factor === undefined ? "unknown" : units, factor: factor ?? 1 };
}
