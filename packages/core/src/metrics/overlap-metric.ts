import { optionNames } from "../check-options.js";
import { InvalidArgumentError } from "../errors.js";
import type { Tensor } from "../tensor.js";
import { Accumulator, checkMetricOptions, type StateContent } from "./accumulator.js";
import type { CasePart } from "./case-plan.js";
import { CaseSums, withDigits } from "./case-statistics.js";
import type { CaseStatistics } from "./metric.js";
import { checkCounts, type MetricJson, stateBytes } from "./metric-state.js";
import {
  checkOverlapPolicy,
  diceScore,
  intersectionOverUnion,
  type OverlapPolicy,
  overlapCounts,
} from "./overlap.js";
import type { ScoredCase } from "./scored-case.js";

export interface OverlapMetricOptions extends OverlapPolicy {
  readonly classes: number;
  readonly ignore?: number;
}

const known = optionNames<OverlapMetricOptions>({
  classes: true,
  ignore: true,
  bothEmpty: true,
  oneEmpty: true,
  labelEmpty: true,
  smooth: true,
});

/** The overlap of one region, per case and of the pixels of all cases together. */
export interface RegionOverlap {
  readonly dice: CaseStatistics;
  readonly iou: CaseStatistics;
  readonly pooledDice: number;
  readonly pooledIou: number;
}

export interface OverlapResult {
  readonly cases: number;
  readonly classes: readonly RegionOverlap[];
  /** The overlap of all classes but 0 as one region. */
  readonly foreground: RegionOverlap;
  /** The number of pixels per true and predicted class, `[classes, classes]`. */
  readonly confusion: Tensor<"float64">;
}

const confusionPart: CasePart = { kind: "confusion" };

/**
 * The Dice and IoU of the arg-max against the labels, per class and of the foreground. Any order and any
 * split into partial states gives the same bytes.
 */
export class OverlapMetric extends Accumulator<OverlapResult, OverlapMetricOptions> {
  protected override readonly kind: string = "OverlapMetric";
  readonly #policy: OverlapPolicy;

  constructor(options: OverlapMetricOptions) {
    checkMetricOptions(options, known);
    const { classes, ignore } = options;
    const policy = checkOverlapPolicy(options);
    super({ classes, ignore, ...policy }, 1 + classes * classes + 2 * (classes + 1) * CaseSums.length);
    this.#policy = policy;
  }

  static restore(state: Uint8Array): OverlapMetric {
    const make = (options: OverlapMetricOptions): OverlapMetric => new OverlapMetric(options);
    return Accumulator.restored("OverlapMetric", state, make, {
      fromOne: withNamedPolicy,
      fromTwo: ({ options, sums }) => withDigits(sums, 1 + (options as OverlapMetricOptions).classes ** 2),
    });
  }

  static fromJSON(json: MetricJson): OverlapMetric {
    return OverlapMetric.restore(stateBytes("OverlapMetric", json));
  }

  protected override checkSums(sums: Float64Array): void {
    const start = this.#at(0, 0);
    checkCounts(sums, 0, start);
    for (let at = start; at < sums.length; at += CaseSums.length) CaseSums.check(sums, at);
  }

  override async measure(scored: ScoredCase): Promise<() => void> {
    this.checkProbs(scored.probs);
    const data = await scored.part(confusionPart, this.options);
    const { classes } = this.options;
    const dims = [data.length / classes ** 2, classes, classes];
    return () => this.#add({ type: "float64", dims, data });
  }

  override merge(other: this): void {
    this.checkMerge(other);
    const start = this.#at(0, 0);
    for (let at = 0; at < start; at++) this.sums[at]! += other.sums[at]!;
    for (let at = start; at < this.sums.length; at += CaseSums.length)
      CaseSums.merge(this.sums, other.sums, at);
  }

  #add(confusion: Tensor<"float64">): void {
    const { classes } = this.options;
    for (let image = 0; image < confusion.dims[0]!; image++) {
      this.sums[0]! += 1;
      for (let cell = 0; cell < classes * classes; cell++) {
        this.sums[1 + cell]! += confusion.data[image * classes * classes + cell]!;
      }
      for (let region = 0; region <= classes; region++) {
        const counts = overlapCounts(confusion, region === classes ? "foreground" : region, image);
        CaseSums.add(this.sums, this.#at(region, 0), diceScore(counts, this.#policy));
        CaseSums.add(this.sums, this.#at(region, 1), intersectionOverUnion(counts, this.#policy));
      }
    }
  }

  compute(): OverlapResult {
    const { classes } = this.options;
    const data = this.sums.slice(1, 1 + classes * classes);
    const confusion: Tensor<"float64"> = { type: "float64", dims: [1, classes, classes], data };
    const region = (index: number): RegionOverlap => {
      const counts = overlapCounts(confusion, index === classes ? "foreground" : index);
      return {
        dice: CaseSums.statistics(this.sums, this.#at(index, 0)),
        iou: CaseSums.statistics(this.sums, this.#at(index, 1)),
        pooledDice: diceScore(counts, this.#policy),
        pooledIou: intersectionOverUnion(counts, this.#policy),
      };
    };
    return {
      cases: this.sums[0]!,
      classes: Array.from({ length: classes }, (_, c) => region(c)),
      foreground: region(classes),
      confusion: { ...confusion, dims: [classes, classes] },
    };
  }

  // The sums follow the number of cases and the confusion matrix: per region those of Dice, then those of
  // IoU.
  #at(region: number, score: 0 | 1): number {
    return 1 + this.options.classes ** 2 + (2 * region + score) * CaseSums.length;
  }
}

// Version 1 stored the score of a case in which both masks are empty as a number.
function withNamedPolicy({ options, sums }: StateContent): StateContent {
  const { bothEmpty, ...rest } = options as { readonly bothEmpty?: unknown };
  if (bothEmpty === undefined) return { options: rest, sums };
  if (bothEmpty !== 1 && !Number.isNaN(bothEmpty)) {
    throw new InvalidArgumentError(
      "state",
      `state: bothEmpty ${String(bothEmpty)} is no longer supported, only 1 ("perfect") and NaN ("undefined")`,
    );
  }
  return { options: { ...rest, bothEmpty: bothEmpty === 1 ? "perfect" : "undefined" }, sums };
}
