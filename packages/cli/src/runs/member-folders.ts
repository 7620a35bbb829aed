import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";

const memberName = /^member_\d+$/;

/** Returns the folder of a network of a run of several, counted from 1. */
export const memberFolder = (folder: string, number: number): string => join(folder, `member_${number}`);

/** Removes the folders of the networks of an earlier run of several, but for `except`. */
export async function removeMembers(folder: string, except?: string): Promise<void> {
  const names: readonly string[] = await readdir(folder).catch(() => []);
  for (const own of names.filter((each) => memberName.test(each)).map((each) => join(folder, each)))
    if (own !== except) await rm(own, { recursive: true, force: true });
}
