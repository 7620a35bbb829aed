import type { Dirent, Stats } from "node:fs";
import { readdir, readlink, stat } from "node:fs/promises";
import { join } from "node:path";
import { errorCode, FormatError, fileError } from "./errors.js";

/** The visible entries of a folder by what they are, links followed, each list in the order of names. */
export interface FolderEntries {
  readonly files: readonly string[];
  readonly folders: readonly string[];
  /** Links that lead nowhere, pipes, sockets and devices: the name and what it is. */
  readonly others: ReadonlyMap<string, string>;
}

/**
 * Lists a folder. Names that begin with a dot are left out, macOS's `._x` among them; links count as what they lead
 * to. Throws `FormatError` where the folder cannot be listed; `expected` says in the message what it should be.
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
 * Lists the cases of a folder: the names of its .npz files without the ending, sorted. Every reader of data sets and
 * predictions lists with it. Throws `FormatError` where there is none, and for an .npz entry that is not a file.
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

/** What a link leads to, or a sentence where that is nothing. */
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
  return new FormatError(folder, undefined, `${what}${advice}`, { cause: error });
}
