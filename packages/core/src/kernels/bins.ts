import { checkBoolean, checkChoice, checkInteger } from "../check.js";
import { invalidArgument } from "../errors.js";

/** How pixels are binned; bins with the same layout can be merged. */
export interface BinLayout {
  /**
   * What is binned: `foreground`, p = 1 - p_0 (in float32) against label != 0; `classes`, every p_c against label == c, a
   * group per class; `top-label`, max_c p_c against whether its class (the first of equals) is the label.
   */
  readonly of: "foreground" | "classes" | "top-label";
  /** The edge that belongs to a bin: `right-closed`, (lo, hi]; `left-closed`, [lo, hi), the last bin closed. */
  readonly edges: "right-closed" | "left-closed";
  /** Whether p = 0 is in the first bin (always so for `left-closed`); if not, it is in none and counted in `dropped`. */
  readonly includeLowest: boolean;
  /** Per group. */
  readonly bins: number;
  readonly scheme: "equal-width" | "equal-mass";
  /** Bin m lies between limits[m] and limits[m + 1]; for `equal-mass` every group g has its own from g * (bins + 1) on. */
  readonly limits: Float64Array;
  /** Only pixels with p above it were counted; -1 when all were. */
  readonly threshold: number;
  /** 1, or for `classes` the number of classes; group g and bin m are at index g * bins + m of the sums. */
  readonly groups: number;
}

/** Sums over pixels (or their weights) per group and bin. */
export interface CalibrationBins extends BinLayout {
  /** Per group: all pixels counted, those in no bin too. */
  readonly total: Float64Array;
  /** Per group: those in no bin, which are p = 0 where `includeLowest` is false. */
  readonly dropped: Float64Array;
  readonly count: Float64Array;
  /** Sum of p. */
  readonly confidenceSum: Float64Array;
  /** Pixels whose label agrees. */
  readonly accuracySum: Float64Array;
  /** Sum of p over the pixels whose label does not agree. */
  readonly falsePositiveSum: Float64Array;
}

const perGroup = ["total", "dropped"] as const;
const perCell = ["count", "confidenceSum", "accuracySum", "falsePositiveSum"] as const;

/** Throws unless `bins` is what `calibrationBins` returns: a layout, and sums of its lengths. */
export function checkBins(argument: string, bins: CalibrationBins): void {
  if (typeof bins !== "object" || bins === null)
    throw invalidArgument(argument, "the bins of calibrationBins", bins);
  checkInteger(`${argument}.groups`, bins.groups, 1, 32767);
  checkInteger(`${argument}.bins`, bins.bins, 1, 1024);
  for (const [name, choices] of [
    ["of", ["foreground", "classes", "top-label"]],
    ["edges", ["right-closed", "left-closed"]],
    ["scheme", ["equal-width", "equal-mass"]],
  ] as const) {
    if (bins[name] === undefined)
      throw invalidArgument(`${argument}.${name}`, `one of ${choices.join(", ")}`, undefined);
    checkChoice(`${argument}.${name}`, bins[name], choices);
  }
  checkBoolean(`${argument}.includeLowest`, bins.includeLowest);
  if (typeof bins.threshold !== "number") {
    throw invalidArgument(`${argument}.threshold`, "a number", bins.threshold);
  }
  const rows = bins.scheme === "equal-mass" ? bins.groups : 1;
  checkSums(`${argument}.limits`, bins.limits, rows * (bins.bins + 1));
  for (const name of perGroup) checkSums(`${argument}.${name}`, bins[name], bins.groups);
  for (const name of perCell) checkSums(`${argument}.${name}`, bins[name], bins.groups * bins.bins);
}

function checkSums(argument: string, sums: Float64Array, length: number): void {
  if (!ArrayBuffer.isView(sums) || !(sums instanceof Float64Array)) {
    throw invalidArgument(argument, `a Float64Array of ${length} numbers`, sums);
  }
  if (sums.length !== length) throw invalidArgument(argument, `${length} numbers`, sums.length);
}
