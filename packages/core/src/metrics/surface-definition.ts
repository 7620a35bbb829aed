import { checkChoice } from "../check.js";
import { InvalidArgumentError, invalidArgument } from "../errors.js";
import { checkEmptyPolicy, type EmptyPolicy } from "./empty-policy.js";

const conventions = ["reference", "monai", "deepmind"] as const;

/**
 * A definition of surface distances. reference: the SDC repository's (surface pixels by a full 3^d erosion,
 * the percentile of both directions pooled, float32); monai: MONAI's (cross erosion, the larger directed
 * percentile); deepmind: that of the package surface-distance (surface elements between pixels weighted by
 * length or area, the larger directed percentile, no interpolation).
 */
export type SurfaceConvention = (typeof conventions)[number];

const emptyPairs = {
  nan: { bothEmpty: "undefined", oneEmpty: "undefined" },
  reference: { bothEmpty: "perfect", oneEmpty: "worst" },
  diagonal: { bothEmpty: "perfect", oneEmpty: "diagonal" },
} as const;

/**
 * The definition of distances and shares, and the results of empty masks: `bothEmpty` is by default "perfect"
 * with convention "reference" and "undefined" with others; `oneEmpty` is "worst".
 */
export interface SurfaceDefinition extends EmptyPolicy {
  /** The definition of surfaces and percentiles; default "reference". */
  readonly convention?: SurfaceConvention;
  /**
   * A shorthand for both policies: nan for bothEmpty "undefined" and oneEmpty "undefined", reference for
   * "perfect" and "worst", diagonal for "perfect" and "diagonal". Giving it beside either is an error.
   */
  readonly empty?: keyof typeof emptyPairs;
  /**
   * The distance that still counts as agreement in nsd, in physical units; default 1. A distance that exceeds
   * it by rounding alone (4 units in the last place of float64) counts as well.
   */
  readonly tolerance?: number;
  /** The percentile of `hdPercentile`, from 0 to 100; default 95. */
  readonly percentile?: number;
}

/** The names of the options above, for `optionNames`. */
export const definitionNames: { readonly [K in keyof SurfaceDefinition]-?: true } = {
  convention: true,
  bothEmpty: true,
  oneEmpty: true,
  empty: true,
  tolerance: true,
  percentile: true,
};

/** A definition with every default filled in. */
export type WholeDefinition = Required<Omit<SurfaceDefinition, "empty">>;

/** Returns the definition with its defaults filled in; throws on invalid values. */
export function checkSurfaceDefinition(definition: SurfaceDefinition): WholeDefinition {
  const { convention = "reference", tolerance = 1, percentile = 95 } = definition;
  checkChoice("convention", convention, conventions);
  checkTolerance(tolerance);
  if (!(Number.isFinite(percentile) && percentile >= 0 && percentile <= 100)) {
    throw invalidArgument("percentile", "a number from 0 to 100", percentile);
  }
  return { convention, ...wholePolicy(definition, convention), tolerance, percentile };
}

/** Throws unless `tolerance` is a finite number of at least 0. */
function checkTolerance(tolerance: number): void {
  if (!(Number.isFinite(tolerance) && tolerance >= 0)) {
    throw invalidArgument("tolerance", "a number of at least 0", tolerance);
  }
}

/** Throws unless `tolerance` is absent, one number for all of `regions` regions, or one for each. */
export function checkTolerances(tolerance: number | readonly number[] | undefined, regions: number): void {
  if (tolerance === undefined || typeof tolerance === "number") {
    checkTolerance(tolerance ?? 0);
    return;
  }
  if (!Array.isArray(tolerance)) throw invalidArgument("tolerance", "a number, or one per region", tolerance);
  if (tolerance.length !== regions) {
    throw invalidArgument("tolerance", `${regions} numbers, one per region`, tolerance.length);
  }
  for (const each of tolerance as readonly number[]) checkTolerance(each);
}

function wholePolicy(
  { empty, ...policy }: SurfaceDefinition,
  convention: SurfaceConvention,
): Required<EmptyPolicy> {
  checkEmptyPolicy(policy);
  checkChoice("empty", empty, Object.keys(emptyPairs));
  if (empty !== undefined) {
    if (policy.bothEmpty !== undefined || policy.oneEmpty !== undefined) {
      throw new InvalidArgumentError(
        "empty",
        "empty: cannot be combined with bothEmpty or oneEmpty; it stands for both",
      );
    }
    return emptyPairs[empty];
  }
  const { bothEmpty = convention === "reference" ? "perfect" : "undefined", oneEmpty = "worst" } = policy;
  return { bothEmpty, oneEmpty };
}
