import { checkChoice, checkClasses, checkInteger, checkPositive } from "../check.js";
import { checkOptions } from "../check-options.js";
import { invalidArgument } from "../errors.js";
import { windowGrowth } from "./boundary-windows.js";
import type { CalibratorName, CalibratorParameters } from "./parameters.js";

type Checks<P> = { readonly [K in keyof P]-?: (path: string, value: unknown, classes: number) => void };

const finite = (path: string, value: unknown): void => {
  if (typeof value !== "number" || !Number.isFinite(value))
    throw invalidArgument(path, "a finite number", value);
};
const positive = (path: string, value: unknown): void => checkPositive(path, value as number);

/** Throws unless `value` is an array of `length` items, or of 1 to 65536 without it, that all pass `item`. */
function list(
  item: (path: string, value: unknown, classes: number) => void,
  length?: (classes: number) => number,
): (path: string, value: unknown, classes: number) => void {
  return (path, value, classes) => {
    const count = length?.(classes);
    if (!Array.isArray(value) || value.length < 1 || value.length > 65536)
      throw invalidArgument(path, count === undefined ? "an array" : `${count} values`, value);
    if (count !== undefined && value.length !== count)
      throw invalidArgument(path, `${count} values`, value.length);
    value.forEach((each, i) => {
      item(`${path}[${i}]`, each, classes);
    });
  };
}

const perClass = (classes: number): number => classes;
const classNumbers = list(finite, perClass);
const square = list(classNumbers, perClass);

const distance: Checks<CalibratorParameters["distance-temperature"]> = {
  windows: list(list(finite)),
  sides: (path, value) => {
    checkChoice(path, value === undefined ? "" : (value as string), ["foreground", "classes"]);
  },
  scales: list(list(positive)),
  lambda: positive,
  floor: (path, value) => {
    if (value !== undefined) list(list(share))(path, value, 1);
  },
};

const levels: Checks<CalibratorParameters["isotonic"]> = {
  limit: positive,
  values: list(list(share), perClass),
};

function share(path: string, value: unknown): void {
  if (!(typeof value === "number" && value >= 0 && value <= 1)) throw invalidArgument(path, "0 to 1", value);
}

const checks: { readonly [N in CalibratorName]: Checks<CalibratorParameters[N]> } = {
  none: {},
  temperature: { scale: positive },
  "distance-temperature": distance,
  "distance-affine": { ...distance, shifts: list(list(classNumbers)), margin: positive },
  "entropy-temperature": { knots: list(finite), scales: list(positive) },
  "image-temperature": { weights: list(finite, () => 4), least: positive, most: positive },
  vector: { scales: classNumbers, shifts: classNumbers },
  matrix: { weights: square, shifts: classNumbers },
  dirichlet: { weights: square, shifts: classNumbers, leastLog: finite },
  "ensemble-temperature": { scale: positive, weights: list(share, () => 3) },
  platt: { scales: classNumbers, shifts: classNumbers },
  beta: { a: classNumbers, b: classNumbers, c: classNumbers },
  isotonic: levels,
  histogram: levels,
  bbq: levels,
  "local-temperature": {
    taps: (path, value) => checkInteger(path, value as number, 1, 31),
    dilation: (path, value) => checkInteger(path, value as number, 1, 1024),
    filters: list(list(list(finite), perClass), () => 3),
    biases: list(finite, () => 3),
  },
  selective: { weights: list(finite, () => 4), scales: list(positive, () => 2) },
};

/** The names of all calibrators. */
export const calibratorNames: readonly CalibratorName[] = Object.keys(checks) as CalibratorName[];

/** Throws unless these are parameters of the calibrator `name` for this number of classes. */
export function checkParameters(name: CalibratorName, parameters: object, classes: number): void {
  checkChoice("name", name ?? "", calibratorNames);
  checkClasses(classes);
  const fields: Record<string, (path: string, value: unknown, classes: number) => void> = checks[name];
  checkOptions("parameters", parameters, new Set(Object.keys(fields)));
  for (const [key, check] of Object.entries(fields))
    check(`parameters.${key}`, (parameters as Record<string, unknown>)[key], classes);
  if (name === "distance-temperature" || name === "distance-affine") {
    checkTables(parameters as CalibratorParameters["distance-affine"], classes);
  }
  if (name === "local-temperature") checkFilters(parameters as CalibratorParameters["local-temperature"]);
  if (name === "entropy-temperature") {
    const { knots, scales } = parameters as CalibratorParameters["entropy-temperature"];
    const ascending = knots.every((knot, i) => i === 0 || knot > knots[i - 1]!);
    if (!ascending || knots.length < 2) throw invalidArgument("parameters.knots", "ascending knots", knots);
    if (scales.length !== knots.length)
      throw invalidArgument("parameters.scales", `${knots.length} values`, scales.length);
  }
}

function checkFilters({ taps, filters }: CalibratorParameters["local-temperature"]): void {
  if (taps % 2 === 0) throw invalidArgument("parameters.taps", "an odd number", taps);
  const lengths = new Set(filters.flat().map((each) => each.length));
  const [length] = lengths;
  if (lengths.size !== 1 || ![1, 2, 3].some((rank) => taps ** rank === length))
    throw invalidArgument(
      "parameters.filters",
      `${taps}, ${taps ** 2} or ${taps ** 3} taps a class`,
      [...lengths].join(),
    );
}

function checkTables(table: CalibratorParameters["distance-affine"], classes: number): void {
  windowGrowth(table.windows, table.windows[0]!.length);
  const sides = table.sides === "foreground" ? 2 : classes;
  for (const name of ["scales", "floor", "shifts"] as const) {
    const rows: readonly (readonly unknown[])[] | undefined = table[name];
    if (rows === undefined) continue;
    if (rows.length !== sides) throw invalidArgument(`parameters.${name}`, `${sides} sides`, rows.length);
    const depths = table.windows.length + 1;
    for (const row of rows)
      if (row.length !== depths) throw invalidArgument(`parameters.${name}`, `${depths} depths`, row.length);
  }
}
