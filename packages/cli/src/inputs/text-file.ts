import { readRegularFile } from "@pixelcal/io";

/** Reads a regular file as UTF-8 text. Throws FormatError, which names it. */
export async function readText(path: string): Promise<string> {
  return Buffer.from(await readRegularFile(path)).toString("utf8");
}
