import { type FileSource, withSource } from "../byte-source.js";
import { FormatError } from "../errors.js";

/** The largest JSON file of a data set, in bytes. */
const longest = 2 ** 24;

/** Reads a JSON file of at most 16 MiB. Throws FormatError. */
export function readJson(source: FileSource, name?: string): Promise<unknown> {
  return withSource(source, name, { maxFile: longest }, async ({ path, bytes }) => {
    const text = Buffer.from(await bytes.read(0, bytes.size)).toString("utf8");
    try {
      return JSON.parse(text);
    } catch (error) {
      throw new FormatError(path, undefined, `not JSON: ${(error as Error).message}`, { cause: error });
    }
  });
}

/** Returns whether a value is an object of names and values. */
export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
