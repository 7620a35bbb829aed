import { rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { formatJson, type RunResult, runReports } from "@pixelcal/evaluate";
import { writeFileAtomic } from "@pixelcal/io";
import { phantomClasses } from "@pixelcal/phantom";
import { CommandError } from "../command-error.js";
import type { Context } from "../context.js";
import { type DataShape, describeData } from "../inputs/data-shape.js";
import { checkReplaceable, type Replaceable } from "../replace-folder.js";
import { duration } from "../terminal.js";
import { writeReport } from "../write-report.js";
import { type ComparisonSettings, compare, comparisonConfigs } from "./compare.js";
import { demoRows, demoTable, demoWords } from "./demo-table.js";
import { evaluateRuns, writeResults } from "./evaluate.js";
import { type PhantomData, writePhantomData } from "./phantoms.js";
import { predictionsTemperature } from "./predictions-temperature.js";
import { ownRun } from "./run-sources.js";
import { truthColumn, withTruth } from "./truth.js";

/** The options of `pixelcal demo`. */
export interface DemoOptions {
  readonly quick: boolean;
  readonly data?: string;
  readonly classes?: number;
  readonly out: string;
  readonly epochs?: number;
  readonly base?: number;
  readonly batch?: number;
  readonly methods?: readonly string[];
  readonly seed: number;
  readonly threads?: number;
  readonly ignore?: number;
  readonly json?: true;
}

interface Plan {
  readonly phantoms: Omit<PhantomData, "seed">;
  readonly base: number;
  readonly epochs: number;
  readonly batchSize: number;
  /** The methods to compare where none are named. */
  readonly methods: readonly string[];
}

// Many cases and few epochs: networks converge to what their losses ask for, and do not learn cases by heart.
// With these sizes all methods take about 7 minutes, or 1.5, on two cores.
const full: Plan = {
  phantoms: { cases: { train: 480, val: 24, test: 48 }, size: [96, 96] },
  base: 8,
  epochs: 8,
  batchSize: 4,
  methods: ["dicece", "dicece-0.25", "ce", "nacl", "sdc-reference", "sdc", "proper"],
};
const quick: Plan = {
  phantoms: { cases: { train: 320, val: 12, test: 24 }, size: [64, 64] },
  base: 8,
  epochs: 10,
  batchSize: 4,
  methods: ["dicece", "ce", "sdc", "proper"],
};
const learningRate = 5e-3;

// A demo replaces an earlier demo and nothing else.
const marker = "demo.json";
const produced = ["runs", "preds", "results.csv", "results.json"];
const earlier: Replaceable = { what: "earlier demo", matches: (names) => names.includes(marker) };

/** Generates data or takes the user's, trains, predicts and scores every method, and prints the table. */
export async function demo(options: DemoOptions, context: Context): Promise<void> {
  const { terminal } = context;
  const begun = terminal.now();
  await checkReplaceable(options.out, earlier);
  const { json, ...recorded } = options;
  const plan = options.quick ? quick : full;
  const { seed, methods = plan.methods, out, threads, ignore } = options;
  const generated = options.data === undefined;
  const root = resolve(options.data ?? join(out, "data"));
  const own = generated ? undefined : await shapeOf(root, options);
  const settings: ComparisonSettings = {
    methods: [...new Set(methods)],
    base: options.base ?? plan.base,
    epochs: options.epochs ?? plan.epochs,
    batchSize: options.batch ?? plan.batchSize,
    learningRate,
    seed,
    threads,
    ignore,
  };
  // Checked first: an unsuitable method must not be found only after the others are trained.
  if (own !== undefined) comparisonConfigs(root, own, settings);
  for (const name of produced) await rm(join(out, name), { recursive: true, force: true });
  await writeFileAtomic(join(out, marker), formatJson(recorded));
  if (generated) {
    const { train, val, test } = plan.phantoms.cases;
    terminal.line(
      `Generating ${train} + ${val} + ${test} phantoms of ${plan.phantoms.size?.join("x")} pixels`,
    );
    await writePhantomData(root, { ...plan.phantoms, seed }, context);
  }
  // Phantoms have four classes whether or not each occurs.
  const shape = own ?? { ...(await describeData(root)), classes: phantomClasses.length };
  const { cases, classes, rank } = shape;
  terminal.line(
    `${cases.train} cases to train, ${cases.val} to validate, ${cases.test} to test, ${classes} classes; ` +
      `U-Net ${rank}-D base ${settings.base}, ${settings.epochs} epochs, the same weights and batches for every method`,
  );
  const folders = await compare(root, shape, settings, out, context);
  const runs = await Promise.all(folders.map(({ run, path }) => ownRun(run, path)));
  // The demo is one process, which has the results.
  const scored = (await evaluateRuns(runs, { classes, ignore }, context))!;
  const results = generated
    ? await Promise.all(scored.map((result) => addTruth(result, folders, root)))
    : scored;
  const files = { csv: join(out, "results.csv"), json: join(out, "results.json") };
  const scoring = { ...settings, root, convention: "reference" } as const;
  await writeResults(results, scoring, files);
  const fitted = folders.map(async ({ run, path }) => {
    const { rows } = results.find((result) => result.run === run)!.evaluation;
    const names = rows.map(({ name }) => name);
    return [run, await predictionsTemperature(path, names, { classes, ignore })] as const;
  });
  const rows = demoRows(results, new Map(await Promise.all(fitted)));
  const seconds = (terminal.now() - begun) / 1000;
  await writeReport(
    context,
    json,
    { command: "demo", out, seconds, files, settings: scoring, runs: runReports(results) },
    `\nTest split, ${cases.test} cases:\n\n${demoTable(rows)}\n${demoWords(rows)}\n` +
      `${legend(generated, out, files)}\n${settings.methods.length} methods in ${duration(seconds)}.\n`,
  );
}

async function shapeOf(root: string, { classes, ignore }: DemoOptions): Promise<DataShape> {
  const shape = await describeData(root, ignore);
  if (classes !== undefined && classes < shape.classes) {
    throw new CommandError(`--classes: ${classes}, but ${root} has labels up to ${shape.classes - 1}`, {
      exitCode: 2,
    });
  }
  return { ...shape, classes: classes ?? shape.classes };
}

function addTruth(
  result: RunResult,
  folders: readonly { run: string; path: string }[],
  root: string,
): Promise<RunResult> {
  const { path } = folders.find(({ run }) => run === result.run)!;
  return withTruth(result, path, join(root, "test"));
}

function legend(generated: boolean, out: string, { csv, json }: { csv: string; json: string }): string {
  const truth = generated
    ? `${truthColumn}: sum_c |p_c - t_c| / 2, mean over pixels, t the true probabilities that labels were drawn from.\n`
    : "";
  return `
NLL, fpBrier (both proper scores: least at the truth), DSC and pECE are means over cases. ECE of the top label and boundary
ECE, within 3 pixels of the predicted boundary, are of all pixels, as is the temperature that the labels ask for: above 1 the
network is over-confident. "if calibrated" is the pECE of calibrated predictions with the same probabilities.
${truth}
Table        ${csv}, ${json}
Predictions  ${join(out, "preds")}/METHOD/*.npz
Models       ${join(out, "runs")}/METHOD/model.onnx, with config.json, log.csv and checkpoints beside
`;
}
