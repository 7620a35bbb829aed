import { InvalidArgumentError } from "@pixelcal/core";
import { modelMetadata, type OnnxFile } from "@pixelcal/graph";
import type { z } from "zod";

/** Returns the error of what a model file carries under a key of its metadata. */
export const damaged = (key: string, what: string, cause?: unknown): InvalidArgumentError =>
  new InvalidArgumentError("model", `model: ${key}: ${what}`, { cause });

/** Returns the text that a model file carries under a key of its metadata, undefined if it carries none. */
export function carriedText(model: Uint8Array | OnnxFile, key: string): string | undefined {
  const metadata = modelMetadata(model);
  return Object.hasOwn(metadata, key) ? metadata[key] : undefined;
}

/**
 * Returns the value of the JSON that a model file carries under a key of its metadata, undefined if it
 * carries none. Throws the error that `fail` makes for text that is not JSON.
 */
export function carriedValue(
  model: Uint8Array | OnnxFile,
  key: string,
  fail: (what: string, cause: unknown) => Error,
): unknown {
  const text = carriedText(model, key);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw fail("is not JSON", cause);
  }
}

/**
 * Returns the JSON that a model file carries under a key of its metadata, undefined if it carries none.
 * Throws `InvalidArgumentError` if it does not follow the schema.
 */
export function carriedJson<T>(
  model: Uint8Array | OnnxFile,
  key: string,
  schema: z.ZodType<T>,
): T | undefined {
  const json = carriedValue(model, key, (what, cause) => damaged(key, what, cause));
  if (json === undefined) return undefined;
  const parsed = schema.safeParse(json);
  if (!parsed.success) throw damaged(key, parsed.error.issues[0]!.message, parsed.error);
  return parsed.data;
}
