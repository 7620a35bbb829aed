import { mkdir, readdir, readlink, realpath, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { makeFolder, removeFolders, writeError } from "@pixelcal/io";
import { CommandError } from "./command-error.js";

/** What may be in a folder that is to be replaced. */
export interface Replaceable {
  /** For the message: "holds no generated phantoms". */
  readonly what: string;
  /** Whether a folder with these entries, at least one, is what it should be. */
  matches(names: readonly string[], folder: string): boolean | Promise<boolean>;
}

/**
 * Makes a folder that is either complete or absent: `fill` writes into a temporary folder beside it, which takes the
 * folder's name at the end. What is there already is replaced only if it is `replaceable`; a `CommandError` says so.
 */
export async function writeFolder(
  link: string,
  replaceable: Replaceable,
  fill: (folder: string) => Promise<void>,
): Promise<void> {
  // A link stays one: what it leads to is replaced.
  const path = await realpath(link).catch(() => link);
  const present = await checkReplaceable(path, replaceable);
  const staged = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
  const old = `${staged}.old`;
  const made = await makeFolder(dirname(path));
  await rm(staged, { recursive: true, force: true });
  try {
    await mkdir(staged);
    await fill(staged);
    if (present) await rename(path, old);
    await rename(staged, path);
  } catch (error) {
    await rm(staged, { recursive: true, force: true });
    await removeFolders(made);
    throw writeError(path, error);
  } finally {
    await rm(staged, { recursive: true, force: true });
    await rm(old, { recursive: true, force: true });
  }
}

/** Whether the folder is there; throws `CommandError` if it holds anything that must not be replaced. */
export async function checkReplaceable(path: string, { what, matches }: Replaceable): Promise<boolean> {
  const names = await entries(path);
  if (names === undefined || names.length === 0) return names !== undefined;
  if (await matches(names, path)) return true;
  throw new CommandError(`${path}: is not empty and holds no ${what}; choose another folder or remove it`);
}

/** The folder's entries; what macOS strews about counts as nothing, other hidden files may be somebody's work. */
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
