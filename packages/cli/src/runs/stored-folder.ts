import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Region } from "@pixelcal/core";
import { FormatError, maskRegions, npzNames } from "@pixelcal/io";
import type { Replaceable } from "../replace-folder.js";

/** The file that says which regions the channels of predicted masks are. */
export const masksFile = "masks.json";

/** Returns the regions whose masks a folder holds, as masks.json says; undefined without that file. */
export async function maskRegionsIn(folder: string): Promise<readonly Region[] | undefined> {
  const path = join(folder, masksFile);
  if (!existsSync(path)) return undefined;
  const fail = (cause?: unknown): never => {
    throw new FormatError(path, "regions", "expected a list of names", { cause });
  };
  let json: unknown;
  try {
    json = JSON.parse(await readFile(path, "utf8"));
  } catch (cause) {
    return fail(cause);
  }
  const { regions } = (json ?? {}) as { readonly regions?: unknown };
  if (!Array.isArray(regions) || !regions.every((name) => typeof name === "string")) return fail();
  return maskRegions(regions);
}

/** The files that say what predicted volumes mean, one of which stands beside them. */
const descriptions: readonly string[] = ["dataset.json", masksFile];

/**
 * A folder of predictions, which new ones may replace. Cases have the same endings as predictions, and must
 * not be replaced.
 */
export const predictionFolder: Replaceable = {
  what: "predictions",
  async matches(names, folder) {
    const archives = names.filter((name) => name.endsWith(".npz"));
    const [first] = archives;
    if (first === undefined) return areLabelMaps(names);
    const held = await npzNames(join(folder, first));
    if (archives.length === names.length && held.includes("probs")) return true;
    const described = names.some(isDescription) || names.every((name) => /\.(npz|json|pkl)$/.test(name));
    return described && held.length === 1 && held[0] === "probabilities";
  },
};

const isDescription = (name: string): boolean => descriptions.includes(name);

/**
 * Tells whether a folder holds label maps alone, each with the JSON of its geometry, beside a description.
 */
function areLabelMaps(names: readonly string[]): boolean {
  const others = names.filter((name) => !isDescription(name));
  const stems = others.filter((name) => name.endsWith(".json")).map((name) => name.slice(0, -5));
  const paired = others.every((name) => stems.some((stem) => name.startsWith(`${stem}.`)));
  return names.some(isDescription) && stems.length > 0 && others.length === 2 * stems.length && paired;
}
