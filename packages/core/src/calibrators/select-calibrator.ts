import { checkBoolean, checkInteger } from "../check.js";
import { optionNames } from "../check-options.js";
import { InvalidArgumentError, invalidArgument } from "../errors.js";
import { type CalibrationCases, checkCases } from "./calibration-cases.js";
import type { Calibrator } from "./calibrator.js";
import { calibratorNames } from "./check-parameters.js";
import { type CalibratorFit, fitted } from "./fit-calibrator.js";
import { type FitOptions, fitOptionNames, fitPlan } from "./fit-options.js";
import { loadPixels } from "./fit-pixels.js";
import { fitLoaded, floorLoaded } from "./fits.js";
import { type Fold, groupFolds } from "./folds.js";
import { type CalibratorName, labelKeepers } from "./parameters.js";
import { caseLosses } from "./score-cases.js";

/** A method to choose from, with or without a floor. */
export interface Candidate {
  readonly name: CalibratorName;
  readonly floor: boolean;
}

export interface SelectOptions extends Omit<FitOptions, "floor"> {
  /** Whether methods that may change labels can be chosen, and are then candidates; default false. */
  readonly allowLabelChanges?: boolean;
  /** The methods, the simplest first; default those that docs/calibrators.md lists. */
  readonly candidates?: readonly Candidate[];
  /** The number of folds, 2 to 20; default 5. */
  readonly folds?: number;
}

/** The held-out score of a candidate. */
export interface CandidateScore extends Candidate {
  /** The mean over groups of their held-out NLL; the NLL of a group is the mean over its cases. */
  readonly nll: number;
  /**
   * The paired difference to the candidate of the least NLL, over groups: its mean, its standard error and
   * the 95 % interval of Student's t.
   */
  readonly difference: {
    readonly mean: number;
    readonly standardError: number;
    readonly low: number;
    readonly high: number;
  };
  /** Whether the candidate may be chosen: it keeps labels, or may change them. */
  readonly eligible: boolean;
  readonly chosen: boolean;
}

export interface CalibratorSelection extends CalibratorFit {
  readonly candidates: readonly CandidateScore[];
  readonly folds: number;
  readonly groups: number;
}

const names = optionNames<FitOptions & SelectOptions>({
  ...fitOptionNames,
  allowLabelChanges: true,
  candidates: true,
  folds: true,
});

const keepers: readonly Candidate[] = [
  { name: "none", floor: false },
  { name: "temperature", floor: false },
  { name: "entropy-temperature", floor: false },
  { name: "distance-temperature", floor: false },
  { name: "distance-temperature", floor: true },
  { name: "distance-affine", floor: false },
  { name: "distance-affine", floor: true },
  { name: "local-temperature", floor: false },
];
const changers: readonly Candidate[] = [
  { name: "vector", floor: false },
  { name: "beta", floor: false },
  { name: "isotonic", floor: false },
  { name: "dirichlet", floor: false },
];

/** The share of the least NLL that a simpler method may cost: no application would notice it. */
const negligible = 1e-3;
/**
 * The share that it may cost within one standard error. With few cases that error alone leaves models
 * uncalibrated that gain from it on average.
 */
const small = 1e-2;

/**
 * Chooses a calibrator by cross-validation over groups, and fits it to all cases: the simplest candidate
 * whose held-out NLL is within one standard error of the paired difference to the best eligible one and
 * within a hundredth of its NLL, or within a thousandth. A set too large to keep is scored on its sample.
 * With one group there is nothing to validate on: then it is `temperature`, with a warning.
 */
export async function selectCalibrator(
  cases: CalibrationCases,
  options: SelectOptions = {},
): Promise<CalibratorSelection> {
  checkCases(cases);
  const plan = fitPlan(options, names);
  const { allowLabelChanges = false, folds: wanted = 5 } = options;
  checkBoolean("allowLabelChanges", allowLabelChanges);
  checkInteger("folds", wanted, 2, 20);
  const candidates = options.candidates ?? (allowLabelChanges ? [...keepers, ...changers] : keepers);
  checkCandidates(candidates);
  const local = candidates.some(({ name }) => name === "local-temperature");
  const loaded = await loadPixels(cases, plan, { local });
  if (loaded.pixels === 0)
    throw new InvalidArgumentError("cases", "cases: no pixel counts; check ignore and fitOn");
  const everyone = loaded.groups.map((_, index) => index);
  const folds = groupFolds(everyone, loaded.groups, wanted);
  const groups = new Set(loaded.groups).size;
  const scores: Float64Array[] = [];
  // A candidate with a floor starts from the one without.
  const plain = new Map<string, Promise<Calibrator>>();
  const fitFold = async ({ name, floor }: Candidate, fold: Fold): Promise<Calibrator> => {
    const key = `${name} ${folds.indexOf(fold)}`;
    const known = plain.get(key) ?? fitLoaded(name, loaded, { ...plan, floor: false }, fold.train);
    plain.set(key, known);
    return floor ? floorLoaded(await known, loaded, plan, fold.train) : known;
  };
  for (const candidate of folds.length === 0 ? [] : candidates) {
    const losses = new Float64Array(loaded.groups.length);
    for (const fold of folds) {
      const calibrator = await fitFold(candidate, fold);
      const signal = plan.signal && { signal: plan.signal };
      const [held] = await caseLosses([calibrator], loaded.kept, loaded, { cases: fold.test, ...signal });
      for (const index of fold.test) losses[index] = held!.loss[index]! / held!.weight[index]!;
    }
    scores.push(groupMeans(losses, loaded.groups));
  }
  const eligible = candidates.map((candidate) => allowLabelChanges || labelKeepers.has(candidate.name));
  const table = scored(candidates, scores, eligible);
  const chosen = table.find((row) => row.chosen) ?? { name: "temperature", floor: false };
  const calibrator = await fitLoaded(chosen.name, loaded, { ...plan, floor: chosen.floor });
  const fit = await fitted(calibrator, loaded, plan);
  const warnings = [...fit.warnings];
  if (folds.length === 0) warnings.push("1 group of cases: nothing to choose by, so it is temperature");
  return { ...fit, warnings, candidates: table, folds: folds.length, groups };
}

function checkCandidates(candidates: readonly Candidate[]): void {
  if (!Array.isArray(candidates) || candidates.length === 0)
    throw invalidArgument("candidates", "a list of { name, floor }", candidates);
  for (const candidate of candidates) {
    const { name, floor } = candidate ?? {};
    if (!calibratorNames.includes(name) || name === "image-temperature")
      throw invalidArgument("candidates", "names of methods that can be fitted", name);
    checkBoolean("candidates.floor", floor);
  }
}

/** Returns the means of defined losses over the cases of each group. */
function groupMeans(losses: Float64Array, groups: readonly string[]): Float64Array {
  const sums = new Map<string, [sum: number, count: number]>();
  for (const [index, group] of groups.entries()) {
    if (Number.isNaN(losses[index]!)) continue;
    const [sum, count] = sums.get(group) ?? [0, 0];
    sums.set(group, [sum + losses[index]!, count + 1]);
  }
  return Float64Array.from(sums.values(), ([sum, count]) => sum / count);
}

function scored(
  candidates: readonly Candidate[],
  scores: readonly Float64Array[],
  eligible: readonly boolean[],
): CandidateScore[] {
  const means = scores.map((values) => values.reduce((sum, value) => sum + value, 0) / values.length);
  const allowed = means.filter((_, i) => eligible[i]);
  const least = Math.min(...allowed);
  const best = means.findIndex((mean, i) => eligible[i] && mean === least);
  const rows = scores.map((values, i) => ({
    ...candidates[i]!,
    nll: means[i]!,
    difference: pairedDifference(values, scores[best]!),
    eligible: eligible[i]!,
  }));
  const chosen = rows.findIndex(
    ({ eligible: may, difference }) =>
      may &&
      difference.mean <= Math.max(Math.min(difference.standardError, small * least), negligible * least),
  );
  return rows.map((row, i) => ({ ...row, chosen: i === chosen }));
}

function pairedDifference(a: Float64Array, b: Float64Array): CandidateScore["difference"] {
  const n = a.length;
  const differences = a.map((value, i) => value - b[i]!);
  const mean = differences.reduce((sum, d) => sum + d, 0) / n;
  const squares = differences.reduce((sum, d) => sum + (d - mean) ** 2, 0);
  const standardError = n > 1 ? Math.sqrt(squares / (n - 1) / n) : 0;
  const reach = studentQuantile(n - 1) * standardError;
  return { mean, standardError, low: mean - reach, high: mean + reach };
}

/** Returns the 97.5 % quantile of Student's t by the expansion of Cornish and Fisher. */
function studentQuantile(degrees: number): number {
  if (degrees < 3) return degrees < 2 ? 12.7062 : 4.30265;
  const z = 1.959963984540054;
  const terms = [
    (z ** 3 + z) / 4,
    (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96,
    (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / 384,
  ];
  return terms.reduce((sum, term, i) => sum + term / degrees ** (i + 1), z);
}
