import { Cursor } from "./wire-cursor.js";

/**
 * Returns the new content of a field (the block of a length-delimited field without its length, or a number's
 * bytes): undefined leaves it, null drops the field. `index` counts the fields of this number from 0.
 */
export type Put = (
  field: number,
  content: Uint8Array,
  index: number,
) => readonly Uint8Array[] | null | undefined;

/** Returns whole fields, tags included, to insert behind a field; counted as for {@link Put}. */
export type Insert = (field: number, index: number) => readonly Uint8Array[] | undefined;

/**
 * Replaces some fields of a message and inserts others; all others, and the tags of the replaced, keep their
 * bytes.
 */
export function rewriteFields(bytes: Uint8Array, put: Put, insert?: Insert): Uint8Array[] {
  const cursor = new Cursor(bytes, 0, bytes.length);
  const chunks: Uint8Array[] = [];
  const counts = new Map<number, number>();
  let kept = 0;
  while (cursor.at < bytes.length) {
    const start = cursor.at;
    cursor.varint();
    const [wire, field] = [cursor.low & 7, cursor.low >>> 3];
    const afterTag = cursor.at;
    let from = afterTag;
    if (wire === 2) [from] = cursor.block();
    else if (wire === 0) cursor.varint();
    else cursor.skip(wire === 1 ? 8 : 4);
    const index = counts.get(field) ?? 0;
    counts.set(field, index + 1);
    const content = bytes.subarray(from, cursor.at);
    const replaced = put(field, content, index);
    const inserted = insert?.(field, index);
    if (replaced === undefined && inserted === undefined) continue;
    if (replaced === undefined) {
      chunks.push(bytes.subarray(kept, cursor.at), ...inserted!);
      kept = cursor.at;
      continue;
    }
    const length = (replaced ?? []).reduce((sum, chunk) => sum + chunk.length, 0);
    if (replaced === null) chunks.push(bytes.subarray(kept, start));
    // A length that did not change keeps its own spelling; a number has none.
    else if (wire !== 2 || length === content.length) chunks.push(bytes.subarray(kept, from), ...replaced);
    else chunks.push(bytes.subarray(kept, afterTag), varint(length), ...replaced);
    chunks.push(...(inserted ?? []));
    kept = cursor.at;
  }
  chunks.push(bytes.subarray(kept));
  return chunks;
}

export function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  for (; value > 0x7f; value = Math.floor(value / 128)) bytes.push((value % 128) | 0x80);
  return Uint8Array.from([...bytes, value]);
}
