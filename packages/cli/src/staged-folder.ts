import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { CommandError } from "./command-error.js";

/**
 * Makes a folder that is either complete or absent: `fill` writes into a temporary folder beside it, which takes the
 * folder's name at the end. A folder that is already there is replaced if every entry is one that `replaceable` knows;
 * otherwise nothing is written and a `CommandError` says so.
 */
export async function writeFolder(
  path: string,
  replaceable: (name: string) => boolean,
  fill: (folder: string) => Promise<void>,
): Promise<void> {
  const present = await entries(path);
  const foreign = present?.find((name) => !replaceable(name));
  if (foreign !== undefined) {
    throw new CommandError(
      `${path}: holds ${foreign}, which is not replaced; choose another folder or remove it`,
    );
  }
  const staged = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
  const old = `${staged}.old`;
  await rm(staged, { recursive: true, force: true });
  try {
    await mkdir(staged, { recursive: true });
    await fill(staged);
    if (present !== undefined) await rename(path, old);
    await rename(staged, path);
  } finally {
    await rm(staged, { recursive: true, force: true });
    await rm(old, { recursive: true, force: true });
  }
}

async function entries(path: string): Promise<string[] | undefined> {
  try {
    return await readdir(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT") return undefined;
    if (code === "ENOTDIR") throw new CommandError(`${path}: expected a folder, found a file`);
    throw error;
  }
}
