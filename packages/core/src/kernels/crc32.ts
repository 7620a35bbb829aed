import { callSync, native } from "../binding.js";

/**
 * Returns the CRC-32 of ZIP and PNG (ISO 3309), from 0 to 2^32 - 1, of bytes that follow others, whose CRC-32
 * is `start`. Throws `InvalidArgumentError` for other arguments.
 */
export function crc32Sync(bytes: Uint8Array, start = 0): number {
  return callSync(() => native.crc32Sync({ bytes, start }));
}
