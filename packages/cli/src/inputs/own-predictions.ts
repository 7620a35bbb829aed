import { join } from "node:path";
import { labelsOfRegions, type Region } from "@pixelcal/core";
import {
  listCases,
  npzNames,
  type ReadPredictionOptions,
  readPrediction,
  storedMasks,
  writePrediction,
} from "@pixelcal/io";
import { CommandError } from "../command-error.js";
import type { PredictionTarget, StoredPredictions } from "./prediction-types.js";

const expected = "expected predictions, *.npz with probs and label";

/**
 * Lists predictions that hold their labels. Throws `CommandError` for those of volumes, whose labels lie
 * elsewhere.
 */
export async function ownCases(folder: string): Promise<string[]> {
  const names = await listCases(folder, expected);
  const path = join(folder, `${names[0]}.npz`);
  const held = await npzNames(path);
  if (!held.includes("probs") && held.includes("probabilities"))
    throw new CommandError(
      `${path}: holds probabilities without labels; --labels names the folder of the labels, or a data list`,
      { exitCode: 2 },
    );
  return names;
}

/** Says in words what a folder of our own and the authors' predictions holds. */
export const ownLayout = (cases: readonly string[]): string =>
  `.npz predictions with probabilities and labels, ${cases.length} ${cases.length === 1 ? "case" : "cases"}`;

/** Returns how labels are read beside channels that are heads of regions: their number is not the labels'. */
export const besideHeads = (
  regions: readonly Region[],
  ignore: number | undefined,
): Pick<ReadPredictionOptions, "classes" | "masks" | "ignore"> => ({
  classes: labelsOfRegions(regions),
  masks: storedMasks(regions, ignore),
  ...(ignore !== undefined && { ignore }),
});

/** Opens predictions as `pixelcal infer` writes them, which hold their labels. */
export async function ownPredictions(
  folder: string,
  reading: ReturnType<typeof besideHeads> | undefined,
): Promise<StoredPredictions & PredictionTarget> {
  const names = await ownCases(folder);
  const pathOf = (name: string): string => join(folder, `${name}.npz`);
  return {
    layout: ownLayout(names),
    names,
    missing: [],
    async read(name) {
      const { probs, ...rest } = await readPrediction(pathOf(name), reading);
      return { ...rest, probabilities: probs };
    },
    async probabilities(name) {
      return (await readPrediction(pathOf(name), reading)).probs;
    },
    async write(target, name, probs) {
      const { labels, spacing } = await readPrediction(pathOf(name), reading);
      const written = { probs, labels, masks: reading?.masks, ...(spacing && { spacing }) };
      await writePrediction(join(target, `${name}.npz`), written);
    },
  };
}
