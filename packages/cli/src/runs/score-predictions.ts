import { dirname, join, resolve } from "node:path";
import { type Region, setThreadCount } from "@pixelcal/core";
import {
  caseSets,
  comparisonText,
  decisionText,
  differences,
  type EvaluationConvention,
  emptyPolicyOf,
  formatJson,
  intervalsText,
  monaiReports,
  paperColumns,
  parseRegions,
  probabilityTransforms,
  type RunResult,
  reporting,
  resultsText,
  runReports,
  type Shown,
  someOf,
} from "@pixelcal/evaluate";
import { haveMasks, writeFilesAtomic } from "@pixelcal/io";
import { CommandError } from "../command-error.js";
import type { Context } from "../context.js";
import { hardLabels } from "../inputs/prediction-types.js";
import { writeReport } from "../write-report.js";
import { agreed } from "./agreement.js";
import { evaluateRuns, predictionFolders, software, writeResults } from "./evaluate.js";
import { checkOneRun, openLabelledRuns, writeNnunetSummary } from "./nnunet-runs.js";
import type { WrittenReport } from "./report-page.js";
import { type LabelledRun, ownRun, type RunSource, type ScoreSettings } from "./run-sources.js";
import {
  comparisonsAgainst,
  grouping,
  openAgainst,
  runOf,
  type StatisticsCommandOptions,
  withStatistics,
} from "./statistics.js";

/** The options of `pixelcal evaluate`. */
export interface ScoreCommandOptions extends StatisticsCommandOptions {
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
  readonly metrics?: ScoreSettings["metrics"];
  readonly lesions?: ScoreSettings["lesions"];
  readonly decision?: string;
  readonly common: boolean;
  readonly missing: "fail" | "skip" | "worst";
  readonly labels?: string;
  readonly dataset?: string;
  readonly spacingFrom?: "sform" | "pixdim";
  readonly reorient: boolean;
  readonly regions?: string;
  readonly heads?: true;
  readonly write?: "nnunet" | "monai";
  readonly report?: string;
  readonly images?: string;
  readonly softmax?: boolean;
  readonly sigmoid?: boolean;
  readonly normalize?: boolean;
  readonly threads?: number;
  readonly out: string;
  readonly outJson?: string;
  readonly json?: true;
}

/** Returns the paper's columns, and those that a given option concerns. */
function shownColumns({
  tolerance,
  percentile: share = 95,
  nllFloor,
  metrics = [],
}: ScoreSettings): readonly Shown[] {
  return [
    ...paperColumns,
    // A pECE alone says little: calibrated predictions have one too, and less confidence can lower it.
    ["pECE if calibrated", 4],
    ["pECE excess", 4],
    ["boundary ECE", 4],
    ["fpBrier", 4],
    ...(share === 95 ? [] : [[`HD${share}`, 2] as const]),
    ...(tolerance === undefined ? [] : [["NSD", 4] as const]),
    ...(nllFloor === undefined ? [] : [["NLL", 4] as const]),
    ...metrics.flatMap((name) => columnsOfMetric[name]),
  ];
}

// The first columns of each family; files have them all.
const columnsOfMetric: Readonly<Record<NonNullable<ScoreSettings["metrics"]>[number], readonly Shown[]>> = {
  boundary: [["boundary gap", 4]],
  centerline: [["clDice", 4]],
  lesions: [
    ["lesion F1", 4],
    ["lesion Dice", 4],
  ],
  risk: [["AUGRC", 4]],
  smooth: [["smECE", 4]],
  surfaces: [["MASD", 2]],
  temperature: [["temperature", 2]],
  tools: [["ECE torchmetrics", 4]],
  volumes: [["relative volume difference", 4]],
};

/** Scores the predictions of one run or of several, writes the table and prints it. */
export async function scorePredictions(options: ScoreCommandOptions, context: Context): Promise<void> {
  const { classes, bins, convention, ignoreBackground, ignore, out } = options;
  if (options.threads !== undefined) setThreadCount(options.threads);
  const json = options.outJson ?? `${out.replace(/\.csv$/, "")}.json`;
  if (resolve(json) === resolve(out))
    throw new CommandError(`--out-json: expected another file than --out, got ${json}`, { exitCode: 2 });
  const regions = options.regions === undefined ? undefined : parseRegions(options.regions);
  const labelled = await labelledRuns(options, regions, context);
  const runs = labelled ?? (await ownRuns(options, regions, context));
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
    metrics: options.metrics,
    lesions: options.lesions,
    decision: options.decision,
    transform,
  };
  const { common, missing } = options;
  const folder = dirname(resolve(out));
  const summary = options.write === "nnunet" ? join(folder, "summary.json") : undefined;
  const summarized = summary === undefined ? undefined : checkOneRun(labelled ?? []);
  const grouped = await grouping(options);
  const names = runs.map(({ run }) => run);
  const against = await openAgainst(options.against, names, grouped);
  const { world } = context;
  const described = {
    versions: software(),
    settings,
    runs: runs.map(({ run, layout, cases }) => ({ run, layout, cases })),
  };
  await agreed(
    world,
    async () => runs,
    async () => described,
  );
  const scored = await evaluateRuns(runs, settings, context, { common, worst: missing === "worst" });
  // The first process writes for all.
  if (scored === undefined) return;
  const results = await withStatistics(scored.map(grouped), context);
  if (missing === "worst") warnOfWorst(runs, context);
  const shown = shownColumns(settings);
  const comparisons = await comparisonsAgainst(
    against(results),
    results,
    shown.map(([column]) => column),
    context,
  );
  const lines = differences(results);
  for (const line of lines) context.terminal.warn(line);
  const files = { csv: out, json, ...(summary === undefined ? {} : { summary }) };
  if (summarized && summary !== undefined) await writeNnunetSummary(summarized, summary, context);
  if (options.write === "monai") await writeMonaiReports(results, folder);
  await writeResults(results, { ...settings, common }, files);
  if (options.reporting !== undefined) {
    const compared = comparisons.length > 0;
    const answers = reporting({
      results,
      settings: { ...settings, missing },
      software: software(),
      compared,
    });
    await writeFilesAtomic([[options.reporting, formatJson(answers)]]);
  }
  const report = await drawn(results, runs, { ...settings, common }, options, context);
  const tables = [
    resultsText(results, shown),
    intervalsText(results, paperColumns),
    decisionText(results),
    ...comparisons.map((comparison) => comparisonText(comparison, shown)),
  ];
  await writeReport(
    context,
    options.json,
    {
      command: "evaluate",
      files,
      settings: { ...settings, common },
      differences: lines,
      runs: runReports(results),
      ...(comparisons.length > 0 && { comparisons }),
      ...(report && { report }),
    },
    `${tables.filter((text) => text !== "").join("\n")}\n${out} and ${json} hold all columns (convention ${convention})\n${summary === undefined ? "" : `${summary} is nnU-Net's summary of the label maps\n`}${report === undefined ? "" : `${report.file} is the report\n`}`,
  );
  if (lines.length > 0 && !common && missing === "fail")
    throw new CommandError(
      "runs do not hold the same cases: --missing skip takes each run's own, --missing worst gives the others the worst scores, --common compares those that all have",
    );
}

/**
 * Draws the report of one run or two; --against, else the first by name, is the reference. Undefined without
 * --report.
 */
async function drawn(
  results: readonly RunResult[],
  runs: readonly RunSource[],
  settings: Readonly<Record<string, unknown>>,
  { report, images, against }: ScoreCommandOptions,
  context: Context,
): Promise<WrittenReport | undefined> {
  if (report === undefined) return undefined;
  const { checkRunsOfReport, writeReportPage } = await import("./report-page.js");
  checkRunsOfReport(results, "pixelcal report RESULTS.json --run NAME draws the ones that it names");
  const place = (result: RunResult): string => (runOf(result) === against ? "" : result.run);
  const ordered = results.toSorted((a, b) => (place(a) < place(b) ? -1 : 1));
  const sources = ordered.map((result) => runs.find(({ run }) => run === runOf(result)));
  return writeReportPage(report, ordered, { sources, settings, inputs: { images } }, context);
}

/** The options that decide how predictions are opened. */
export type PredictionOptions = Pick<
  ScoreCommandOptions,
  "predictions" | "labels" | "dataset" | "spacingFrom" | "reorient" | "regions" | "heads" | "write"
>;

/** Opens the predictions of one run or several, nnU-Net's with --labels. */
export async function openPredictions(
  options: PredictionOptions,
  context: Context,
): Promise<readonly RunSource[]> {
  const regions = options.regions === undefined ? undefined : parseRegions(options.regions);
  return (await labelledRuns(options, regions, context)) ?? ownRuns(options, regions, context);
}

/** Opens the runs that --labels pairs with labels; undefined without that option. */
async function labelledRuns(
  { labels, dataset, predictions, heads, write, spacingFrom, reorient }: PredictionOptions,
  regions: readonly Region[] | undefined,
  context: Context,
): Promise<readonly LabelledRun[] | undefined> {
  if (labels === undefined) {
    const needs = [
      ...(write === "nnunet" ? ["--write nnunet"] : []),
      ...(dataset === undefined ? [] : ["--dataset"]),
      ...(spacingFrom === undefined ? [] : ["--spacing-from"]),
      ...(reorient ? ["--reorient"] : []),
    ];
    if (needs.length === 0) return undefined;
    throw new CommandError(`${needs[0]}: needs --labels, the folder of label maps`, { exitCode: 2 });
  }
  if (heads && !haveMasks(regions))
    throw new CommandError("--heads: is for .npz predictions; beside --labels dataset.json says it", {
      exitCode: 2,
    });
  const places = {
    labels: resolve(labels),
    ...(dataset === undefined ? {} : { dataset: resolve(dataset) }),
    spacingFrom,
    reorient,
  };
  const runs = await openLabelledRuns(resolve(predictions), { ...places, regions }, context);
  const hard = runs.find(({ probabilities }) => !probabilities);
  if (hard) throw hardLabels(hard.run);
  return runs;
}

async function ownRuns(
  { predictions, heads }: Pick<ScoreCommandOptions, "predictions" | "heads">,
  regions: readonly Region[] | undefined,
  { terminal }: Pick<Context, "terminal">,
): Promise<readonly RunSource[]> {
  if (heads && regions === undefined)
    throw new CommandError("--heads: needs --regions, one for each channel", { exitCode: 2 });
  if (!heads && haveMasks(regions))
    throw new CommandError("--regions: masks need --heads, as no class is a region's", { exitCode: 2 });
  const folders = await predictionFolders(resolve(predictions), (text) => terminal.warn(text));
  const runs = await Promise.all(
    folders.map(({ run, path }) =>
      ownRun(run, path, { ...(regions && { regions }), ...(heads && { heads }) }),
    ),
  );
  for (const { run, layout } of runs) terminal.line(`${run}: ${layout}`);
  return runs;
}

/** Writes the files of MONAI's `write_metrics_reports` for one row of the table. */
async function writeMonaiReports(results: readonly RunResult[], folder: string): Promise<void> {
  const [result, ...others] = results;
  if (!result || others.length > 0)
    throw new CommandError(
      `--write monai: expected one run without regions, got ${results.map(({ run }) => run).join(", ")}`,
      { exitCode: 2 },
    );
  const files = monaiReports(result.evaluation);
  await writeFilesAtomic(files.map(([name, text]) => [join(folder, name), text] as const));
}

/** Names the cases with the worst scores. */
function warnOfWorst(runs: readonly RunSource[], { terminal }: Pick<Context, "terminal">): void {
  const { all } = caseSets(runs.map(({ run, cases, missing }) => ({ run, cases: [...cases, ...missing] })));
  for (const { run, cases } of runs) {
    const lacks = all.filter((name) => !cases.includes(name));
    const count = `${lacks.length} ${lacks.length === 1 ? "case" : "cases"}`;
    if (lacks.length > 0) terminal.warn(`${run} lacks ${count}, scored as the worst: ${someOf(lacks, 10)}`);
  }
}
