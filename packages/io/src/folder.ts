import type { Dirent, Stats } from "node:fs";
import { readdir, readlink, stat } from "node:fs/promises";
import { join } from "node:path";
import { errorCode, FormatError, fileError } from "./errors.js";

/** The visible entries of a folder by kind, links followed, each list sorted by name. */
export interface FolderEntries {
  readonly files: readonly string[];
  readonly folders: readonly string[];
  /** The broken links, pipes, sockets and devices: the name and a description of the entry. */
  readonly others: ReadonlyMap<string, string>;
}

/**
 * Lists a folder. Leaves out names that begin with a dot, including macOS's `._x`; a link counts as its
 * target. Throws `FormatError` if the folder cannot be listed; `expected` tells the reader what it should be.
 */
export async function listFolder(folder: string, expected?: string): Promise<FolderEntries> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(async (error: unknown) => {
    throw await folderError(folder, expected, error);
  });
  const files: string[] = [];
  const folders: string[] = [];
  const others = new Map<string, string>();
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const { name } = entry;
    if (name.startsWith(".")) continue;
    const found = await followed(join(folder, name), entry);
    if (typeof found === "string") others.set(name, found);
    else if (found.isFile()) files.push(name);
    else if (found.isDirectory()) folders.push(name);
    else others.set(name, "is a pipe, a socket or a device");
  }
  return { files, folders, others };
}

/**
 * Lists the cases of a folder: the sorted names of its .npz files without the ending. Every reader of data
 * sets and predictions lists with it. Throws `FormatError` if there are no cases, and for an .npz entry that
 * is not a file.
 */
export async function listCases(folder: string, expected = "expected .npz files"): Promise<string[]> {
  const { files, folders, others } = await listFolder(folder, expected);
  const isCase = (name: string): boolean => name.endsWith(".npz");
  const wrongFolder = folders.find(isCase);
  if (wrongFolder !== undefined)
    throw new FormatError(join(folder, wrongFolder), undefined, "is a folder, expected a file");
  for (const [name, what] of others)
    if (isCase(name)) throw new FormatError(join(folder, name), undefined, `${what}, expected a file`);
  const cases = files.filter(isCase);
  if (cases.length === 0) throw new FormatError(folder, undefined, `no .npz files; ${expected}`);
  return cases.map((name) => name.slice(0, -".npz".length));
}

/** Returns the target of a link, or a sentence if it has none. */
async function followed(path: string, entry: Dirent): Promise<Dirent | Stats | string> {
  if (entry.isFile() || entry.isDirectory()) return entry;
  try {
    return await stat(path);
  } catch (error) {
    const target = await readlink(path).catch(() => undefined);
    if (target === undefined) return `cannot be read (${errorCode(error) ?? String(error)})`;
    const why = errorCode(error) === "ELOOP" ? "leads back to itself" : "does not lead to a file";
    return `is a link to ${target}, which ${why}`;
  }
}

async function folderError(folder: string, expected: string | undefined, error: unknown): Promise<unknown> {
  const code = errorCode(error);
  if (code !== "ENOENT" && code !== "ENOTDIR") return fileError(folder, error);
  const found = await stat(folder).catch(() => undefined);
  const what = found === undefined ? "no such folder" : "expected a folder, found a file";
  const advice = expected === undefined ? "" : `; ${expected}`;
  return new FormatError(folder, undefined, `${what}${advice}`, { cause: error, code: "ERR_PIXELCAL_FILE" });
}
