import { randomBytes } from "node:crypto";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { isLivingTag, ownTag } from "./process-identity.js";

// A name has at most 255 bytes, and a character up to four.
const longest = 48;

/** A name for something that takes the place of `name` when it is complete; no two calls give the same. */
export const temporaryName = (name: string): string =>
  `.${name.slice(0, longest)}.${ownTag()}.${randomBytes(6).toString("hex")}.tmp`;

// The second is how folders were named before.
const [current, earlier] = [
  /^\.(.+)\.(\d+(?:-[0-9a-f]{8})?)\.[0-9a-f]+\.tmp(?:\.old)?$/s,
  /^\.(.+)\.(\d+)\.tmp(?:\.old)?$/s,
] as const;

/** The names in `folder` that writers which have died gave, of temporaries for `name` or of all. */
export async function staleTemporaries(folder: string, name?: string): Promise<string[]> {
  const stale = (await readdir(folder)).filter((entry) => {
    const [, target, tag] = current.exec(entry) ?? earlier.exec(entry) ?? [];
    if (target === undefined || tag === undefined) return false;
    return (name === undefined || target === name.slice(0, longest)) && !isLivingTag(tag);
  });
  return stale.sort();
}

/** Removes temporary files and folders that writes of processes now dead left in `folder`; returns their names. */
export async function sweepTemporaries(folder: string): Promise<string[]> {
  const stale = await staleTemporaries(folder);
  for (const name of stale) await rm(join(folder, name), { recursive: true, force: true });
  return stale;
}
