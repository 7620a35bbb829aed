import { randomUUID } from "node:crypto";
import { unlinkSync } from "node:fs";
import { link, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { errorCode, writeError } from "./errors.js";
import { makeFolder, removeFolders } from "./file.js";
import { isLiving, ownIdentity, type ProcessIdentity } from "./process-identity.js";
import { readRegularFileSync } from "./regular-file.js";
import { temporaryName } from "./temporaries.js";

/** The error of a folder or file that another process, or another call in this one, is working on. */
export class LockedError extends Error {
  readonly code = "ERR_PIXELCAL_LOCKED";
  /** The folder or file that is in use. */
  readonly path: string;
  /** The path of the lock file. */
  readonly lockFile: string;

  constructor(path: string, lockFile: string, what: string) {
    super(`${path}: ${what}`);
    this.name = "LockedError";
    this.path = path;
    this.lockFile = lockFile;
  }
}

/** The exclusive right to write somewhere, until it is released or the process ends. */
export interface Lock extends AsyncDisposable {
  /** The process that held the right and ended without releasing it, for example after a kill. */
  readonly takenOver?: { readonly pid: number; readonly since: string };
  /** Releases the right; releasing it twice is harmless. */
  release(): Promise<void>;
}

interface Owner extends ProcessIdentity {
  /** The time the lock was taken, in ISO 8601. */
  readonly since: string;
  readonly token: string;
}

const held = new Map<string, string>();

// Signals and process.exit leave no time for asynchronous work.
process.on("exit", () => {
  for (const [file, token] of held) if (ownerOf(file)?.token === token) unlinkSync(file);
});

/**
 * Takes the exclusive right to write into a folder, which is made if it is missing and removed again if it
 * stays empty. Throws `LockedError` while another living process holds the right; a killed process holds
 * nothing.
 */
export async function lockFolder(folder: string): Promise<Lock> {
  const made = await makeFolder(folder);
  return locked(folder, join(folder, ".pixelcal.lock"), made);
}

/** Takes the exclusive right to replace one file or folder as a whole; the lock file lies beside it. */
export async function lockBeside(path: string): Promise<Lock> {
  const made = await makeFolder(dirname(path));
  return locked(path, join(dirname(path), `.${basename(path)}.lock`), made);
}

async function locked(path: string, file: string, made: readonly string[]): Promise<Lock> {
  const key = resolve(file);
  const owner: Owner = { ...ownIdentity(), since: new Date().toISOString(), token: randomUUID() };
  let before: Owner | undefined;
  try {
    before = await take(path, key, owner);
  } catch (error) {
    await removeFolders(made);
    throw writeError(path, error);
  }
  held.set(key, owner.token);
  const release = async (): Promise<void> => {
    if (held.get(key) !== owner.token) return;
    held.delete(key);
    if (ownerOf(key)?.token === owner.token) await rm(key, { force: true });
    await removeFolders(made);
  };
  const takenOver = before && { pid: before.pid, since: before.since };
  return { ...(takenOver && { takenOver }), release, [Symbol.asyncDispose]: release };
}

/**
 * Makes the lock file, or takes it over from an owner that has died, which is returned. Only one process at
 * a time may replace the file of a dead owner: the process that has made the file named after that owner's
 * token.
 */
async function take(path: string, file: string, owner: Owner): Promise<Owner | undefined> {
  for (;;) {
    if (await create(file, owner)) return undefined;
    const other = ownerOf(file);
    if (other === undefined) {
      if (!(await exists(file))) continue;
      throw new LockedError(
        path,
        file,
        `its lock file cannot be read; if no process is writing there, remove ${file}`,
      );
    }
    if (isOwner(other, file)) throw new LockedError(path, file, inUse(other, file));
    const replacing = `${file}.${other.token}`;
    await take(path, replacing, owner);
    try {
      if (ownerOf(file)?.token !== other.token) continue;
      await rename(replacing, file);
      return other;
    } finally {
      await rm(replacing, { force: true });
    }
  }
}

/**
 * Makes the file with its whole content at once, so that nobody reads half of it; returns false if it exists.
 */
async function create(file: string, owner: Owner): Promise<boolean> {
  // Named after what is locked, so that whoever sweeps temporaries there finds it after a kill.
  const locks = basename(file).replace(/^\.(.+?)\.lock.*$/s, "$1");
  const temporary = join(dirname(file), temporaryName(locks));
  const text = `${JSON.stringify(owner)}\n`;
  try {
    await writeFile(temporary, text, { flag: "wx" });
    await link(temporary, file);
    return true;
  } catch (error) {
    const code = errorCode(error);
    if (code === "EEXIST") return false;
    // These codes come from file systems without hard links.
    if (code !== "EPERM" && code !== "ENOTSUP" && code !== "EOPNOTSUPP" && code !== "ENOSYS") throw error;
    return await writeFile(file, text, { flag: "wx" }).then(
      () => true,
      (failure: unknown) => {
        if (errorCode(failure) === "EEXIST") return false;
        throw failure;
      },
    );
  } finally {
    await rm(temporary, { force: true });
  }
}

function ownerOf(file: string): Owner | undefined {
  try {
    const owner: Partial<Owner> = JSON.parse(
      Buffer.from(readRegularFileSync(file, { maxFile: 4096 })).toString(),
    );
    const { host, pid, since, token } = owner;
    const known = typeof host === "string" && Number.isSafeInteger(pid) && typeof since === "string";
    return known && typeof token === "string" && /^[\w-]+$/.test(token) ? (owner as Owner) : undefined;
  } catch {
    return undefined;
  }
}

function isOwner(owner: Owner, file: string): boolean {
  const own = ownIdentity();
  // Processes of another machine are not visible from here.
  if (owner.host !== own.host) return true;
  // Without a start time, a lock with this process number that is not held here was left by an earlier
  // process.
  if (owner.pid === own.pid && own.started === undefined) return held.get(file) === owner.token;
  return isLiving(owner);
}

function inUse({ host, pid, since }: Owner, file: string): string {
  const minutes = Math.max(0, (Date.now() - Date.parse(since)) / 60_000);
  const age =
    minutes < 1
      ? "less than a minute"
      : minutes < 120
        ? `${Math.round(minutes)} minutes`
        : `${Math.round(minutes / 60)} hours`;
  if (host !== ownIdentity().host)
    return `is in use by process ${pid} on host ${host}, locked for ${age}; if that process has ended, remove ${file}`;
  const who = pid === process.pid ? "this process" : `process ${pid}`;
  return `is in use by ${who}, locked for ${age}; wait until it ends, stop it, or choose another folder`;
}

const exists = (file: string): Promise<boolean> =>
  stat(file).then(
    () => true,
    () => false,
  );
