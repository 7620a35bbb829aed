import type { EvaluationRow } from "../evaluate.js";
import { type BoundaryGaps, boundaryGaps, ringStatistics } from "./boundary-gaps.js";
import { keptBins } from "./case-sums.js";
import { type CaseTable, caseTable, totalSums } from "./case-table.js";
import { clusteredError } from "./clustered-error.js";
import { type DecisionCurve, decisionCurve } from "./decision-curve.js";
import { type Estimate, estimatesOf, fewestGroups } from "./estimate.js";
import { ascending, expandedLevel, type Interval, percentileInterval } from "./interval.js";
import { kindOf, measuresOf } from "./measures.js";
import { nullBands } from "./null-band.js";
import { binStatistics, type CaseBin, groupResiduals, type Reliability } from "./reliability.js";
import { type Resampled, resample } from "./resample.js";
import { groupsNeeded, type SampleSize, wantedHalfWidths } from "./sample-size.js";
import { type StatisticsOptions, statisticsOptions } from "./statistics-options.js";

/** The statistics of one run over its cases. */
export interface RunStatistics {
  readonly cases: number;
  /** The number of groups of cases that are drawn together; the number of cases without a grouping. */
  readonly groups: number;
  readonly unit: "case" | "group";
  /** Whether there are too few groups for intervals: fewer than 8. */
  readonly tooFew: boolean;
  readonly level: number;
  readonly draws: number;
  readonly seed: number;
  /** The mean of every column over cases, and the errors of all pixels together, by name. */
  readonly scores: ReadonlyMap<string, Estimate>;
  /** The reliability of the top label; absent if no case has sums. */
  readonly topLabel?: Reliability;
  /** The reliability of every class against the rest, class 0 first. */
  readonly classes: readonly Reliability[];
  /** The gap by distance to the predicted boundary; absent unless all cases measure it alike. */
  readonly boundary?: BoundaryGaps;
  readonly sampleSizes: readonly SampleSize[];
  /** The net benefit of a decision by case; absent unless one was scored. */
  readonly decision?: DecisionCurve;
}

/** The values that {@link binStatistics} writes for one histogram. */
const perHistogram = 2 * keptBins;

/**
 * Returns the statistics of one run over its cases: intervals, bands and sample sizes, all by drawing whole
 * groups of cases (the case itself without `group`), never pixels. The result has the same bits in any order
 * of `rows`; it reads no pixel. Throws for a case that is there twice, and for options out of range.
 */
export async function runStatistics(
  rows: readonly EvaluationRow[],
  options: StatisticsOptions = {},
): Promise<RunStatistics> {
  const settings = statisticsOptions(options);
  const { draws, seed, level } = settings;
  const table = caseTable(rows);
  const measures = measuresOf(table.layout);
  const places = histogramPlaces(table);
  const { boundary } = table.layout;
  const firstRing = measures.length + perHistogram * places.length;
  const count = firstRing + (boundary === undefined ? 0 : boundary.edges.length + 1);
  const statistics = ([sums]: readonly Float64Array[], into: Float64Array): void => {
    for (const [i, measure] of measures.entries()) into[i] = measure.value(sums!);
    for (const [h, { at }] of places.entries())
      binStatistics(sums!, at, into.subarray(measures.length + h * perHistogram));
    if (boundary) ringStatistics(sums!, boundary, into.subarray(firstRing));
  };
  const tooFew = table.groups < fewestGroups;
  const histograms = places.map(({ at }) => groupResiduals(table, at));
  const totals = histograms.map(({ counts }) => summed(counts));
  // Side by side: each waits for its sums while the other's statistics are computed.
  const [found, bands] = await Promise.all([
    resample([table], count, statistics, settings),
    tooFew
      ? undefined
      : nullBands(
          histograms.map(({ residuals }, h) => ({ residuals, counts: totals[h]! })),
          settings,
        ),
  ]);
  const { signal } = settings;
  const kinds = measures.map(kindOf);
  const estimates = await estimatesOf(found, { first: 0, kinds, level, signal });
  const scores = new Map(measures.map(({ name }, i) => [name, estimates[i]!]));
  const expanded = tooFew ? undefined : expandedLevel(level, table.groups);
  const reliabilities = places.map(({ name, score, at }, h): Reliability => {
    const band = bands?.[h];
    const first = measures.length + h * perHistogram;
    return {
      name,
      bins: caseBins(found, first, totals[h]!, groupConfidences(table, at), expanded, band?.gaps),
      error: scores.get(score)!,
      debiased: clusteredError(histograms[h]!),
      ...(band && { calibrated: { bound: band.bound, mean: band.mean } }),
    };
  });
  const [topLabel, ...classes] = reliabilities;
  const sampleSizes = tooFew
    ? []
    : [...wantedHalfWidths].flatMap(([name, halfWidth]): SampleSize[] => {
        const i = measures.findIndex((measure) => measure.name === name);
        if (i < 0 || estimates[i]!.interval === undefined) return [];
        return [{ name, halfWidth, needed: groupsNeeded(found.drawn[i]!, table.groups, halfWidth, level) }];
      });
  const decision = await decisionCurve(rows, settings);
  return {
    cases: table.rows.length,
    groups: table.groups,
    unit: table.unit,
    tooFew,
    level,
    draws,
    seed,
    scores,
    ...(topLabel && { topLabel }),
    classes,
    ...(boundary && {
      boundary: boundaryGaps(totalSums(table), boundary, found, {
        first: firstRing,
        level: expanded,
        ece: scores.get("boundary ECE pooled")!,
      }),
    }),
    sampleSizes,
    ...(decision && { decision }),
  };
}

function histogramPlaces({ layout: { topLabel, classes } }: CaseTable): readonly {
  readonly name: string;
  readonly score: string;
  readonly at: number;
}[] {
  if (topLabel === undefined) return [];
  return [
    { name: "top label", score: "ECE pooled", at: topLabel },
    ...classes.map((at, c) => ({ name: `class ${c}`, score: `ECE pooled class ${c}`, at })),
  ];
}

/** Returns the sums over groups by bin. */
function summed(groups: readonly Float64Array[]): Float64Array {
  const total = new Float64Array(keptBins);
  for (const own of groups) for (let b = 0; b < keptBins; b++) total[b]! += own[b]!;
  return total;
}

/** Returns the sums of confidence of all groups by bin. */
function groupConfidences({ groups, sums, layout: { width } }: CaseTable, at: number): Float64Array {
  const total = new Float64Array(keptBins);
  for (let g = 0; g < groups; g++)
    for (let b = 0; b < keptBins; b++) total[b]! += sums[g * width + at + keptBins + b]!;
  return total;
}

function caseBins(
  { observed, drawn }: Resampled,
  first: number,
  counts: Float64Array,
  confidences: Float64Array,
  level: number | undefined,
  nullGaps: Float64Array | undefined,
): readonly CaseBin[] {
  return Array.from(counts, (count, b): CaseBin => {
    const confidence = confidences[b]! / count;
    const isotonicAccuracy = observed[first + keptBins + b]!;
    const bin = {
      low: b / keptBins,
      high: (b + 1) / keptBins,
      count,
      confidence,
      accuracy: confidence - observed[first + b]!,
      isotonic: isotonicAccuracy,
    };
    if (level === undefined || nullGaps === undefined || !(count > 0)) return bin;
    const gap = percentileInterval(ascending(drawn[first + b]!), level);
    const half = nullGaps[b]!;
    return {
      ...bin,
      band: within({ low: confidence - gap.high, high: confidence - gap.low }),
      nullBand: within({ low: confidence - half, high: confidence + half }),
      isotonicBand: percentileInterval(ascending(drawn[first + keptBins + b]!), level),
    };
  });
}

/** Returns the part of an interval of accuracies that is possible. */
const within = ({ low, high }: Interval): Interval => ({ low: Math.max(0, low), high: Math.min(1, high) });
