import { createHash } from "node:crypto";

/** The metadata key of a file's SHA-256, which is taken with zeros in its own place. */
export const checksumKey = "pixelcal-sha256";
export const noChecksum: string = "0".repeat(64);

/** Where in a head the checksum stands, or -1. Quotes of a text are escaped in JSON, so only the key itself is found. */
export function checksumPlace(head: Uint8Array, checksum: string): number {
  const key = `"${checksumKey}":"`;
  const view = Buffer.from(head.buffer, head.byteOffset, head.byteLength);
  const at = view.indexOf(`${key}${checksum}"`, 0, "latin1");
  return at < 0 ? -1 : at + key.length;
}

/** The SHA-256 of a head and the data behind it, as hexadecimal digits. */
export function checksumOf(head: Uint8Array, data: Iterable<Uint8Array>): string {
  const hash = createHash("sha256").update(head);
  for (const piece of data) hash.update(piece);
  return hash.digest("hex");
}
