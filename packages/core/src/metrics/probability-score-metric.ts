import { optionNames } from "../check-options.js";
import { invalidArgument } from "../errors.js";
import { Accumulator, checkMetricOptions, type StateContent } from "./accumulator.js";
import type { CasePart } from "./case-plan.js";
import { MixedSums } from "./exact-sums.js";
import { checkCounts, checkTotals, type MetricJson, stateBytes } from "./metric-state.js";
import { brierScore, checkFloor, negativeLogLikelihood } from "./probability-scores.js";
import type { ScoredCase } from "./scored-case.js";

export interface ProbabilityScoreMetricOptions {
  readonly classes: number;
  readonly ignore?: number;
  /** The least probability the log loss uses; default 0, no bound. */
  readonly floor?: number;
}

const names = optionNames<ProbabilityScoreMetricOptions>({ classes: true, ignore: true, floor: true });

export interface ProbabilityScoreResult {
  readonly pixels: number;
  /** The Brier score: the sum over classes, averaged over pixels. */
  readonly brier: number;
  readonly negativeLogLikelihood: number;
  /** The number of pixels whose probability was raised to the floor. */
  readonly bounded: number;
}

// Pixels, the sums of Brier scores and of log losses, and bounded pixels.
const layout = new MixedSums(4, [[1, 3]]);

/**
 * The Brier score and negative log-likelihood over all pixels of a stream of cases. Each update's sums are
 * rounded to 2^-40, and then exact: any order and any split into partial states gives the same bytes.
 */
export class ProbabilityScoreMetric extends Accumulator<
  ProbabilityScoreResult,
  ProbabilityScoreMetricOptions
> {
  protected override readonly kind: string = "ProbabilityScoreMetric";
  readonly #part: CasePart;

  constructor(options: ProbabilityScoreMetricOptions) {
    checkMetricOptions(options, names);
    const { classes, ignore, floor = 0 } = options;
    checkFloor(floor);
    super({ classes, ignore, floor }, layout.length);
    this.#part = { kind: "proper", floor };
  }

  static restore(state: Uint8Array): ProbabilityScoreMetric {
    const make = (options: ProbabilityScoreMetricOptions): ProbabilityScoreMetric =>
      new ProbabilityScoreMetric(options);
    return Accumulator.restored("ProbabilityScoreMetric", state, make, {
      fromOne: withBounded,
      fromTwo: ({ sums }) => withFractions(sums),
    });
  }

  static fromJSON(json: MetricJson): ProbabilityScoreMetric {
    return ProbabilityScoreMetric.restore(stateBytes("ProbabilityScoreMetric", json));
  }

  protected override checkSums(sums: Float64Array): void {
    checkCounts(sums, 0, 1);
    checkTotals(sums, 1, 3);
    checkCounts(sums, 3, 4);
    if (!layout.fit(sums)) throw invalidArgument("state", "whole numbers and fractions", sums);
  }

  override async measure(scored: ScoredCase): Promise<() => void> {
    this.checkProbs(scored.probs);
    const found = await scored.part(this.#part, this.options);
    return () => layout.add(this.sums, found);
  }

  override merge(other: this): void {
    super.merge(other);
    layout.carry(this.sums);
  }

  compute(): ProbabilityScoreResult {
    const [total = 0, brierSum = 0, logLossSum = 0, bounded = 0] = layout.values(this.sums);
    const scores = { classes: this.options.classes, total, brierSum, logLossSum, bounded };
    return {
      pixels: total,
      brier: brierScore(scores),
      negativeLogLikelihood: negativeLogLikelihood(scores),
      bounded,
    };
  }
}

// Version 1 had no floor.
function withBounded({ options, sums }: StateContent): StateContent {
  if (sums.length !== 3) throw invalidArgument("state", "3 sums", sums.length);
  return { options, sums: Float64Array.of(...sums, 0) };
}

// Version 2 kept the sums of scores as numbers.
function withFractions(sums: Float64Array): Float64Array {
  if (sums.length !== 4) throw invalidArgument("state", "4 sums", sums.length);
  checkTotals(sums, 1, 3);
  return layout.of(sums);
}
