import { createHash, type Hash } from "node:crypto";

/** The metadata key of a file's SHA-256, which is taken with zeros in its own place. */
export const checksumKey = "pixelcal-sha256";
export const noChecksum: string = "0".repeat(64);

/** Where in a head the checksum stands, or -1. Quotes of a text are escaped in JSON, so only the key itself is found. */
function placeOf(head: Uint8Array, checksum: string): number {
  const key = `"${checksumKey}":"`;
  const view = Buffer.from(head.buffer, head.byteOffset, head.byteLength);
  const at = view.indexOf(`${key}${checksum}"`, 0, "latin1");
  return at < 0 ? -1 : at + key.length;
}

/** Puts the checksum into a head that has zeros for it. */
export function writeChecksum(head: Buffer, data: Iterable<Uint8Array>): void {
  const hash = createHash("sha256").update(head);
  for (const piece of data) hash.update(piece);
  head.write(hash.digest("hex"), placeOf(head, noChecksum), "latin1");
}

/** Verifies the data behind a head against the checksum in it. */
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

  add(data: Uint8Array): void {
    this.#hash.update(data);
  }

  matches(): boolean {
    return this.#hash.digest("hex") === this.#expected;
  }
}
