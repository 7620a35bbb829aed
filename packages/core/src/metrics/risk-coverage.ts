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

// The losses of up to 4,096 bins, which no result keeps.
const lossRoom = new ArrayBuffer(4096 * Float64Array.BYTES_PER_ELEMENT);

function levelsOf(bins: CalibrationBins): Levels {
  checkBins("bins", bins);
  if (bins.groups !== 1)
    throw invalidArgument("bins", "one group (binsOfClass selects a class)", `${bins.groups} groups`);
  const { count: counts, accuracySum } = bins;
  const losses = new Float64Array(lossRoom, 0, counts.length);
  for (let m = 0; m < losses.length; m++) losses[m] = counts[m]! - accuracySum[m]!;
  return { counts, losses };
}

function curveOf(levels: Levels): RiskCoverage {
  const { counts, losses } = levels;
  const all = sumOf(counts);
  const points: RiskCoveragePoint[] = [];
  let [kept, loss] = [all, sumOf(losses)];
  for (let i = 0; i < counts.length; i++) {
    if (counts[i] === 0) continue;
    points.push({ coverage: kept / all, selectiveRisk: loss / kept, generalizedRisk: loss / all });
    kept -= counts[i]!;
    loss -= losses[i]!;
  }
  if (points.length > 0)
    points.push({ coverage: 0, selectiveRisk: points.at(-1)!.selectiveRisk, generalizedRisk: 0 });
  return { points, ...areasOf(levels) };
}

/** Returns the areas between the points of the curve, of which none is made. */
function areasOf({ counts, losses }: Levels): RiskCoverageAreas {
  const all = sumOf(counts);
  if (!(all > 0)) return { aurc: Number.NaN, augrc: Number.NaN };
  let last = counts.length - 1;
  while (counts[last] === 0) last--;
  let [aurc, augrc, kept, loss] = [0, 0, all, sumOf(losses)];
  for (let i = 0; i <= last; i++) {
    const count = counts[i]!;
    if (count === 0) continue;
    const risk = loss / kept;
    const left = i === last ? 0 : kept - count;
    const leftLoss = i === last ? 0 : loss - losses[i]!;
    const width = kept / all - left / all;
    aurc += (width * (risk + (i === last ? risk : leftLoss / left))) / 2;
    augrc += (width * (loss / all + leftLoss / all)) / 2;
    kept = left;
    loss = leftLoss;
  }
  return { aurc, augrc };
}

function sumOf(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum;
}
