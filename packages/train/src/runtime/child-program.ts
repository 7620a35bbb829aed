import { statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { InvalidArgumentError, invalidArgument } from "@pixelcal/core";

/** The programs of this package's processes, by what bundlers know them as, and where they are built. */
const programs = {
  "@pixelcal/train/child": "predict/service/child.js",
  "@pixelcal/train/device-trial": "check/device-trial-child.js",
  "@pixelcal/train/step-memory": "preparation/step-memory-child.js",
} as const;

/**
 * Returns the path of a program of this package's processes: the given one, else the package's own. Throws
 * `InvalidArgumentError` unless it is a file.
 */
export function childProgram(name: keyof typeof programs, given?: string): string {
  if (given !== undefined && typeof given !== "string")
    throw invalidArgument("childProgram", "the path of a file", given);
  const path = given ?? ownProgram(programs[name]);
  if (path !== undefined && statSync(path, { throwIfNoEntry: false })?.isFile()) return path;
  if (given !== undefined) throw invalidArgument("childProgram", "the path of a file", given);
  const message = `childProgram: required where a bundler moved this package: the path of ${name} or a bundle of it`;
  throw new InvalidArgumentError("childProgram", message);
}

/** Returns where a program is unless this module was moved; undefined in a CommonJS bundle. */
function ownProgram(built: string): string | undefined {
  const { url } = import.meta as Partial<ImportMeta>;
  // Node does not run the sources: tests start the built program.
  return url && fileURLToPath(new URL(`../../dist/${built}`, url));
}
