import { join } from "node:path";
import { listCases, readPrediction, writePrediction } from "@pixelcal/io";
import type { PredictionTarget, StoredPredictions } from "./prediction-types.js";

const expected = "expected predictions, *.npz with probs and label";

/** Says in words what a folder of our own and the authors' predictions holds. */
export const ownLayout = (cases: readonly string[]): string =>
  `.npz predictions with probabilities and labels, ${cases.length} ${cases.length === 1 ? "case" : "cases"}`;

/** Opens predictions as `pixelcal infer` writes them, which hold their labels. */
export async function ownPredictions(folder: string): Promise<StoredPredictions & PredictionTarget> {
  const names = await listCases(folder, expected);
  const pathOf = (name: string): string => join(folder, `${name}.npz`);
  return {
    layout: ownLayout(names),
    names,
    missing: [],
    async read(name) {
      const { probs, ...rest } = await readPrediction(pathOf(name));
      return { ...rest, probabilities: probs };
    },
    async probabilities(name) {
      return (await readPrediction(pathOf(name))).probs;
    },
    async write(target, name, probs) {
      const { labels, spacing } = await readPrediction(pathOf(name));
      await writePrediction(join(target, `${name}.npz`), { probs, labels, ...(spacing && { spacing }) });
    },
  };
}
