import { prefetch } from "@pixelcal/io";
import type { EvaluationCase } from "../evaluate.js";
import {
  type NnunetFolder,
  readNnunetLabels,
  readNnunetPrediction,
  readNnunetProbabilities,
} from "./nnunet-folder.js";
import { type SummaryCase, summaryConfusion } from "./summary.js";

/** The number of cases that are read while one is scored. */
const readAhead = 1;

/** Yields the cases of nnU-Net's predictions with probabilities, their spacing as (z, y, x). */
export function nnunetCases(folder: NnunetFolder, names: readonly string[]): AsyncGenerator<EvaluationCase> {
  return prefetch(names, readAhead, async (name) => {
    const stored = await readNnunetLabels(folder, name);
    const probs = await readNnunetProbabilities(folder, name, stored);
    return { name, probs, labels: stored.labels, spacing: [...stored.grid.spacing].reverse() };
  });
}

/** Yields the counts of every case for nnU-Net's summary, from the predicted label maps. */
export function nnunetSummaryCases(
  folder: NnunetFolder,
  names: readonly string[],
): AsyncGenerator<SummaryCase> {
  return prefetch(names, readAhead, async (name) => {
    const stored = await readNnunetLabels(folder, name);
    const predicted = await readNnunetPrediction(folder, name, stored);
    return {
      prediction: folder.predictionPath(name),
      reference: folder.labelPath(name),
      confusion: await summaryConfusion(predicted, stored.labels, folder.dataset),
    };
  });
}
