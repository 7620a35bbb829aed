import { call, native } from "../binding.js";
import { checkChoice } from "../check.js";
import { InvalidArgumentError } from "../errors.js";
import { type CalibrationCases, checkCases } from "./calibration-cases.js";
import { Calibrator } from "./calibrator.js";
import { cellCounts } from "./case-cells.js";
import { type FitOptions, type FitPlan, fitPlan } from "./fit-options.js";
import { flatRanges, type LoadedPixels, loadPixels, type PixelSource } from "./fit-pixels.js";
import { fitScales, fitTemperature, leastScale } from "./fit-scales.js";
import { forwardForm } from "./forward-form.js";
import type { CalibratorName, CalibratorParameters } from "./parameters.js";

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
  checkChoice("method", method, fittedNames);
  if (method === undefined)
    throw new InvalidArgumentError("method", "method: expected a name, got undefined");
  checkCases(cases);
  const plan = fitPlan(options);
  const loaded = await loadPixels(cases, plan);
  if (loaded.pixels === 0)
    throw new InvalidArgumentError("cases", "cases: no pixel counts; check ignore and fitOn");
  const calibrator = await fitLoaded(method, loaded, plan);
  const [before, after] = await Promise.all([
    meanLoss(new Calibrator("none", loaded.layout.classes, {}), loaded.all, plan.signal),
    meanLoss(calibrator, loaded.all, plan.signal),
  ]);
  const warnings = [...caseWarnings(loaded, plan), ...tableWarnings(calibrator)];
  return { calibrator, warnings, cases: cases.count, pixels: loaded.pixels, nll: { before, after } };
}

type Fit<N extends CalibratorName> = (
  loaded: LoadedPixels,
  plan: FitPlan,
  cases: readonly number[] | undefined,
) => Promise<CalibratorParameters[N]>;

const fits: { readonly [N in CalibratorName]?: Fit<N> } = {
  none: async () => ({}),
  temperature: async ({ kept, all }, { signal }, cases) => {
    const start = await fitTemperature(kept, cases, { ...(signal && { signal }) });
    if (all === kept || cases !== undefined) return { scale: start };
    return { scale: await fitTemperature(all, cases, { start, ...(signal && { signal }) }) };
  },
  "distance-temperature": async (loaded, { signal, lambda }, cases) => {
    const { layout, kept, groups } = loaded;
    const { sides, depths } = cellCounts(layout);
    const all = cases === undefined ? loaded.all : kept;
    const problem = {
      placement: "cells",
      cells: sides * depths,
      chain: depths,
      ...(signal && { signal }),
    } as const;
    const options = { ...(lambda !== undefined && { lambda }), ...(cases && { cases }) };
    const fitted = await fitScales({ kept, all, groups }, problem, options);
    const scales = rows(fitted.scales, depths);
    return { windows: layout.windows, sides: layout.sides, scales, lambda: fitted.lambda };
  },
};

/** The names of the calibrators that can be fitted. */
const fittedNames: readonly CalibratorName[] = Object.keys(fits) as CalibratorName[];

/** Fits a calibrator to pixels that were read, of all cases or of some. */
async function fitLoaded<N extends CalibratorName>(
  method: N,
  loaded: LoadedPixels,
  plan: FitPlan,
  cases?: readonly number[],
): Promise<Calibrator<N>> {
  const fit = fits[method] as Fit<N>;
  return new Calibrator(method, loaded.layout.classes, await fit(loaded, plan, cases));
}

/** Returns a flat table as rows of `length`. */
function rows(values: Float64Array, length: number): number[][] {
  const all = [...values];
  return Array.from({ length: all.length / length }, (_, i) => all.slice(i * length, (i + 1) * length));
}

/** Returns the mean NLL under a calibrator. */
async function meanLoss(calibrator: Calibrator, pixels: PixelSource, signal?: AbortSignal): Promise<number> {
  const { form, layout } = forwardForm(calibrator);
  let [weight, loss] = [0, 0];
  await pixels.visit(undefined, async (block, ranges) => {
    const { cells, ...rest } = block;
    const request = { ...rest, ...(layout && { cells }), ...form, ranges: flatRanges(ranges) };
    const sums = await call(native.calibratedLoss, request, signal);
    for (let i = 0; i < sums.length; i += 2) {
      weight += sums[i]!;
      loss += sums[i + 1]!;
    }
  });
  return loss / weight;
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
