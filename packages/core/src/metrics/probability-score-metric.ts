import { optionNames } from "../check-options.js";
import { invalidArgument } from "../errors.js";
import { Accumulator, checkMetricOptions, type StateContent } from "./accumulator.js";
import type { CasePart } from "./case-plan.js";
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

/** The Brier score and negative log-likelihood over all pixels of a stream of cases. */
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
    super({ classes, ignore, floor }, 4);
    this.#part = { kind: "proper", floor };
  }

  static restore(state: Uint8Array): ProbabilityScoreMetric {
    const make = (options: ProbabilityScoreMetricOptions): ProbabilityScoreMetric =>
      new ProbabilityScoreMetric(options);
    return Accumulator.restored("ProbabilityScoreMetric", state, make, withBounded);
  }

  static fromJSON(json: MetricJson): ProbabilityScoreMetric {
    return ProbabilityScoreMetric.restore(stateBytes("ProbabilityScoreMetric", json));
  }

  protected override checkSums(sums: Float64Array): void {
    checkCounts(sums, 0, 1);
    checkTotals(sums, 1, 3);
    checkCounts(sums, 3, 4);
  }

  override async measure(scored: ScoredCase): Promise<() => void> {
    this.checkProbs(scored.probs);
    const found = await scored.part(this.#part, this.options);
    return () => found.forEach((sum, i) => void (this.sums[i]! += sum));
  }

  compute(): ProbabilityScoreResult {
    const [total = 0, brierSum = 0, logLossSum = 0, bounded = 0] = this.sums;
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
