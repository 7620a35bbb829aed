import { existsSync } from "node:fs";
import { mkdir, readdir, readlink, realpath, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { lockBeside, staleTemporaries, temporaryName, writeError } from "@pixelcal/io";
import { CommandError } from "./command-error.js";

/** The content that allows a folder to be replaced. */
export interface Replaceable {
  /** The name of the content in the message "holds no generated phantoms". */
  readonly what: string;
  /** Returns whether a folder with these entries, at least one, has the expected content. */
  matches(names: readonly string[], folder: string): boolean | Promise<boolean>;
}

/**
 * Makes a folder that is either complete or absent: `fill` writes into a temporary folder beside it, which
 * takes the folder's name at the end. An existing folder is replaced only if it is `replaceable`, otherwise a
 * `CommandError` explains. Throws `LockedError` while another process writes it.
 */
export async function writeFolder(
  link: string,
  replaceable: Replaceable,
  fill: (folder: string) => Promise<void>,
): Promise<void> {
  // A link stays a link: its target is replaced.
  const path = await realpath(link).catch(() => link);
  await checkReplaceable(path, replaceable);
  const lock = await lockBeside(path);
  try {
    await recover(path);
    // Checked again, because from here on no other process writes there.
    await replaceFolder(path, await checkReplaceable(path, replaceable), fill);
  } finally {
    await lock.release();
  }
}

async function replaceFolder(
  path: string,
  present: boolean,
  fill: (folder: string) => Promise<void>,
): Promise<void> {
  const staged = join(dirname(path), temporaryName(basename(path)));
  const old = `${staged}.old`;
  try {
    await mkdir(staged);
    await fill(staged);
    if (present) await rename(path, old);
    await rename(staged, path);
  } catch (error) {
    if (!existsSync(path) && existsSync(old)) await rename(old, path);
    throw writeError(path, error);
  } finally {
    await rm(staged, { recursive: true, force: true });
    await rm(old, { recursive: true, force: true });
  }
}

/**
 * Removes the remains of writers that were killed. If one was killed between the two renames, the new folder
 * is complete.
 */
async function recover(path: string): Promise<void> {
  const parent = dirname(path);
  const stale = await staleTemporaries(parent, basename(path));
  const old = stale.find((name) => name.endsWith(".old"));
  if (old !== undefined && !existsSync(path)) {
    const staged = old.slice(0, -".old".length);
    await rename(join(parent, stale.includes(staged) ? staged : old), path);
  }
  for (const name of stale) await rm(join(parent, name), { recursive: true, force: true });
}

/**
 * Returns whether the folder exists; throws `CommandError` if it holds anything that must not be replaced.
 */
export async function checkReplaceable(path: string, { what, matches }: Replaceable): Promise<boolean> {
  const names = await entries(path);
  if (names === undefined || names.length === 0) return names !== undefined;
  if (await matches(names, path)) return true;
  throw new CommandError(`${path}: is not empty and holds no ${what}; choose another folder or remove it`);
}

/** Lists the folder's entries without macOS's metadata files; other hidden files may be somebody's work. */
async function entries(path: string): Promise<string[] | undefined> {
  try {
    return (await readdir(path)).filter((name) => name !== ".DS_Store" && !name.startsWith("._"));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT") {
      const target = await readlink(path).catch(() => undefined);
      if (target === undefined) return undefined;
      throw new CommandError(`${path}: is a link to ${target}, which does not exist; remove it`);
    }
    if (code === "ENOTDIR") throw new CommandError(`${path}: expected a folder, found a file`);
    throw error;
  }
}
