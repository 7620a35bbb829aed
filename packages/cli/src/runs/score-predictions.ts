import { resolve } from "node:path";
import { setThreadCount } from "@pixelcal/core";
import {
  differences,
  type EvaluationConvention,
  emptyPolicyOf,
  paperColumns,
  probabilityTransforms,
  resultsText,
  runReports,
  type Shown,
} from "@pixelcal/evaluate";
import { CommandError } from "../command-error.js";
import type { Context } from "../context.js";
import { writeReport } from "../write-report.js";
import { evaluateRuns, predictionFolders, type ScoreSettings, writeResults } from "./evaluate.js";

/** The options of `pixelcal evaluate`. */
export interface ScoreCommandOptions {
  readonly predictions: string;
  readonly classes?: number;
  readonly bins: number;
  readonly fpWeight: number;
  readonly convention: EvaluationConvention;
  readonly ignoreBackground: boolean;
  readonly ignore?: number;
  readonly bothEmpty?: ScoreSettings["bothEmpty"];
  readonly oneEmpty?: ScoreSettings["oneEmpty"];
  readonly tolerance?: number | readonly number[];
  readonly percentile?: number;
  readonly nllFloor?: number;
  readonly common: boolean;
  readonly missing: "fail" | "skip";
  readonly softmax?: boolean;
  readonly sigmoid?: boolean;
  readonly normalize?: boolean;
  readonly threads?: number;
  readonly out: string;
  readonly outJson?: string;
  readonly json?: true;
}

/** Returns the paper's columns, and those that a given option concerns. */
function shownColumns({ tolerance, percentile: share = 95, nllFloor }: ScoreSettings): readonly Shown[] {
  return [
    ...paperColumns,
    // A pECE alone says little: calibrated predictions have one too, and less confidence can lower it.
    ["pECE if calibrated", 4],
    ["pECE excess", 4],
    ["fpBrier", 4],
    ...(share === 95 ? [] : [[`HD${share}`, 2] as const]),
    ...(tolerance === undefined ? [] : [["NSD", 4] as const]),
    ...(nllFloor === undefined ? [] : [["NLL", 4] as const]),
  ];
}

/** Scores the predictions of one run or of several, writes the table and prints it. */
export async function scorePredictions(options: ScoreCommandOptions, context: Context): Promise<void> {
  const { classes, bins, convention, ignoreBackground, ignore, out } = options;
  if (options.threads !== undefined) setThreadCount(options.threads);
  const json = options.outJson ?? `${out.replace(/\.csv$/, "")}.json`;
  if (resolve(json) === resolve(out))
    throw new CommandError(`--out-json: expected another file than --out, got ${json}`, { exitCode: 2 });
  const runs = await predictionFolders(resolve(options.predictions), (text) => context.terminal.warn(text));
  const transform = probabilityTransforms.find((name) => options[name] === true);
  const settings = {
    classes,
    bins,
    falsePositiveWeight: options.fpWeight,
    convention,
    ignoreBackground,
    ignore,
    ...emptyPolicyOf(options),
    tolerance: options.tolerance,
    percentile: options.percentile,
    nllFloor: options.nllFloor,
    transform,
  };
  const { common, missing } = options;
  const results = await evaluateRuns(runs, settings, context, { common });
  const lines = differences(results);
  for (const line of lines) context.terminal.warn(line);
  const files = { csv: out, json };
  await writeResults(results, { ...settings, common }, files);
  await writeReport(
    context,
    options.json,
    {
      command: "evaluate",
      files,
      settings: { ...settings, common },
      differences: lines,
      runs: runReports(results),
    },
    `${resultsText(results, shownColumns(settings))}\n${out} and ${json} hold all columns (convention ${convention})\n`,
  );
  if (lines.length > 0 && !common && missing === "fail")
    throw new CommandError(
      "runs do not hold the same cases: --common compares the cases that all have, --missing skip takes each run's own",
    );
}
