import { FormatError, prefetch } from "@pixelcal/io";
import type { EvaluationCase, Names } from "../evaluate.js";
import { type NnunetFolder, readNnunetCase, readNnunetProbabilities } from "./nnunet-folder.js";
import { type SummaryCase, summaryConfusion } from "./summary.js";

/** The number of cases that are read while one is scored. */
const readAhead = 1;

/** Yields the cases of nnU-Net's predictions with probabilities, their spacing as (z, y, x). */
export function nnunetCases(folder: NnunetFolder, names: Names): AsyncGenerator<EvaluationCase> {
  return prefetch(names, readAhead, async (name) => {
    const stored = await readNnunetCase(folder, name);
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
    const { labels, predicted } = await readNnunetCase(folder, name);
    const prediction = folder.predictionPath(name);
    if (!predicted) throw new FormatError(prediction, undefined, "no such file, which the summary counts");
    return {
      prediction,
      reference: folder.labelPath(name),
      confusion: await summaryConfusion(predicted, labels, folder.dataset),
    };
  });
}
