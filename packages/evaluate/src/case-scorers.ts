import { type BinOptions, CaseScorer } from "@pixelcal/core";
import { furtherHistograms, furtherParts } from "./further-scores.js";
import { scoredSurfaces } from "./region-scores.js";
import type { ScoreOptions } from "./score-options.js";
import { keptLayouts } from "./statistics/case-sums.js";
import { keptRings } from "./statistics/ring-sums.js";

/**
 * Returns the histograms of every evaluation, which come before those of further families: of the foreground,
 * the top label and the classes in the bins of the options, those that are kept by case, and two bins for
 * fpBrier unless the first have what it needs.
 */
export function usualHistograms({
  convention = "reference",
  bins = 10,
}: ScoreOptions): readonly BinOptions[] {
  const reference = convention === "reference";
  // The repository's bins (lo, hi] leave out p = 0, and with it every object that is missed with certainty.
  const includeLowest = !reference;
  const halved = includeLowest && bins % 2 === 0;
  return [
    { bins, includeLowest, squares: true },
    { bins, includeLowest, of: "top-label" },
    { bins, includeLowest, of: "classes", threshold: reference ? 1e-3 : undefined },
    ...keptLayouts,
    ...(halved ? [] : [{ bins: 2, squares: true }]),
  ];
}

/** The number of scorers that are kept, the last used. */
const most = 16;
const kept = new Map<string, CaseScorer>();

/**
 * Returns the scorer of an evaluation's cases, which checks sums of probabilities against the closed range
 * `sums`. A scorer keeps nothing of its cases: a service that evaluates each case by itself gets the same
 * one again.
 */
export function caseScorer(options: ScoreOptions, sums?: readonly [number, number]): CaseScorer {
  const { classes, convention, bins, ignore, nllFloor = 0, metrics, decision } = options;
  const { tolerance, percentile, bothEmpty, oneEmpty, lesions } = options;
  // The options stand for the surfaces and histograms, which take longer to make.
  const ofHistograms = [classes, convention, bins, ignore, metrics, decision, lesions];
  const key = JSON.stringify([ofHistograms, tolerance, percentile, bothEmpty, oneEmpty, nllFloor, sums]);
  const scorer = kept.get(key) ?? new CaseScorer(scorerOptions());
  kept.delete(key);
  kept.set(key, scorer);
  if (kept.size > most) kept.delete(kept.keys().next().value!);
  return scorer;

  function scorerOptions(): ConstructorParameters<typeof CaseScorer>[0] {
    return {
      classes,
      ignore,
      histograms: [...usualHistograms(options), ...furtherHistograms(options)],
      floors: [nllFloor],
      confusion: true,
      surfaces: [scoredSurfaces(options)],
      rings: [keptRings],
      ...furtherParts(options),
      hashes: true,
      sums,
    };
  }
}
