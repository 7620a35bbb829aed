import {
  checkEmptyPolicy,
  type EmptyPolicy,
  invalidArgument,
  type LesionConvention,
  lesionConventions,
  type SignalOption,
} from "@pixelcal/core";
import { parseDecision } from "./decision.js";
import { type FurtherMetric, furtherMetrics } from "./further-metrics.js";

/**
 * The definitions of the paper's five columns. `reference`: the SDC repository's evaluation number for
 * number, with all foreground classes as one region, HD95 of both directions pooled and in pixels, two empty
 * masks a perfect match, and p = 0 in no bin. `consistent`: means over the foreground classes; Dice and
 * distances are undefined if a class is in neither mask; HD95 as MONAI's, with spacing; ECE of the predicted
 * class; pECE with the false-positive offset outside the absolute value. In both a class in one mask only has
 * the worst scores, Dice 0 and an infinite distance.
 */
export type EvaluationConvention = "reference" | "consistent";

export const evaluationConventions: readonly EvaluationConvention[] = ["reference", "consistent"];

/**
 * The options of scoring; `bothEmpty` is by default "perfect" under `reference` and "undefined" otherwise,
 * `oneEmpty` is "worst".
 */
export interface ScoreOptions extends EmptyPolicy, SignalOption {
  readonly classes: number;
  /** The definitions of the columns; "reference" by default. */
  readonly convention?: EvaluationConvention;
  /** The number of bins of the calibration errors; 10 by default. */
  readonly bins?: number;
  /** The weight of the false-positive offset of pECE; 2 by default. */
  readonly falsePositiveWeight?: number;
  /** Whether to leave class 0 out of CECE; false by default. */
  readonly ignoreBackground?: boolean;
  /** The label of pixels that count in no score. */
  readonly ignore?: number;
  /** The physical size of a pixel per spatial axis, for distances; ones by default. */
  readonly spacing?: readonly number[];
  /**
   * The distance that still counts as agreement in NSD, in units of spacing (pixels under `reference`), 1 by
   * default. A list has one number per foreground class; `reference`, whose foreground is one region, takes
   * no list.
   */
  readonly tolerance?: number | readonly number[];
  /**
   * A further percentile of the surface distances besides the 95th, from 0 to 100: adds columns such as HD99.
   */
  readonly percentile?: number;
  /**
   * The least label probability that NLL uses; no bound by default, so that one probability of 0 makes NLL
   * infinite.
   */
  readonly nllFloor?: number;
  /** Further families of columns, see docs/metrics.md; none by default. */
  readonly metrics?: readonly FurtherMetric[];
  /**
   * The decision that is scored, V in mm3 (mm2 in two dimensions; pixels under `reference`). "volume>V":
   * whether the foreground of an image exceeds V; adds its probability and whether it would be right.
   * "lesion>V": whether a predicted lesion of more than V is real, as `lesions` defines it.
   */
  readonly decision?: string;
  /** The definition of lesions for `metrics: ["lesions"]` and decisions; "overlap" by default. */
  readonly lesions?: LesionConvention;
}

/** Throws `InvalidArgumentError` for options with which no case could be scored. */
export function checkScoreOptions(
  options: Omit<ScoreOptions, "classes"> & { readonly classes?: number },
): void {
  const { classes, convention, bins = 10, falsePositiveWeight = 2, ignore = 0 } = options;
  if (convention !== undefined && !evaluationConventions.includes(convention))
    throw invalidArgument("convention", evaluationConventions.join(" or "), convention);
  if (classes !== undefined && !(Number.isInteger(classes) && classes >= 2))
    throw invalidArgument("classes", "an integer of 2 or more", classes);
  if (!(Number.isInteger(bins) && bins >= 1 && bins <= 1024))
    throw invalidArgument("bins", "an integer from 1 to 1024", bins);
  if (!(Number.isFinite(falsePositiveWeight) && falsePositiveWeight >= 0))
    throw invalidArgument("falsePositiveWeight", "a number of 0 or more", falsePositiveWeight);
  if (!Number.isSafeInteger(ignore)) throw invalidArgument("ignore", "an integer", ignore);
  const { percentile = 95, nllFloor = 0 } = options;
  if (!(percentile >= 0 && percentile <= 100))
    throw invalidArgument("percentile", "a number from 0 to 100", percentile);
  if (nllFloor !== 0 && !(nllFloor >= 2.3e-308 && nllFloor < 1))
    throw invalidArgument("nllFloor", "a number above 0 (2.3e-308 or more) and below 1", nllFloor);
  const { metrics = [], lesions = "overlap" } = options;
  if (!Array.isArray(metrics) || !metrics.every((name) => furtherMetrics.includes(name)))
    throw invalidArgument("metrics", `some of ${furtherMetrics.join(", ")}`, metrics);
  if (!lesionConventions.includes(lesions))
    throw invalidArgument("lesions", `one of ${lesionConventions.join(", ")}`, lesions);
  if (options.decision !== undefined) parseDecision(options.decision);
  checkEmptyPolicy(options);
  checkTolerance(options.tolerance ?? 1, classes, convention ?? "reference");
}

function checkTolerance(
  tolerance: number | readonly number[],
  classes: number | undefined,
  convention: EvaluationConvention,
): void {
  const list = typeof tolerance === "number" ? [tolerance] : tolerance;
  if (!Array.isArray(list) || !list.every((each) => Number.isFinite(each) && each >= 0))
    throw invalidArgument("tolerance", "a number of 0 or more, or one for each foreground class", tolerance);
  if (typeof tolerance === "number") return;
  if (convention === "reference")
    throw invalidArgument(
      "tolerance",
      'one number with convention "reference", which has one region ("consistent" takes one per class)',
      tolerance,
    );
  if (classes !== undefined && list.length !== classes - 1)
    throw invalidArgument("tolerance", `${classes - 1} numbers, one for each foreground class`, tolerance);
}

/** Returns the policy of empty masks with the defaults of the convention filled in. */
export function emptyPolicyOf({
  convention = "reference",
  bothEmpty = convention === "reference" ? "perfect" : "undefined",
  oneEmpty = "worst",
}: Pick<ScoreOptions, "convention" | keyof EmptyPolicy>): Required<EmptyPolicy> {
  return { bothEmpty, oneEmpty };
}
