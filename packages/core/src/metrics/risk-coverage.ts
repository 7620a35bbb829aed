import { invalidArgument } from "../errors.js";
import { type CalibrationBins, checkBins } from "../kernels/bins.js";

/** A point of the curve: the decisions that remain when the least confident are left out. */
export interface RiskCoveragePoint {
  /** The share of decisions that are kept. */
  readonly coverage: number;
  /** The mean loss of the kept, and the sum of their losses over the number of all. */
  readonly selectiveRisk: number;
  readonly generalizedRisk: number;
}

/** The areas below the risk-coverage curve. */
export interface RiskCoverageAreas {
  /** The AURC, the area below the selective risk (Geifman and El-Yaniv). */
  readonly aurc: number;
  /** The AUGRC, the area below the generalised risk (Traub et al., NeurIPS 2024). */
  readonly augrc: number;
}

/** The risk-coverage curve, from full coverage down to none, and the areas below it. */
export interface RiskCoverage extends RiskCoverageAreas {
  readonly points: readonly RiskCoveragePoint[];
}

/** The decisions at every confidence, in rising order. */
interface Levels {
  readonly counts: ArrayLike<number>;
  readonly losses: ArrayLike<number>;
}

/**
 * Returns the risk-coverage curve of decisions with a confidence and a loss from 0 to 1 each, such as 1 -
 * Dice of an image. Equal confidences are kept or left out together; the point of no coverage repeats the
 * last risk (as fd-shifts). NaN without decisions.
 */
export function riskCoverage(confidences: ArrayLike<number>, losses: ArrayLike<number>): RiskCoverage {
  for (const [name, values] of Object.entries({ confidences, losses }))
    if (!Array.isArray(values) && !ArrayBuffer.isView(values))
      throw invalidArgument(name, "an array of numbers", values);
  if (losses.length !== confidences.length)
    throw invalidArgument("losses", `${confidences.length} numbers`, losses.length);
  const levels = new Map<number, { count: number; loss: number }>();
  for (let i = 0; i < confidences.length; i++) {
    const [confidence, loss] = [confidences[i]!, losses[i]!];
    if (!Number.isFinite(confidence)) throw invalidArgument("confidences", "finite numbers", confidence);
    if (typeof loss !== "number" || !(loss >= 0 && loss <= 1))
      throw invalidArgument("losses", "numbers from 0 to 1", loss);
    const level = levels.get(confidence);
    levels.set(confidence, { count: 1 + (level?.count ?? 0), loss: loss + (level?.loss ?? 0) });
  }
  const sorted = [...levels.entries()].sort(([a], [b]) => a - b);
  return curveOf({
    counts: sorted.map(([, { count }]) => count),
    losses: sorted.map(([, { loss }]) => loss),
  });
}

/**
 * Returns the risk-coverage curve of pixels from the bins of one group, "top-label" as a rule: a pixel's loss
 * is 1 where its label disagrees, and the pixels of a bin are kept or left out together. With 4,096 bins the
 * areas are those of {@link riskCoverage} to about 1e-3.
 */
export function pixelRiskCoverage(bins: CalibrationBins): RiskCoverage {
  return curveOf(levelsOf(bins));
}

/** Returns the areas of {@link pixelRiskCoverage} without the points of the curve. */
export function pixelRiskAreas(bins: CalibrationBins): RiskCoverageAreas {
  return areasOf(levelsOf(bins));
}

function levelsOf(bins: CalibrationBins): Levels {
  checkBins("bins", bins);
  if (bins.groups !== 1)
    throw invalidArgument("bins", "one group (binsOfClass selects a class)", `${bins.groups} groups`);
  const { count: counts, accuracySum } = bins;
  return { counts, losses: counts.map((count, m) => count - accuracySum[m]!) };
}

/** Calls `point` for the points of the curve, from full coverage down. */
function forPoints(
  { counts, losses }: Levels,
  point: (coverage: number, selectiveRisk: number, generalizedRisk: number) => void,
): void {
  let [all, loss] = [0, 0];
  for (let i = 0; i < counts.length; i++) {
    all += counts[i]!;
    loss += losses[i]!;
  }
  let kept = all;
  let risk = Number.NaN;
  for (let i = 0; i < counts.length; i++) {
    if (counts[i] === 0) continue;
    risk = loss / kept;
    point(kept / all, risk, loss / all);
    kept -= counts[i]!;
    loss -= losses[i]!;
  }
  if (all > 0) point(0, risk, 0);
}

function curveOf(levels: Levels): RiskCoverage {
  const points: RiskCoveragePoint[] = [];
  forPoints(levels, (coverage, selectiveRisk, generalizedRisk) => {
    points.push({ coverage, selectiveRisk, generalizedRisk });
  });
  return { points, ...areasOf(levels) };
}

function areasOf(levels: Levels): RiskCoverageAreas {
  let [aurc, augrc] = [0, 0];
  // The first point has a coverage of 1, the last one of 0.
  let [coverage, selective, generalized] = [1, 0, 0];
  forPoints(levels, (nextCoverage, nextSelective, nextGeneralized) => {
    const width = coverage - nextCoverage;
    aurc += (width * (selective + nextSelective)) / 2;
    augrc += (width * (generalized + nextGeneralized)) / 2;
    [coverage, selective, generalized] = [nextCoverage, nextSelective, nextGeneralized];
  });
  return coverage === 0 ? { aurc, augrc } : { aurc: Number.NaN, augrc: Number.NaN };
}
