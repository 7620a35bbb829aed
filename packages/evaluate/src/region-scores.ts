import type { CaseSurfaces, OverlapCounts, SurfaceDistances, Tensor } from "@pixelcal/core";
import { diceScore, intersectionOverUnion, overlapCounts } from "@pixelcal/core";
import { emptyPolicyOf, type ScoreOptions } from "./score-options.js";

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

/** Returns the surfaces that {@link objectScores} reads: of every foreground class, then of the object. */
export function scoredSurfaces(options: ScoreOptions): CaseSurfaces {
  const { classes, convention = "reference", tolerance, percentile } = options;
  const reference = convention === "reference";
  const each = foregroundOf(classes);
  // With two classes the foreground is class 1.
  const regions = [...each.map((c) => [c]), ...(reference && classes > 2 ? [each] : [])];
  const policy = emptyPolicyOf(options);
  return { regions, tolerance, percentile, ...policy, convention: reference ? "reference" : "monai" };
}

/** Returns the scores of a case from its confusion counts and surfaces. */
export function objectScores(
  confusion: Tensor<"float64">,
  surfaces: readonly SurfaceDistances[],
  options: ScoreOptions,
): ObjectScores {
  const { classes, convention = "reference" } = options;
  const reference = convention === "reference";
  const policy = emptyPolicyOf(options);
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
  const byClass = foregroundOf(classes).map((c, i) => scores(overlaps[c]!, surfaces[i]!));
  const main = reference
    ? scores(overlapCounts(confusion, "foreground"), surfaces.at(-1)!)
    : meanScores(byClass);
  return { main, classes: byClass, overlaps };
}

function foregroundOf(classes: number): readonly number[] {
  return Array.from({ length: classes - 1 }, (_, c) => c + 1);
}

/** Returns the means of the defined scores, NaN if there is none. */
function meanScores(classes: readonly RegionScores[]): RegionScores {
  const mean = (measure: (typeof measures)[number]): number => {
    const defined = classes.map((scores) => scores[measure]).filter((value) => !Number.isNaN(value));
    return defined.reduce((sum, value) => sum + value, 0) / defined.length;
  };
  return Object.fromEntries(measures.map((measure) => [measure, mean(measure)])) as RegionScores;
}
