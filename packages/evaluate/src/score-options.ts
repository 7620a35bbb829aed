import { checkEmptyPolicy, type EmptyPolicy, invalidArgument } from "@pixelcal/core";

/**
 * What the five columns of the paper's table mean. `reference`: the SDC repository's evaluation number for number, all
 * foreground classes as one region, HD95 of both directions pooled and in pixels, two empty masks a perfect match and p = 0
 * in no bin. `consistent`: means over the foreground classes; Dice and distances are undefined where a class is in neither
 * mask; HD95 as MONAI, with spacing; ECE of the predicted class; pECE with the false-positive offset outside of the
 * absolute value. In both a class in one mask only has the worst scores, Dice 0 and an infinite distance.
 */
export type EvaluationConvention = "reference" | "consistent";

export const evaluationConventions: readonly EvaluationConvention[] = ["reference", "consistent"];

/** How cases are scored; `bothEmpty` is "perfect" by default under `reference`, else "undefined", `oneEmpty` is "worst". */
export interface ScoreOptions extends EmptyPolicy {
  readonly classes: number;
  /** "reference" by default. */
  readonly convention?: EvaluationConvention;
  /** Bins of the calibration errors; 10 by default. */
  readonly bins?: number;
  /** Weight of the false-positive offset of pECE; 2 by default. */
  readonly falsePositiveWeight?: number;
  /** Leaves class 0 out of CECE. */
  readonly ignoreBackground?: boolean;
  /** Pixels with this label count in nothing. */
  readonly ignore?: number;
  /** Physical size of a pixel per spatial axis, for distances; ones by default. */
  readonly spacing?: readonly number[];
  /**
   * Distance that still counts as agreement in NSD, in units of spacing (pixels under `reference`), 1 by default; a list
   * has one number for each foreground class, which `reference`, whose foreground is one region, does not take.
   */
  readonly tolerance?: number | readonly number[];
  /** A further percentile of the surface distances beside the 95th, from 0 to 100: adds columns such as HD99. */
  readonly percentile?: number;
  /** Bounds the label's probability from below in NLL; none by default, and one probability of 0 makes it infinite. */
  readonly nllFloor?: number;
}

/** Throws `InvalidArgumentError` for options that no case could be scored with. */
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
      "one number, as convention reference has one region; consistent takes one for each class",
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
