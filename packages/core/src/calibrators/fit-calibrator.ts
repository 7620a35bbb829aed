import { checkChoice } from "../check.js";
import { InvalidArgumentError } from "../errors.js";
import { type CalibrationCases, checkCases } from "./calibration-cases.js";
import { Calibrator } from "./calibrator.js";
import { calibratorNames } from "./check-parameters.js";
import { type FitOptions, type FitPlan, fitPlan } from "./fit-options.js";
import { type LoadedPixels, loadPixels } from "./fit-pixels.js";
import { leastScale } from "./fit-scales.js";
import { fitLoaded } from "./fits.js";
import { imageFeatures } from "./image-features.js";
import type { CaseMeasure } from "./pack-case.js";
import type { CalibratorName, CalibratorParameters } from "./parameters.js";
import { type CaseLosses, caseLosses } from "./score-cases.js";

/** A calibrator, and what its fit saw. */
export interface CalibratorFit {
  readonly calibrator: Calibrator;
  /** The reasons for caution: few cases, rare classes, cells without information. */
  readonly warnings: readonly string[];
  readonly cases: number;
  /** The pixels that counted. */
  readonly pixels: number;
  /** The mean negative log-likelihood over those pixels, weighted as in the fit. */
  readonly nll: { readonly before: number; readonly after: number };
}

/**
 * Fits the calibrator `method` to cases. Sets of more than `keptLogits` logits are read again in every pass;
 * nothing but the pixels kept and one case is ever in memory.
 */
export async function fitCalibrator(
  method: CalibratorName,
  cases: CalibrationCases,
  options: FitOptions = {},
): Promise<CalibratorFit> {
  checkChoice("method", method, calibratorNames);
  if (method === undefined)
    throw new InvalidArgumentError("method", "method: expected a name, got undefined");
  checkCases(cases);
  const plan = fitPlan(options);
  const measure: CaseMeasure = ({ logits }) => imageFeatures(logits, plan.signal);
  const loaded = await loadPixels(cases, plan, {
    measure: method === "image-temperature" ? measure : undefined,
    local: method === "local-temperature",
  });
  if (loaded.pixels === 0)
    throw new InvalidArgumentError("cases", "cases: no pixel counts; check ignore and fitOn");
  return fitted(await fitLoaded(method, loaded, plan), loaded, plan);
}

/** Returns a fitted calibrator with what there is to know of its fit. */
export async function fitted(
  calibrator: Calibrator,
  loaded: LoadedPixels,
  plan: FitPlan,
): Promise<CalibratorFit> {
  const none = new Calibrator("none", loaded.layout.classes, {});
  const losses = await caseLosses(
    [none, calibrator],
    loaded.all,
    loaded,
    plan.signal && { signal: plan.signal },
  );
  const [before, after] = losses.map(meanLoss) as [number, number];
  const warnings = [...caseWarnings(loaded, plan), ...tableWarnings(calibrator)];
  const { groups, pixels } = loaded;
  return { calibrator, warnings, cases: groups.length, pixels, nll: { before, after } };
}

function meanLoss({ weight, loss }: CaseLosses): number {
  const sum = (values: Float64Array): number => values.reduce((all, value) => all + value, 0);
  return sum(loss) / sum(weight);
}

function caseWarnings({ groups, casesOfClass, spacings, layout }: LoadedPixels, plan: FitPlan): string[] {
  const warnings: string[] = [];
  if (groups.length < 10) warnings.push(`${groups.length} cases: fewer than 10 say little about other cases`);
  for (const [c, count] of casesOfClass.entries())
    if (count < 3) warnings.push(`class ${c} is labelled in ${count} cases: fewer than 3`);
  const used = plan.spacing ?? spacings[0];
  const others = spacings.filter((spacing) => spacing !== undefined && !similar(spacing, used)).length;
  if (others > 0 && layout.windows.length > 0)
    warnings.push(
      `${others} cases have other voxel shapes than [${used ?? "none"}], which the windows follow`,
    );
  return warnings;
}

/** Tells whether two spacings have the same ratios of axes, within 10 %. */
function similar(a: readonly number[], b: readonly number[] | undefined): boolean {
  const ratios = a.map((size, axis) => size / (b?.[axis] ?? 1));
  return Math.max(...ratios) <= 1.1 * Math.min(...ratios);
}

function tableWarnings({ parameters }: Calibrator): string[] {
  const { scales, sides } = parameters as Partial<CalibratorParameters["distance-temperature"]>;
  if (sides === undefined || scales === undefined) return [];
  return scales.flatMap((row, side) =>
    row.flatMap((scale, depth) =>
      scale > leastScale
        ? []
        : `side ${side}, depth ${depth}: its scale is at the floor ${leastScale}, so its labels are no better than chance; a method that may change labels (allowLabelChanges) can mend them`,
    ),
  );
}
