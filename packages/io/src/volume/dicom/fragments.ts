import { overLimit } from "../../errors.js";
import type { ByteSource } from "../../regular-file.js";
import { refusal } from "../refuse.js";
import type { DicomFile } from "./dicom-file.js";
import { tags, tagText } from "./tags.js";

/** A run of packed bytes in a file. */
export interface Fragment {
  readonly start: number;
  readonly length: number;
}

/** The number of fragments of one file at most. */
const mostFragments = 100_000;

/** Reads small pieces that follow each other without a call to the system for each. */
class Window {
  readonly #bytes: ByteSource;
  #start = 0;
  #held: Uint8Array = new Uint8Array(0);

  constructor(bytes: ByteSource) {
    this.#bytes = bytes;
  }

  async read(at: number, length: number): Promise<DataView> {
    if (at < this.#start || at + length > this.#start + this.#held.length) {
      this.#held = new Uint8Array(await this.#bytes.read(at, Math.min(2 ** 12, this.#bytes.size - at)));
      this.#start = at;
    }
    return new DataView(this.#held.buffer, at - this.#start, length);
  }
}

/**
 * Returns the fragments of each frame of packed pixels, in order (PS3.5, annex A.4): by the offset tables,
 * where there are any; else one fragment per frame, all for a single frame, or where a JPEG stream begins.
 */
export async function frameFragments(
  file: DicomFile,
  frames: number,
): Promise<readonly (readonly Fragment[])[]> {
  const { path, bytes, pixels, dataSet } = file;
  const key = tagText(tags.pixels);
  const window = new Window(bytes);
  const { offsets, fragments, base } = await itemsOf(file, window);
  const wide = dataSet.longs(tags.extendedOffsets) ?? [];
  const table = wide.length > 0 ? wide : offsets;
  const fail = (what: string): Error => refusal(path, key, pixels!.start, what);
  if (fragments.length === 0) throw fail("there are no fragments");
  if (table.length > 0) {
    if (table.length !== frames) throw fail(`${table.length} offsets of ${frames} frames`);
    const byPlace = new Map(fragments.map(({ start }, i) => [start - 8 - base, i]));
    const firsts = table.map((offset) => byPlace.get(offset) ?? -1);
    if (firsts.some((first, i) => first < 0 || (i > 0 && first <= firsts[i - 1]!)) || firsts[0] !== 0)
      throw fail("the offsets of frames are not those of fragments");
    return firsts.map((first, i) => fragments.slice(first, firsts[i + 1] ?? fragments.length));
  }
  if (frames === 1) return [fragments];
  if (fragments.length === frames) return fragments.map((fragment) => [fragment]);
  const groups: Fragment[][] = [];
  for (const fragment of fragments) {
    const head = fragment.length >= 4 ? (await window.read(fragment.start, 4)).getUint32(0) : 0;
    if (head >>> 16 === 0xffd8 || head === 0xff4fff51) groups.push([]);
    groups.at(-1)?.push(fragment);
  }
  if (groups.length !== frames || groups.flat().length !== fragments.length)
    throw fail(`${fragments.length} fragments, which cannot be told apart, of ${frames} frames`);
  return groups;
}

async function itemsOf(
  { path, bytes, pixels, syntax }: DicomFile,
  window: Window,
): Promise<{ offsets: readonly number[]; fragments: readonly Fragment[]; base: number }> {
  const fail = (at: number, what: string): Error => refusal(path, tagText(tags.pixels), at, what);
  const fragments: Fragment[] = [];
  let offsets: readonly number[] = [];
  let base = 0;
  for (let at = pixels!.start, first = true; ; first = false) {
    if (at + 8 > bytes.size) throw fail(at, "ended early: the fragments of pixels have no end");
    const view = await window.read(at, 8);
    const tag = view.getUint16(0, syntax.little) * 0x10000 + view.getUint16(2, syntax.little);
    const length = view.getUint32(4, syntax.little);
    if (tag === tags.sequenceEnd) return { offsets, fragments, base };
    if (tag !== tags.item) throw fail(at, `expected a fragment, got ${tagText(tag)}`);
    if (at + 8 + length > bytes.size)
      throw fail(at, `ended early: a fragment of ${length} bytes, the file has ${bytes.size - at - 8} more`);
    if (first) {
      if (length % 4 !== 0 || length > 4 * mostFragments)
        throw fail(at, `a table of offsets of ${length} bytes`);
      const table = new DataView(await bytes.read(at + 8, length));
      offsets = Array.from({ length: length / 4 }, (_, i) => table.getUint32(4 * i, syntax.little));
      base = at + 8 + length;
    } else fragments.push({ start: at + 8, length });
    if (fragments.length > mostFragments) throw overLimit(fail(at, `more than ${mostFragments} fragments`));
    at += 8 + length;
  }
}

/** Reads the bytes of a frame, its fragments joined. */
export async function joinFragments(bytes: ByteSource, fragments: readonly Fragment[]): Promise<Uint8Array> {
  const joined = new Uint8Array(fragments.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const { start, length } of fragments) {
    await bytes.readInto(start, joined.subarray(at, at + length));
    at += length;
  }
  return joined;
}
