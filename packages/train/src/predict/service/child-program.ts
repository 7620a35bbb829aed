import { statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { InvalidArgumentError, invalidArgument } from "@pixelcal/core";

/**
 * Returns the path of the program of a predictor's processes: the given one, else this package's own. Throws
 * `InvalidArgumentError` unless it is a file.
 */
export function childProgram(given?: string): string {
  if (given !== undefined && typeof given !== "string")
    throw invalidArgument("childProgram", "the path of a file", given);
  const path = given ?? ownProgram();
  if (path !== undefined && statSync(path, { throwIfNoEntry: false })?.isFile()) return path;
  if (given !== undefined) throw invalidArgument("childProgram", "the path of a file", given);
  const message =
    "childProgram: required where a bundler moved this package: the path of @pixelcal/train/child or a bundle of it";
  throw new InvalidArgumentError("childProgram", message);
}

/** Returns where the program is unless this module was moved; undefined in a CommonJS bundle. */
function ownProgram(): string | undefined {
  const { url } = import.meta as Partial<ImportMeta>;
  // Node does not run the sources: tests start the built program.
  return url && fileURLToPath(new URL("../../../dist/predict/service/child.js", url));
}
