import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const folder = mkdtempSync(join(tmpdir(), "pixelcal-soak-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

/** Writes a file of this process's own and returns its path, always the same for a name. */
export function scratch(name, bytes) {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

export const scratchFolder = folder;
