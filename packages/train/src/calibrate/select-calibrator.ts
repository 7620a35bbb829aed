import {
  type CalibrationCases,
  type Calibrator,
  type CalibratorFit,
  type CalibratorName,
  type FitOptions,
  fitCalibrator,
  InvalidArgumentError,
  probabilityScores,
} from "@pixelcal/core";

/** A calibrator that was compared. */
export interface Candidate {
  readonly name: CalibratorName;
  /** Whether a floor was fitted, too. */
  readonly floor: boolean;
  /** Whether it never changes a label. */
  readonly keepsLabels: boolean;
  /** The mean over groups of the NLL of cases that it was not fitted to. */
  readonly nll: number;
  /** The mean over groups of the difference to the best, with a 95 % interval of 1.96 standard errors. */
  readonly difference: { readonly mean: number; readonly low: number; readonly high: number };
  readonly chosen: boolean;
}

/** A fit of the calibrator that cross-validation chose. */
export interface CalibratorSelection extends CalibratorFit {
  readonly candidates: readonly Candidate[];
  readonly folds: number;
  /** The number of patients, or of cases where those are not known. */
  readonly groups: number;
}

export interface SelectOptions extends FitOptions {
  /** The patient of each case, which no fold splits. */
  readonly groups: readonly string[];
  /** Whether calibrators that change labels may be chosen; default false. */
  readonly allowLabelChanges?: boolean;
  /** The only calibrators to compare; by default all that pay with the number of groups. */
  readonly candidates?: readonly CalibratorName[];
}

interface Entry {
  readonly name: CalibratorName;
  readonly floor?: true;
  /** The fewest groups with which it is compared. */
  readonly groups?: number;
}

/** The simplest first. */
const keeping: readonly Entry[] = [
  { name: "none" },
  { name: "temperature" },
  { name: "entropy-temperature" },
  { name: "image-temperature", groups: 15 },
  { name: "distance-temperature" },
  { name: "distance-temperature", floor: true },
  { name: "distance-affine" },
  { name: "distance-affine", floor: true },
  { name: "local-temperature" },
];
const changing: readonly Entry[] = [
  { name: "vector" },
  { name: "beta" },
  { name: "matrix" },
  { name: "dirichlet" },
  { name: "isotonic" },
];

/** The calibrators that core can fit. */
const fitted: ReadonlySet<CalibratorName> = new Set(["none", "temperature", "distance-temperature"]);

const mostFolds = 5;

/**
 * The share of the best's NLL that a simpler calibrator may lose. With few cases one standard error alone
 * leaves models uncalibrated that gain from it on average.
 */
const share = 0.01;

/**
 * Compares calibrators by cross-validation over groups of cases and fits the simplest whose NLL on cases it
 * did not see is within one standard error of the best, the error of the difference to the best group by
 * group, and within 1 % of it. "none" may be that one. Throws `InvalidArgumentError` with fewer than two
 * groups.
 */
export async function selectCalibrator(
  cases: CalibrationCases,
  { groups, allowLabelChanges = false, candidates, ...options }: SelectOptions,
): Promise<CalibratorSelection> {
  const names = [...new Set(groups)];
  if (names.length < 2) {
    const message = `cases: auto compares calibrators by cross-validation and needs two patients or more, got ${names.length}; name a method`;
    throw new InvalidArgumentError("cases", message);
  }
  const entries = [...keeping, ...(allowLabelChanges ? changing : [])].filter(
    ({ name, floor, groups: least = 0 }) =>
      fitted.has(name) && !floor && (candidates?.includes(name) ?? names.length >= least),
  );
  const folds = Math.min(mostFolds, names.length);
  const foldOf = groups.map((group) => names.indexOf(group) % folds);
  const [tables, fits]: [number[][], CalibratorFit[]] = [[], []];
  for (const entry of entries) {
    const fit = await fitCalibrator(entry.name, cases, fitOf(entry, options));
    fits.push(fit);
    // The penalty's weight comes from all cases: one number, which a fold's own choice would not change much.
    const { lambda = options.lambda } = fit.calibrator.parameters as { readonly lambda?: number };
    const given = { ...options, ...(lambda !== undefined && { lambda }) };
    const losses = new Array<number>(cases.count);
    for (let fold = 0; fold < folds; fold++) {
      const of = (inside: boolean): number[] =>
        groups.flatMap((_, i) => ((foldOf[i] === fold) === inside ? [i] : []));
      const { calibrator } = await fitCalibrator(entry.name, only(cases, of(false)), fitOf(entry, given));
      for (const i of of(true)) losses[i] = await heldOut(cases, i, calibrator, options);
    }
    tables.push(names.map((group) => mean(losses.filter((_, i) => groups[i] === group))));
  }
  const means = tables.map(mean);
  const best = means.indexOf(Math.min(...means));
  const apart = tables.map((table) => differences(table, tables[best]!));
  const within = share * means[best]!;
  const simplest = apart.findIndex((each) => each.mean <= Math.min(each.error, within));
  return {
    ...fits[simplest]!,
    folds,
    groups: names.length,
    candidates: entries.map(({ name, floor = false }, i) => {
      const { mean: middle, error } = apart[i]!;
      const difference = { mean: middle, low: middle - 1.96 * error, high: middle + 1.96 * error };
      const keepsLabels = keeping.some((each) => each.name === name);
      return { name, floor, keepsLabels, nll: means[i]!, difference, chosen: i === simplest };
    }),
  };
}

const fitOf = ({ floor }: Entry, options: FitOptions): FitOptions =>
  floor ? { ...options, floor } : options;

/** Returns some of the cases. */
const only = (cases: CalibrationCases, indexes: readonly number[]): CalibrationCases => ({
  count: indexes.length,
  read: (index, options) => cases.read(indexes[index]!, options),
});

async function heldOut(
  cases: CalibrationCases,
  index: number,
  calibrator: Calibrator,
  { signal, ignore }: FitOptions,
): Promise<number> {
  const { logits, labels } = await cases.read(index, { ...(signal && { signal }) });
  const probs = await calibrator.apply(logits, { ...(signal && { signal }) });
  // float32 holds no smaller probability; one pixel must not decide.
  const floor = 1e-38;
  const scores = await probabilityScores(probs, labels, { ignore, floor, ...(signal && { signal }) });
  return scores.total === 0 ? 0 : scores.logLossSum / scores.total;
}

const mean = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0) / list.length;

/** Returns the mean difference of two lists, and its standard error. */
function differences(list: readonly number[], from: readonly number[]): { mean: number; error: number } {
  const apart = list.map((value, i) => value - from[i]!);
  const middle = mean(apart);
  const squares = apart.reduce((sum, value) => sum + (value - middle) ** 2, 0);
  return { mean: middle, error: Math.sqrt(squares / (list.length - 1) / list.length) };
}
