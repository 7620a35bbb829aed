import {
  CalibrationMetric,
  type CalibrationMetricOptions,
  type Labels,
  toProbabilities,
} from "@pixelcal/core";
import { evaluate, type ProbabilityTransform, type Scores } from "@pixelcal/evaluate";
import type { PredictedCase } from "./cases.js";
import type { Settings } from "./settings.js";

/** Returns the options of every calibration metric of the service; equal options make states merge. */
export const calibrationOptions = ({
  classes,
  ignore,
}: Pick<Settings, "classes" | "ignore">): CalibrationMetricOptions => ({
  classes,
  of: "top-label",
  bins: 15,
  ...(ignore !== undefined && { ignore }),
});

/** A scored case. */
export interface ScoredCase {
  readonly scores: Scores;
  /** The state of a calibration metric that has seen this case alone. */
  readonly state: Uint8Array;
}

/** Scores one case under the convention `consistent`. */
export async function score(
  name: string,
  { probs, labels, spacing }: PredictedCase,
  settings: Pick<Settings, "classes" | "ignore">,
  transform: ProbabilityTransform | undefined,
): Promise<ScoredCase> {
  const { classes, ignore } = settings;
  const options = { convention: "consistent", classes, ignore, transform } as const;
  const { rows } = await evaluate([{ name, probs, labels, ...(spacing && { spacing }) }], options);
  const truth = { ...labels, dims: [1, ...labels.dims] } as Labels;
  const values = { ...probs, dims: [1, ...probs.dims] };
  // evaluate has refused what is no probability; values a rounding beyond 0 or 1 are put within.
  const reading = { labels: truth, ignore, transform: transform ?? "clamp", tolerance: 1e-3 } as const;
  const metric = new CalibrationMetric(calibrationOptions(settings));
  await metric.update((await toProbabilities(values, reading)).probs, truth);
  return { scores: rows[0]!.scores, state: metric.state() };
}
