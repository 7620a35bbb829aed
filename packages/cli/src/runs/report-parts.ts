import { existsSync } from "node:fs";
import { join } from "node:path";
import type { ReportParts } from "@pixelcal/evaluate";
import { FormatError } from "@pixelcal/io";
import { readText } from "../inputs/text-file.js";
import type { CalibrationTable } from "../reports.js";
import { memberFolder } from "./member-folders.js";

type Training = NonNullable<ReportParts["training"]>;
type Calibrators = NonNullable<ReportParts["calibrators"]>;

/** The columns of a run's log.csv that are drawn, by their names in the report. */
const curves = {
  train_loss: "training loss",
  validation_loss: "validation loss",
  validation_dice: "validation Dice",
  validation_nll: "validation NLL",
} as const;

/** Reads the curves of a training run from its log.csv: of several networks those of the first. */
export async function trainingCurves(folder: string): Promise<Training> {
  const first = join(memberFolder(folder, 1), "log.csv");
  const path = existsSync(first) ? first : join(folder, "log.csv");
  const [header = "", ...lines] = (await readText(path)).trimEnd().split("\n");
  const columns = header.split(",");
  if (!columns.includes("epoch") || lines.length === 0)
    throw new FormatError(path, "epoch", "expected the log of a training run with an epoch or more");
  const rows = lines.map((line) => line.split(",").map((text) => (text === "" ? Number.NaN : Number(text))));
  const valuesOf = (column: string): readonly number[] => rows.map((row) => row[columns.indexOf(column)]!);
  return {
    epochs: valuesOf("epoch"),
    series: Object.entries(curves)
      .filter(([column]) => columns.includes(column))
      .map(([column, name]) => ({ name, values: valuesOf(column) })),
  };
}

/** Reads the table of candidates that `pixelcal calibrate --method auto --json` printed. */
export async function calibratorTable(path: string): Promise<Calibrators> {
  let report: { fits?: readonly { table?: CalibrationTable }[] };
  try {
    report = JSON.parse(await readText(path));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new FormatError(path, undefined, "expected the JSON of pixelcal calibrate --json", {
      cause: error,
    });
  }
  const table = report?.fits?.find((fit) => fit?.table)?.table;
  if (!Array.isArray(table?.columns) || !Array.isArray(table?.rows))
    throw new FormatError(
      path,
      "fits",
      "has no table of candidates; save what pixelcal calibrate --method auto --json prints",
    );
  return {
    columns: table.columns,
    reference: "the best",
    rows: table.rows.map(({ method, values, best, difference, interval, labelsChanged }) => ({
      method,
      values: values.map((value: number | null) => value ?? Number.NaN),
      chosen: best,
      changesLabels: labelsChanged,
      ...(difference !== undefined && interval
        ? { difference: { value: difference, low: interval[0], high: interval[1] } }
        : {}),
    })),
  };
}
