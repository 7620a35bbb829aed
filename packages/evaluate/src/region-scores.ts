import type { Labels, OverlapCounts, Probabilities, SurfaceDistances } from "@pixelcal/core";
import {
  argMax,
  confusionCounts,
  diceScore,
  intersectionOverUnion,
  labelSurfaceDistances,
  overlapCounts,
} from "@pixelcal/core";
import { emptyPolicyOf, type ScoreOptions } from "./score-options.js";
import { together } from "./together.js";

const measures = ["DSC", "IoU", "HD", "HD95", "HD percentile", "ASSD", "NSD"] as const;

/**
 * The overlap of a region and the distances between its surfaces; "HD percentile" is at the options'
 * percentile.
 */
type RegionScores = Readonly<Record<(typeof measures)[number], number>>;

/** The scores of the convention's object: the foreground as one region, or the mean over its classes. */
export interface ObjectScores {
  readonly main: RegionScores;
  /** The scores by foreground class. */
  readonly classes: readonly RegionScores[];
  /** The overlap of every class, the background first. */
  readonly overlaps: readonly OverlapCounts[];
}

/** Scores the likeliest class of probabilities [1, C, ...spatial] against labels [1, ...spatial]. */
export async function regionScores(
  probs: Probabilities,
  labels: Labels,
  options: ScoreOptions,
): Promise<ObjectScores> {
  const { classes, convention = "reference", spacing, ignore, signal, tolerance, percentile } = options;
  const reference = convention === "reference";
  const policy = emptyPolicyOf(options);
  const predicted = await argMax(probs, { signal });
  const each = Array.from({ length: classes - 1 }, (_, c) => c + 1);
  // With two classes the foreground is class 1.
  const regions = [...each.map((c) => [c]), ...(reference && classes > 2 ? [each] : [])];
  const [confusion, [surfaces]] = await together(
    () => confusionCounts(predicted, labels, { classes, ignore, signal }),
    () =>
      labelSurfaceDistances(predicted, labels, {
        classes,
        regions,
        ignore,
        signal,
        tolerance,
        percentile,
        ...policy,
        // The repository measures in pixels.
        ...(reference ? { convention: "reference" } : { convention: "monai", spacing }),
      }),
  );
  const overlap = reference ? { ...policy, smooth: 1e-6 } : policy;
  const scores = (counts: OverlapCounts, { hd, hd95, hdPercentile, assd, nsd }: SurfaceDistances) => ({
    DSC: diceScore(counts, overlap),
    IoU: intersectionOverUnion(counts, overlap),
    HD: hd,
    HD95: hd95,
    "HD percentile": hdPercentile,
    ASSD: assd,
    NSD: nsd,
  });
  const overlaps = Array.from({ length: classes }, (_, c) => overlapCounts(confusion, c));
  const byClass = each.map((c, i) => scores(overlaps[c]!, surfaces![i]!));
  const main = reference
    ? scores(overlapCounts(confusion, "foreground"), surfaces!.at(-1)!)
    : meanScores(byClass);
  return { main, classes: byClass, overlaps };
}

/** Returns the means of the defined scores, NaN if there is none. */
function meanScores(classes: readonly RegionScores[]): RegionScores {
  const mean = (measure: (typeof measures)[number]): number => {
    const defined = classes.map((scores) => scores[measure]).filter((value) => !Number.isNaN(value));
    return defined.reduce((sum, value) => sum + value, 0) / defined.length;
  };
  return Object.fromEntries(measures.map((measure) => [measure, mean(measure)])) as RegionScores;
}
