import { randomBytes } from "node:crypto";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { isLivingTag, ownTag } from "./process-identity.js";

// A name has at most 255 bytes, and a character takes up to four.
const longest = 48;

/**
 * Returns a name for a file or folder that will take the place of `name` when complete; every call gives a
 * new one.
 */
export const temporaryName = (name: string): string =>
  `.${name.slice(0, longest)}.${ownTag()}.${randomBytes(6).toString("hex")}.tmp`;

// The second pattern matches the names that folders had in earlier releases.
const [current, earlier] = [
  /^\.(.+)\.(\d+(?:-[0-9a-f]{8})?)\.[0-9a-f]+\.tmp(?:\.old)?$/s,
  /^\.(.+)\.(\d+)\.tmp(?:\.old)?$/s,
] as const;

/** Lists the temporaries in `folder` that dead writers left, for `name` or for all names. */
export async function staleTemporaries(folder: string, name?: string): Promise<string[]> {
  const stale = (await readdir(folder)).filter((entry) => {
    const [, target, tag] = current.exec(entry) ?? earlier.exec(entry) ?? [];
    if (target === undefined || tag === undefined) return false;
    return (name === undefined || target === name.slice(0, longest)) && !isLivingTag(tag);
  });
  return stale.sort();
}

/** Removes the temporary files and folders that dead processes left in `folder`; returns their names. */
export async function sweepTemporaries(folder: string): Promise<string[]> {
  const stale = await staleTemporaries(folder);
  for (const name of stale) await rm(join(folder, name), { recursive: true, force: true });
  return stale;
}
