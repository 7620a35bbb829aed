import { FormatError } from "../../errors.js";
import { readVolume } from "../read-volume.js";
import type { VolumeOptions } from "../volume.js";

/**
 * Returns the message with which reading is refused. Throws if it is not, or passes on an error of another
 * class.
 */
export async function refusalOf(
  source: string | Uint8Array | readonly string[],
  options: VolumeOptions = {},
): Promise<string> {
  try {
    await readVolume(source, options);
  } catch (error) {
    if (error instanceof FormatError) return error.message;
    throw error;
  }
  throw new Error("the source was read");
}
