import { FormatError, overLimit } from "../errors.js";
import { boundedCount, type Limits } from "../limits.js";

/** Says what is wrong with the field `key` at a byte of a file. */
export function refusal(path: string, key: string | undefined, offset: number, what: string): FormatError {
  return new FormatError(path, key, `${what} (at byte ${offset})`);
}

/** Returns the bytes of an array, each factor checked before it is multiplied. Throws FormatError. */
export function checkedBytes(
  path: string,
  key: string,
  offset: number,
  dims: readonly number[],
  width: number,
  limits: Limits,
): number {
  const count = boundedCount(dims, limits);
  if (typeof count === "string") throw overLimit(refusal(path, key, offset, count));
  if (dims.includes(0)) throw refusal(path, key, offset, `is empty, shape [${dims}]`);
  const bytes = count * width;
  if (bytes > limits.maxOutput)
    throw overLimit(refusal(path, key, offset, `${bytes} bytes exceed the limit of ${limits.maxOutput}`));
  return bytes;
}
