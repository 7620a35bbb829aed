import { join } from "node:path";
import { sameDims } from "@pixelcal/core";
import type { RunResult } from "@pixelcal/evaluate";
import { type Evaluation, summarize } from "@pixelcal/evaluate";
import { FormatError, readNpz, readPrediction } from "@pixelcal/io";
import { truthKey } from "@pixelcal/phantom";

/** The name of the column that `withTruth` adds. */
export const truthColumn = "truth error";

/**
 * Adds to every case the distance of its predicted probabilities from the true ones of the data: the mean
 * over pixels of the total variation distance, sum_c |p_c - t_c| / 2, in [0, 1].
 */
export async function withTruth(result: RunResult, predictions: string, cases: string): Promise<RunResult> {
  const { evaluation } = result;
  const rows: Evaluation["rows"][number][] = [];
  for (const row of evaluation.rows) {
    const { name, scores } = row;
    const { probs } = await readPrediction(join(predictions, `${name}.npz`));
    const path = join(cases, `${name}.npz`);
    const truth = (await readNpz(path, { keys: [truthKey] }))[truthKey];
    if (!(truth?.data instanceof Float32Array) || !sameDims(truth.dims, probs.dims)) {
      throw new FormatError(path, truthKey, `expected float32 [${probs.dims}]`);
    }
    rows.push({
      ...row,
      scores: { ...scores, [truthColumn]: truthError(probs.data, truth.data, probs.dims[0]!) },
    });
  }
  const errors = rows.map(({ scores }) => scores[truthColumn]!);
  const summary = { ...evaluation.summary, [truthColumn]: summarize(errors) };
  return { ...result, evaluation: { ...evaluation, rows, summary } };
}

/** Returns the mean over pixels of sum_c |p_c - t_c| / 2. */
export function truthError(probs: Float32Array, truth: Float32Array, classes: number): number {
  let sum = 0;
  for (let i = 0; i < probs.length; i++) sum += Math.abs(probs[i]! - truth[i]!);
  return sum / 2 / (probs.length / classes);
}
