import type { CalibratorSelection } from "@pixelcal/core";
import type { AnyFit } from "@pixelcal/train";
import type { CalibrateReport, CalibrationTable } from "../reports.js";

/** The results of a calibration, apart from its files. */
export type CalibrationFacts = Omit<
  CalibrateReport,
  "command" | "model" | "predictions" | "out" | "split" | "clipped"
>;

interface Fitted {
  readonly output?: string;
  readonly fits: readonly AnyFit[];
  readonly data: string;
}

const isSelection = (fit: AnyFit): fit is CalibratorSelection => "candidates" in fit;

/** Returns the results of a calibration as the report has them. */
export function calibrationFacts(
  { output, fits, data }: Fitted,
  settings: { readonly method: string; readonly fitOn: string; readonly cases: number },
): CalibrationFacts {
  return {
    ...(output !== undefined && { output }),
    requested: settings.method,
    method: fits.map(({ calibrator }) => calibrator.name).join(", "),
    fitOn: settings.fitOn,
    cases: settings.cases,
    data,
    fits: fits.map((fit) => ({
      method: fit.calibrator.name,
      keepsLabels: fit.calibrator.keepsLabels,
      pixels: fit.pixels,
      nll: fit.nll,
      calibrator: fit.calibrator.toJSON(),
      ...(isSelection(fit) && { table: tableOf(fit), folds: fit.folds, groups: fit.groups }),
    })),
    warnings: [...new Set(fits.flatMap(({ warnings }) => warnings))],
  };
}

const changing: ReadonlySet<string> = new Set(["vector", "beta", "isotonic", "dirichlet"]);

/** Returns the table of the candidates: mean NLL of cases that were held out. */
function tableOf({ candidates }: CalibratorSelection): CalibrationTable {
  return {
    columns: [{ name: "NLL", better: "lower" }],
    rows: candidates.map(({ name, floor, nll, difference, chosen }) => ({
      method: floor ? `${name} + floor` : name,
      values: [nll],
      best: chosen,
      difference: difference.mean,
      interval: [difference.low, difference.high],
      labelsChanged: changing.has(name),
    })),
  };
}

/** Returns the report as text. */
export function describeCalibration(report: CalibrateReport): string {
  const { output, fits, fitOn, cases, split, out, clipped = 0 } = report;
  const rows: [string, string][] = [];
  rows.push(["cases", `${cases}${split === undefined ? "" : ` of ${split}`}, pixels: ${fitOn}`]);
  for (const [channel, { method, nll, pixels, table }] of fits.entries()) {
    const where = fits.length > 1 ? ` of channel ${channel}` : "";
    rows.push([
      "calibrator",
      `${method}${where}; NLL ${nll.before.toFixed(4)} -> ${nll.after.toFixed(4)} on ${pixels.toLocaleString("en")} pixels`,
    ]);
    for (const row of table?.rows ?? []) rows.push(["candidate", candidate(row)]);
  }
  if (clipped > 0) rows.push(["clipped", `${(100 * clipped).toPrecision(2)} % of the probabilities to 1e-7`]);
  rows.push(["written", output === undefined ? out : `${out}, output ${output}`]);
  const width = Math.max(...rows.map(([title]) => title.length));
  return rows.map(([title, text]) => `${title.padEnd(width)}  ${text}\n`).join("");
}

function candidate({
  method,
  values,
  best,
  difference,
  interval,
  labelsChanged,
}: CalibrationTable["rows"][number]): string {
  const signed = (value: number): string => `${value < 0 ? "" : "+"}${value.toFixed(4)}`;
  const [low, high] = interval ?? [];
  const range = low === undefined || high === undefined ? "" : ` [${signed(low)}, ${signed(high)}]`;
  const paired = difference === undefined ? "" : `, ${signed(difference)}${range} against the best`;
  const mark = best ? " <- chosen" : labelsChanged ? " (may change labels)" : "";
  return `${method.padEnd(24)} held-out NLL ${values[0]!.toFixed(4)}${paired}${mark}`;
}
