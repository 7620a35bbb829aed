import { createHash, type Hash } from "node:crypto";
import { pieces } from "./regular-file.js";
import { type Steps, stepBytes } from "./turns.js";

/** The metadata key of a file's SHA-256, which is computed with zeros in its own place. */
export const checksumKey = "pixelcal-sha256";
export const noChecksum: string = "0".repeat(64);

/**
 * Returns the position of the checksum in a head, or -1. JSON escapes quotes within texts, so only the key
 * itself is found.
 */
function placeOf(head: Uint8Array, checksum: string): number {
  const key = `"${checksumKey}":"`;
  const view = Buffer.from(head.buffer, head.byteOffset, head.byteLength);
  const at = view.indexOf(`${key}${checksum}"`, 0, "latin1");
  return at < 0 ? -1 : at + key.length;
}

/** Puts the checksum into a head that has zeros in its place. */
export function* writeChecksum(head: Buffer, data: Iterable<Uint8Array>): Steps {
  const hash = createHash("sha256").update(head);
  for (const part of data) {
    for (const piece of pieces(part, stepBytes)) {
      hash.update(piece);
      yield;
    }
  }
  head.write(hash.digest("hex"), placeOf(head, noChecksum), "latin1");
}

/** Verifies the data after a head against the checksum in the head. */
export class Checksum {
  readonly #expected: string;
  readonly #hash: Hash;

  constructor(head: Uint8Array, expected: string) {
    const blank = Buffer.from(head);
    const place = placeOf(head, expected);
    if (place > 0) blank.write(noChecksum, place, "latin1");
    this.#expected = expected;
    this.#hash = createHash("sha256").update(blank);
  }

  *add(data: ArrayBufferView): Steps {
    for (const piece of pieces(data, stepBytes)) {
      this.#hash.update(piece);
      yield;
    }
  }

  matches(): boolean {
    return this.#hash.digest("hex") === this.#expected;
  }
}
