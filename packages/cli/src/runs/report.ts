import { basename, resolve } from "node:path";
import { type RunResult, readResults, type SavedResults } from "@pixelcal/evaluate";
import { CommandError } from "../command-error.js";
import type { Context } from "../context.js";
import { readText } from "../inputs/text-file.js";
import { writeReport } from "../write-report.js";
import { checkRunsOfReport, type ReportInputs, writeReportPage } from "./report-page.js";
import type { RunSource } from "./run-sources.js";
import { openPredictions } from "./score-predictions.js";
import { runOf } from "./statistics.js";

/** The options of `pixelcal report`. */
export interface ReportCommandOptions extends ReportInputs {
  readonly run: readonly string[];
  readonly out: string;
  readonly predictions: readonly string[];
  readonly labels?: string;
  readonly regions?: string;
  readonly heads?: true;
  readonly dataset?: string;
  readonly spacingFrom?: "sform" | "pixdim";
  readonly reorient: boolean;
  readonly json?: true;
}

/** Draws the report of saved results: one run, or two that are compared, the first one the reference. */
export async function report(
  files: readonly string[],
  options: ReportCommandOptions,
  context: Context,
): Promise<void> {
  const saved = await Promise.all(files.map(async (file) => readResults(await readText(file), file)));
  const settings = commonSettings(files, saved);
  const results = chosenRuns(files, saved, options.run);
  const sources = await sourcesOf(results, options, context);
  const { calibrators, images, training } = options;
  const inputs = { calibrators, images, training };
  const parts = { sources, settings: { ...settings, software: saved[0]!.software }, inputs };
  const written = await writeReportPage(options.out, results, parts, context);
  const cases = new Set(results.flatMap(({ evaluation }) => evaluation.rows.map(({ name }) => name))).size;
  await writeReport(
    context,
    options.json,
    { command: "report", ...written, runs: results.map(({ run }) => run), cases },
    `${written.file}: ${results.map(({ run }) => run).join(" and ")}, ${cases} ${cases === 1 ? "case" : "cases"}, ${written.pictures} in pictures\n`,
  );
}

/** Returns the settings of the results; throws if files were scored by others. */
function commonSettings(
  files: readonly string[],
  saved: readonly SavedResults[],
): Readonly<Record<string, unknown>> {
  const [first, ...others] = saved.map(({ settings }) => settings);
  for (const [i, other] of others.entries()) {
    const differing = Object.keys({ ...first, ...other }).filter(
      (key) => JSON.stringify(first![key]) !== JSON.stringify(other[key]),
    );
    const shown = differing.map(
      (key) => `${key} ${JSON.stringify(first![key])} and ${JSON.stringify(other[key])}`,
    );
    if (differing.length > 0)
      throw new CommandError(
        `${files[0]} and ${files[i + 1]} were scored by other settings: ${shown.join(", ")}; score both with the same options`,
      );
  }
  return first!;
}

/** Returns the runs named by --run, or all of one or two; equal names of two files get the file's name. */
function chosenRuns(
  files: readonly string[],
  saved: readonly SavedResults[],
  wanted: readonly string[],
): readonly RunResult[] {
  const all = saved.flatMap(({ runs }, i) => runs.map((result) => ({ result, file: basename(files[i]!) })));
  const names = all.map(({ result }) => result.run);
  const missing = wanted.find((name) => !names.includes(name));
  if (missing !== undefined)
    throw new CommandError(`--run: no run ${missing} in the results, which hold ${names.join(", ")}`, {
      exitCode: 2,
    });
  const chosen =
    wanted.length === 0 ? all : wanted.flatMap((name) => all.filter(({ result }) => result.run === name));
  checkRunsOfReport(
    chosen.map(({ result }) => result),
    "choose with --run",
  );
  const [a, b] = chosen;
  if (b === undefined || a!.result.run !== b.result.run) return chosen.map(({ result }) => result);
  return chosen.map(({ result, file }) => ({ ...result, run: `${result.run} (${file})` }));
}

/** Opens the predictions of each run: one folder a run, or one folder with a subfolder for each. */
async function sourcesOf(
  results: readonly RunResult[],
  options: ReportCommandOptions,
  context: Context,
): Promise<readonly (RunSource | undefined)[]> {
  const { predictions, images, labels } = options;
  if (predictions.length === 0) {
    if (images !== undefined || labels !== undefined)
      throw new CommandError(
        `${images === undefined ? "--labels" : "--images"}: needs --predictions, which the pictures are drawn from`,
        { exitCode: 2 },
      );
    return results.map(() => undefined);
  }
  const opened: (readonly RunSource[])[] = [];
  for (const folder of predictions)
    opened.push(await openPredictions({ ...options, predictions: resolve(folder) }, context));
  if (predictions.length === results.length && opened.every(({ length }) => length === 1))
    return opened.map(([source]) => source);
  const all = opened.flat();
  return results.map((result) => {
    const source = all.find((each) => each.run === runOf(result));
    if (source) return source;
    throw new CommandError(
      `--predictions: no predictions of ${runOf(result)}, only of ${all.map((each) => each.run).join(", ")}; name a folder for each run`,
      { exitCode: 2 },
    );
  });
}
