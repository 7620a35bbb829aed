import { callSync, native } from "../binding.js";

/**
 * Returns the CRC-32 of ZIP and PNG of bytes that follow others, whose CRC-32 is `start`; several times as
 * fast as that of zlib where the processor multiplies without carries.
 */
export function crc32Sync(bytes: Uint8Array, start = 0): number {
  return callSync(() => native.crc32Sync({ bytes, start }));
}
