import { createHash } from "node:crypto";

/**
 * Returns a unique identifier that is made of parts: the same for the same parts, so that a file written
 * twice is the same object (PS3.5, B.2: 2.25 and a number of 128 bits).
 */
export function uidOf(...parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part).update("\0");
  const digest = hash.digest("hex").slice(0, 32);
  return `2.25.${BigInt(`0x${digest}`)}`;
}
