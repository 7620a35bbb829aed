import { existsSync, statSync } from "node:fs";
import { type FileHandle, mkdir, open, rename, rm, rmdir } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { errorCode, FormatError, writeError } from "./errors.js";
import { temporaryName } from "./temporaries.js";

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/**
 * Makes a folder and its missing parents and returns the new folders, outermost first; on failure it removes
 * them again. (Node's recursive mkdir never returns where a folder cannot be made, for example below /proc.)
 */
export async function makeFolder(path: string): Promise<readonly string[]> {
  const missing: string[] = [];
  let present = resolve(path);
  for (; !existsSync(present); present = dirname(present)) missing.unshift(present);
  if (!statSync(present).isDirectory())
    throw new FormatError(present, undefined, "expected a folder, found a file");
  const made: string[] = [];
  for (const folder of missing) {
    try {
      await mkdir(folder);
      made.push(folder);
    } catch (error) {
      if (errorCode(error) === "EEXIST") continue;
      await removeFolders(made);
      throw writeError(path, error);
    }
  }
  return made;
}

/** Removes the folders made by `makeFolder`, as far as they are empty. */
export async function removeFolders(made: readonly string[]): Promise<void> {
  for (const folder of [...made].reverse()) await rmdir(folder).catch(() => undefined);
}

export type FileData = Uint8Array | string | Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/**
 * Writes a file so that `path` holds either the old or the new bytes at any moment, even after a crash or
 * with a full disk: a temporary file beside it, fsync, rename, fsync of the folder. Makes missing parent
 * folders.
 */
export const writeFileAtomic = (path: string, data: FileData): Promise<void> =>
  writeFilesAtomic([[path, data]]);

/**
 * Writes files that belong together: when all are written, the first takes its place, then the others in
 * turn.
 */
export async function writeFilesAtomic(
  files: readonly (readonly [path: string, data: FileData])[],
): Promise<void> {
  const made: string[] = [];
  const staged: { readonly path: string; readonly temporary: string }[] = [];
  let current = "";
  try {
    for (const [path, data] of files) {
      current = path;
      const folder = dirname(path);
      made.push(...(await makeFolder(folder)));
      const { file, temporary } = await openNew(folder, basename(path));
      staged.push({ path, temporary });
      await writeAll(file, data);
    }
    for (const { path, temporary } of staged) {
      current = path;
      await rename(temporary, path);
    }
  } catch (error) {
    for (const { temporary } of staged) await rm(temporary, { force: true });
    await removeFolders(made);
    throw writeError(current, error);
  }
  for (const folder of new Set(files.map(([path]) => dirname(path)))) await syncDirectory(folder);
}

/** Opens a new file; if the name is taken, for whatever reason, tries another name. */
async function openNew(folder: string, name: string): Promise<{ file: FileHandle; temporary: string }> {
  for (let attempt = 0; ; attempt++) {
    const temporary = join(folder, temporaryName(name));
    try {
      return { file: await open(temporary, "wx"), temporary };
    } catch (error) {
      if (errorCode(error) !== "EEXIST" || attempt === 10) throw error;
    }
  }
}

async function writeAll(file: FileHandle, data: FileData): Promise<void> {
  try {
    if (data instanceof Uint8Array || typeof data === "string") await file.writeFile(data);
    else for await (const chunk of data) await file.writeFile(chunk);
    await file.sync();
  } finally {
    await file.close();
  }
}
