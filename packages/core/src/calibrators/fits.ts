import { InvalidArgumentError } from "../errors.js";
import { Calibrator } from "./calibrator.js";
import { cellCounts } from "./case-cells.js";
import { fitAffine, fitMatrix, fitVector, mostMatrixClasses } from "./fit-linear.js";
import { fitLocal } from "./fit-local.js";
import {
  classLevels,
  fitBbq,
  fitBeta,
  fitHistogram,
  fitIsotonic,
  fitPlatt,
  type Levels,
  logOddsLimit,
} from "./fit-one-vs-rest.js";
import type { FitPlan } from "./fit-options.js";
import type { LoadedPixels } from "./fit-pixels.js";
import { fitScales, fitTemperature, type ScaleProblem } from "./fit-scales.js";
import { fitFloor, fitImage, fitMixture, fitSelective } from "./fit-small.js";
import { forwardForm } from "./forward-form.js";
import type { CalibratorName, CalibratorParameters, DistanceTable, LevelTable } from "./parameters.js";
import type { PixelSource } from "./pixel-source.js";

/** The pixels of a fit: those of `cases`, or all with `all` for the last steps. */
interface Fitting extends LoadedPixels {
  readonly cases: readonly number[];
}

type Fit<N extends CalibratorName> = (fitting: Fitting, plan: FitPlan) => Promise<CalibratorParameters[N]>;

/** The regularisation of matrix and dirichlet without `lambda`. */
const matrixLambda = 1e-3;
const leastLog = Math.log(1e-7);
const leastImages = 15;
const knotCount = 9;

/** Returns knots of ln H from -10 to that of the uniform distribution. */
function entropyKnots(classes: number): number[] {
  const [low, high] = [-10, Math.log(Math.log(classes))];
  return Array.from({ length: knotCount }, (_, i) => low + ((high - low) * i) / (knotCount - 1));
}

/** Returns a flat table as rows of `length`. */
function rows(values: ArrayLike<number>, length: number): number[][] {
  const all = Array.from(values);
  return Array.from({ length: all.length / length }, (_, i) => all.slice(i * length, (i + 1) * length));
}

const signalOf = ({ signal }: FitPlan): { signal?: AbortSignal } => (signal ? { signal } : {});
const lambdaOf = ({ lambda }: FitPlan): { lambda?: number } => (lambda === undefined ? {} : { lambda });

async function withFloor<N extends "distance-temperature" | "distance-affine">(
  name: N,
  table: CalibratorParameters[N],
  { kept, cases, layout }: Fitting,
  plan: FitPlan,
): Promise<CalibratorParameters[N]> {
  if (!plan.floor) return table;
  const { sides, depths } = cellCounts(layout);
  const { form } = forwardForm(name, table, layout.classes);
  const floor = await fitFloor(kept, cases, form, { cells: sides * depths, ...signalOf(plan) });
  return { ...table, floor: rows(floor, depths) };
}

const matrixFit =
  (withLogs: boolean) =>
  async ({ kept, cases }: Fitting, plan: FitPlan): Promise<CalibratorParameters["matrix"]> => {
    const { classes } = kept;
    if (classes > mostMatrixClasses) {
      const message = `method: a matrix of ${classes} classes is too large; at most ${mostMatrixClasses}`;
      throw new InvalidArgumentError("method", message);
    }
    const options = { lambda: plan.lambda ?? matrixLambda, ...signalOf(plan), ...(withLogs && { leastLog }) };
    const table = rows(await fitMatrix(kept, cases, options), classes + 1);
    return { weights: table.map((row) => row.slice(0, classes)), shifts: table.map((row) => row[classes]!) };
  };

const levelFit =
  (fit: (levels: Levels) => number[]) =>
  async ({ all, cases }: Fitting, plan: FitPlan): Promise<LevelTable> => {
    const levels = await classLevels(all, cases, plan.signal);
    return { limit: logOddsLimit, values: levels.map(fit) };
  };

const fits: { readonly [N in CalibratorName]: Fit<N> } = {
  none: async () => ({}),
  temperature: async ({ kept, all, cases }, plan) => {
    const start = await fitTemperature(kept, cases, signalOf(plan));
    return {
      scale: await refined(kept, all, start, (from) =>
        fitTemperature(all, cases, { start: from, ...signalOf(plan) }),
      ),
    };
  },
  "entropy-temperature": async (fitting, plan) => {
    const knots = entropyKnots(fitting.layout.classes);
    const placement = { knots: Float64Array.from(knots) };
    const problem = { placement, cells: knotCount, chain: knotCount, ...signalOf(plan) };
    const { scales } = await fitScales(fitting, problem, { ...lambdaOf(plan), cases: fitting.cases });
    return { knots, scales: [...scales] };
  },
  "distance-temperature": async (fitting, plan) => {
    const { windows, sides: side } = fitting.layout;
    const { sides, depths } = cellCounts(fitting.layout);
    const problem: ScaleProblem = {
      placement: { byDistance: true },
      cells: sides * depths,
      chain: depths,
      ...signalOf(plan),
    };
    const { scales, lambda } = await fitScales(fitting, problem, { ...lambdaOf(plan), cases: fitting.cases });
    const table: DistanceTable = { windows, sides: side, scales: rows(scales, depths), lambda };
    return withFloor("distance-temperature", table, fitting, plan);
  },
  "distance-affine": async (fitting, plan) => {
    const { windows, sides: side, classes } = fitting.layout;
    const { sides, depths } = cellCounts(fitting.layout);
    const problem = { cells: sides * depths, chain: depths, ...signalOf(plan) };
    const { parameters, lambda } = await fitAffine(fitting, problem, {
      ...lambdaOf(plan),
      cases: fitting.cases,
    });
    const cells = rows(parameters, 1 + classes);
    const bySide = Array.from({ length: sides }, (_, s) => cells.slice(s * depths, (s + 1) * depths));
    const scales = bySide.map((side) => side.map((cell) => cell[0]!));
    const shifts = bySide.map((side) => side.map((cell) => cell.slice(1)));
    const table = { windows, sides: side, scales, shifts, margin: 1e-3, lambda };
    return withFloor("distance-affine", table, fitting, plan);
  },
  "image-temperature": async ({ kept, cases, measures }, plan) => {
    if (cases.length < leastImages) {
      const message = `cases: image-temperature needs at least ${leastImages}, got ${cases.length}`;
      throw new InvalidArgumentError("cases", message);
    }
    return fitImage(kept, cases, { measures, ...signalOf(plan) });
  },
  vector: async ({ kept, cases }, plan) => {
    const table = rows(await fitVector(kept, cases, signalOf(plan)), 2);
    return { scales: table.map((row) => row[0]!), shifts: table.map((row) => row[1]!) };
  },
  matrix: matrixFit(false),
  dirichlet: async (fitting, plan) => ({ ...(await matrixFit(true)(fitting, plan)), leastLog }),
  "ensemble-temperature": ({ kept, cases }, plan) => fitMixture(kept, cases, signalOf(plan)),
  platt: async ({ all, cases }, plan) => {
    const levels = await classLevels(all, cases, plan.signal);
    const table = await Promise.all(levels.map(fitPlatt));
    return { scales: table.map((row) => row[0]!), shifts: table.map((row) => row[1]!) };
  },
  beta: async ({ all, cases }, plan) => {
    const levels = await classLevels(all, cases, plan.signal);
    const table = await Promise.all(levels.map(fitBeta));
    return { a: table.map((row) => row[0]), b: table.map((row) => row[1]), c: table.map((row) => row[2]) };
  },
  isotonic: levelFit(fitIsotonic),
  histogram: levelFit((levels) => fitHistogram(levels)),
  bbq: levelFit(fitBbq),
  "local-temperature": ({ patches, cases, layout }, plan) => {
    const problem = { cases, classes: layout.classes, rank: layout.windows[0]!.length };
    return fitLocal(patches!, { ...problem, ...lambdaOf(plan), ...signalOf(plan) });
  },
  selective: ({ kept, cases }, plan) => fitSelective(kept, cases, signalOf(plan)),
};

function refined<T>(
  kept: PixelSource,
  all: PixelSource,
  start: T,
  fit: (start: T) => Promise<T>,
): Promise<T> {
  return all === kept ? Promise.resolve(start) : fit(start);
}

/**
 * Fits a calibrator to pixels that were read. With `cases`, those of cross-validation, only the kept pixels
 * of these cases count.
 */
export async function fitLoaded<N extends CalibratorName>(
  method: N,
  loaded: LoadedPixels,
  plan: FitPlan,
  cases?: readonly number[],
): Promise<Calibrator<N>> {
  return new Calibrator(method, loaded.layout.classes, await fits[method](fittingOf(loaded, cases), plan));
}

/** Adds a floor to a calibrator that was fitted without one to the same cases, where its method has one. */
export async function floorLoaded(
  calibrator: Calibrator,
  loaded: LoadedPixels,
  plan: FitPlan,
  cases?: readonly number[],
): Promise<Calibrator> {
  const { name, parameters } = calibrator;
  if (name !== "distance-temperature" && name !== "distance-affine") return calibrator;
  const table = parameters as CalibratorParameters[typeof name];
  const floored = await withFloor(name, table, fittingOf(loaded, cases), { ...plan, floor: true });
  return new Calibrator(name, loaded.layout.classes, floored);
}

function fittingOf(loaded: LoadedPixels, cases: readonly number[] | undefined): Fitting {
  const everyone = loaded.groups.map((_, index) => index);
  return cases === undefined ? { ...loaded, cases: everyone } : { ...loaded, all: loaded.kept, cases };
}
