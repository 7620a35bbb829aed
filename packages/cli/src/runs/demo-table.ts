import { type Column, fixed, formatTable, pooledScores, type RunResult } from "@pixelcal/evaluate";
import { truthColumn } from "./truth.js";

/** A row of the demo's table: means over cases, and figures of all pixels together. */
export interface DemoRow {
  readonly run: string;
  readonly DSC: number;
  readonly NLL: number;
  readonly fpBrier: number;
  /** The error of the top label over all pixels, and over those near the predicted boundary. */
  readonly ece: number;
  readonly boundary: number;
  /** The temperature that the labels of all pixels ask for. */
  readonly temperature: number;
  readonly pece: number;
  /** The pECE of calibrated predictions with the same probabilities. */
  readonly calibrated: number;
  /** The distance to the true probabilities, where they are known. */
  readonly truth?: number;
}

/** Returns the rows of scored runs and their fitted temperatures by run, the lowest NLL first. */
export function demoRows(
  results: readonly RunResult[],
  temperatures: ReadonlyMap<string, number>,
): readonly DemoRow[] {
  return results
    .map(({ run, evaluation: { rows, summary } }): DemoRow => {
      const mean = (column: string): number => summary[column]!.mean;
      const pooled = pooledScores(rows);
      return {
        run,
        DSC: mean("DSC"),
        NLL: mean("NLL"),
        fpBrier: mean("fpBrier"),
        ece: pooled.get("ECE pooled")!,
        boundary: pooled.get("boundary ECE pooled")!,
        temperature: temperatures.get(run)!,
        pece: mean("pECE"),
        calibrated: mean("pECE if calibrated"),
        ...(summary[truthColumn] && { truth: mean(truthColumn) }),
      };
    })
    .sort((a, b) => a.NLL - b.NLL);
}

/** Formats the rows as a table. */
export function demoTable(rows: readonly DemoRow[]): string {
  const column = (title: string, value: (row: DemoRow) => number, decimals = 4): Column<DemoRow> => ({
    title,
    cell: (row) => fixed(value(row), decimals),
  });
  return formatTable(rows, [
    { title: "run", align: "left", cell: ({ run }) => run },
    ...(rows.every(({ truth }) => truth !== undefined) ? [column(truthColumn, ({ truth }) => truth!)] : []),
    column("NLL", ({ NLL }) => NLL),
    column("fpBrier", ({ fpBrier }) => fpBrier),
    column("DSC", ({ DSC }) => DSC),
    column("ECE", ({ ece }) => ece),
    column("boundary ECE", ({ boundary }) => boundary),
    column("temperature", ({ temperature }) => temperature, 3),
    column("pECE", ({ pece }) => pece),
    column("if calibrated", ({ calibrated }) => calibrated),
  ]);
}

/** The largest distance from 1 of a calibrated network's temperature. */
const tolerance = 0.1;

/** Says in words what the table shows, a sentence a line; empty for one run. */
export function demoWords(rows: readonly DemoRow[]): string {
  const [first] = rows;
  const last = rows.at(-1);
  if (first === undefined || last === undefined || first === last) return "";
  const span = (of: (row: DemoRow) => number): string => {
    const sorted = [...rows].sort((a, b) => of(a) - of(b));
    const [low, high] = [sorted[0]!, sorted.at(-1)!];
    return `${low.run} (${fixed(of(low), 4)}) to ${high.run} (${fixed(of(high), 4)})`;
  };
  const listed = (title: string, test: (temperature: number) => boolean): string[] => {
    const of = rows.filter(({ temperature }) => test(temperature));
    const names = of.map(({ run, temperature }) => `${run} (${fixed(temperature, 2)})`);
    return of.length === 0 ? [] : [`${title} ${names.join(", ")}`];
  };
  const confidence = [
    ...listed("over-confident", (t) => t > 1 + tolerance),
    ...listed("under-confident", (t) => t < 1 - tolerance),
    ...listed(`within ${tolerance} of 1`, (t) => Math.abs(t - 1) <= tolerance),
  ];
  const preferred = rows.reduce((a, b) => (b.pece < a.pece ? b : a));
  return [
    `NLL, a proper score, from ${span(({ NLL }) => NLL)}; DSC from ${span(({ DSC }) => DSC)}.`,
    ...(first.truth === undefined ? [] : [`Distance to the truth from ${span(({ truth }) => truth!)}.`]),
    `Temperature: ${confidence.join("; ")}. Boundary ECE from ${span(({ boundary }) => boundary)}.`,
    `The lowest pECE, ${fixed(preferred.pece, 4)}, has ${preferred.run}; calibrated predictions with its probabilities would score ${fixed(preferred.calibrated, 4)}.`,
    "Most of a pECE is no calibration error, and low confidence lowers it: do not choose a network by it.",
  ].join("\n");
}
