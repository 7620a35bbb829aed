import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { errorCode } from "./errors.js";

/** A process, told apart from later ones with the same number: in containers most are number 1. */
export interface ProcessIdentity {
  readonly host: string;
  readonly pid: number;
  /** The boot of the machine and the start of the process in it, where the system tells (Linux). */
  readonly started?: string;
}

function text(path: string): string | undefined {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return undefined;
  }
}

/**
 * Returns the start of the living process with this number; undefined if there is none or the system does not
 * tell.
 */
function startOf(pid: number | "self"): string | undefined {
  const boot = text("/proc/sys/kernel/random/boot_id")?.trim();
  const status = text(`/proc/${pid}/stat`);
  if (boot === undefined || status === undefined) return undefined;
  // The name in parentheses may hold anything; after it come the state, field 3, and the start time, field
  // 22.
  const fields = status.slice(status.lastIndexOf(")") + 2).split(" ");
  // A zombie has ended and waits for its parent to notice.
  return fields[0] === "Z" || fields[0] === "X" ? undefined : `${boot}/${fields[19]}`;
}

const ownStart: string | undefined = startOf("self");

/** Returns the identity of this process. */
export const ownIdentity = (): ProcessIdentity => ({
  host: hostname(),
  pid: process.pid,
  ...(ownStart !== undefined && { started: ownStart }),
});

/** Tells whether a process of this machine, or of a container on it, is still running. */
export function isLiving({ pid, started }: Omit<ProcessIdentity, "host">): boolean {
  const now = pid === process.pid ? ownStart : startOf(pid);
  if (started !== undefined && now !== undefined) return started === now;
  // Linux reports the start of every process, so a process without one is gone.
  return started !== undefined && ownStart !== undefined ? false : isRunning(pid);
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) === "EPERM";
  }
}

const shortStart = (started: string): string =>
  createHash("sha256").update(started).digest("hex").slice(0, 8);

/** Returns this process as a part of a file name: its number and, where known, a digest of its start. */
export const ownTag = (): string =>
  ownStart === undefined ? `${process.pid}` : `${process.pid}-${shortStart(ownStart)}`;

/** Tells whether the process of a tag is still running. */
export function isLivingTag(tag: string): boolean {
  if (tag === ownTag()) return true;
  const [pid, start] = tag.split("-");
  // This process writes its own tag; a tag without a start comes from an earlier release.
  if (Number(pid) === process.pid) return false;
  const now = startOf(Number(pid));
  if (start !== undefined && now !== undefined) return shortStart(now) === start;
  return isRunning(Number(pid));
}
