import { checkInteger } from "../check.js";
import type { Labels, Probabilities } from "../tensor.js";
import { Accumulator } from "./accumulator.js";
import { brierScore, negativeLogLikelihood, probabilityScores } from "./probability-scores.js";

export interface ProbabilityScoreMetricOptions {
  readonly classes: number;
  readonly ignore?: number;
}

export interface ProbabilityScoreResult {
  readonly pixels: number;
  /** Sum over classes, mean over pixels. */
  readonly brier: number;
  readonly negativeLogLikelihood: number;
}

/** Brier score and negative log-likelihood over all pixels of a stream of cases. */
export class ProbabilityScoreMetric extends Accumulator<
  ProbabilityScoreResult,
  ProbabilityScoreMetricOptions
> {
  protected override readonly kind: string = "ProbabilityScoreMetric";
  constructor(options: ProbabilityScoreMetricOptions) {
    Accumulator.checkOptions(options);
    const { classes, ignore } = options;
    if (ignore !== undefined)
      checkInteger("ignore", ignore, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
    super({ classes, ignore }, 3);
  }

  static restore(state: Uint8Array): ProbabilityScoreMetric {
    const make = (options: ProbabilityScoreMetricOptions): ProbabilityScoreMetric =>
      new ProbabilityScoreMetric(options);
    return Accumulator.restored("ProbabilityScoreMetric", state, make);
  }

  async update(probs: Probabilities, labels: Labels): Promise<void> {
    this.checkProbs(probs);
    const { total, brierSum, logLossSum } = await probabilityScores(probs, labels, {
      ignore: this.options.ignore,
    });
    [total, brierSum, logLossSum].forEach((sum, i) => void (this.sums[i]! += sum));
  }

  compute(): ProbabilityScoreResult {
    const [total = 0, brierSum = 0, logLossSum = 0] = this.sums;
    const scores = { classes: this.options.classes, total, brierSum, logLossSum };
    return { pixels: total, brier: brierScore(scores), negativeLogLikelihood: negativeLogLikelihood(scores) };
  }
}
