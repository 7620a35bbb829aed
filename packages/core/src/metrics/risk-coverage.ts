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

/** The risk-coverage curve, from full coverage down to none, and the areas below it. */
export interface RiskCoverage {
  readonly points: readonly RiskCoveragePoint[];
  /** The AURC, the area below the selective risk (Geifman and El-Yaniv). */
  readonly aurc: number;
  /** The AUGRC, the area below the generalised risk (Traub et al., NeurIPS 2024). */
  readonly augrc: number;
}

interface Level {
  readonly confidence: number;
  readonly count: number;
  readonly loss: number;
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
  const levels = new Map<number, Level>();
  for (let i = 0; i < confidences.length; i++) {
    const [confidence, loss] = [confidences[i]!, losses[i]!];
    if (!Number.isFinite(confidence)) throw invalidArgument("confidences", "finite numbers", confidence);
    if (typeof loss !== "number" || !(loss >= 0 && loss <= 1))
      throw invalidArgument("losses", "numbers from 0 to 1", loss);
    const level = levels.get(confidence);
    levels.set(confidence, {
      confidence,
      count: 1 + (level?.count ?? 0),
      loss: loss + (level?.loss ?? 0),
    });
  }
  return curveOf([...levels.values()].sort((a, b) => a.confidence - b.confidence));
}

/**
 * Returns the risk-coverage curve of pixels from the bins of one group, "top-label" as a rule: a pixel's loss
 * is 1 where its label disagrees, and the pixels of a bin are kept or left out together. With 4,096 bins the
 * areas are those of {@link riskCoverage} to about 1e-3.
 */
export function pixelRiskCoverage(bins: CalibrationBins): RiskCoverage {
  checkBins("bins", bins);
  if (bins.groups !== 1)
    throw invalidArgument("bins", "one group (binsOfClass selects a class)", `${bins.groups} groups`);
  const levels: Level[] = [];
  for (let m = 0; m < bins.bins; m++) {
    const count = bins.count[m]!;
    if (count > 0) levels.push({ confidence: bins.limits[m]!, count, loss: count - bins.accuracySum[m]! });
  }
  return curveOf(levels);
}

/** Takes the levels in the order of their confidences. */
function curveOf(levels: readonly Level[]): RiskCoverage {
  let [kept, loss] = [0, 0];
  for (const level of levels) {
    kept += level.count;
    loss += level.loss;
  }
  const all = kept;
  const points: RiskCoveragePoint[] = [];
  for (const level of levels) {
    points.push({ coverage: kept / all, selectiveRisk: loss / kept, generalizedRisk: loss / all });
    kept -= level.count;
    loss -= level.loss;
  }
  if (points.length > 0)
    points.push({ coverage: 0, selectiveRisk: points.at(-1)!.selectiveRisk, generalizedRisk: 0 });
  if (points.length === 0) return { points, aurc: Number.NaN, augrc: Number.NaN };
  let [aurc, augrc] = [0, 0];
  for (let i = 1; i < points.length; i++) {
    const [before, point] = [points[i - 1]!, points[i]!];
    const width = before.coverage - point.coverage;
    aurc += (width * (before.selectiveRisk + point.selectiveRisk)) / 2;
    augrc += (width * (before.generalizedRisk + point.generalizedRisk)) / 2;
  }
  return { points, aurc, augrc };
}
