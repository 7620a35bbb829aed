import { resolve } from "node:path";
import {
  differences,
  type EvaluationConvention,
  emptyPolicyOf,
  type ProbabilityTransform,
  paperColumns,
  probabilityTransforms,
  resultsText,
  type Shown,
} from "@pixelcal/evaluate";
import { type Command, Option } from "commander";
import { CommandError } from "../command-error.js";
import type { Context } from "../context.js";
import { between, integer, label, number, numbers, percentile } from "../options.js";
import { evaluateRuns, predictionFolders, type ScoreSettings, writeResults } from "../runs/evaluate.js";

interface Options {
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
  readonly out: string;
  readonly json?: string;
}

export function addEvaluate(program: Command, context: Context): void {
  program
    .command("evaluate")
    .description(
      "Score predictions: one row a run, the means over its cases, sorted by DSC, runs that lack cases last.",
    )
    .requiredOption("--predictions <folder>", "one run's predictions, or a folder of such folders")
    .option("--classes <count>", "background included (default: as the files have)", integer(2))
    .option("--bins <count>", "bins of the calibration errors", integer(1), 10)
    .option("--fp-weight <weight>", "weight of the false-positive offset of pECE", number(0), 2)
    .addOption(
      new Option("--convention <name>", "what the columns mean: the authors' repository, or corrected")
        .choices(["reference", "consistent"])
        .default("reference"),
    )
    .option("--ignore-background", "leave class 0 out of CECE", false)
    .option("--ignore <label>", "label of pixels that count in nothing, 255 for example", label)
    .addOption(
      new Option(
        "--both-empty <policy>",
        "scores of a region in neither mask (default: perfect in reference, else undefined)",
      ).choices(["undefined", "perfect"]),
    )
    .addOption(
      new Option(
        "--one-empty <policy>",
        "scores of a region in one mask: Dice 0 and an infinite distance (worst, the default), or the diagonal",
      ).choices(["worst", "diagonal", "undefined"]),
    )
    .option(
      "--tolerance <sizes>",
      "tolerance of NSD in mm (pixels in reference), or one per foreground class: 1,2 (default: 1)",
      numbers,
    )
    .option(
      "--percentile <share>",
      "adds the surface distance at this percentile, 99 for example",
      percentile,
    )
    .option(
      "--nll-floor <chance>",
      "lower bound of the label's probability in NLL, 1e-7 for example",
      between(0, 1),
    )
    .addOption(transformOption("softmax", "probs holds logits: take their softmax over the classes"))
    .addOption(transformOption("sigmoid", "probs holds one channel of logits, the foreground's"))
    .addOption(transformOption("normalize", "divide probs by its sum over the classes"))
    .option("--common", "score only the cases that all runs have, with the same labels", false)
    .addOption(
      new Option(
        "--missing <what>",
        "runs that lack cases of others: fail after the table, or skip the cases",
      )
        .choices(["fail", "skip"])
        .default("fail"),
    )
    .option("--out <file>", "the table as CSV", "results.csv")
    .option("--json <file>", "the table and every case as JSON (default: beside the CSV)")
    .action((options: Options) => evaluation(options, context));
}

/** The paper's columns, and those that an option is about. */
function shownColumns({ tolerance, percentile: share = 95, nllFloor }: ScoreSettings): readonly Shown[] {
  return [
    ...paperColumns,
    ...(share === 95 ? [] : [[`HD${share}`, 2] as const]),
    ...(tolerance === undefined ? [] : [["NSD", 4] as const]),
    ...(nllFloor === undefined ? [] : [["NLL", 4] as const]),
  ];
}

/** One of the options that make probabilities of the values; they exclude each other. */
function transformOption(name: ProbabilityTransform, description: string): Option {
  const others = probabilityTransforms.filter((other) => other !== name);
  return new Option(`--${name}`, description).conflicts([...others]);
}

async function evaluation(options: Options, context: Context): Promise<void> {
  const { classes, bins, convention, ignoreBackground, ignore, out } = options;
  const json = options.json ?? `${out.replace(/\.csv$/, "")}.json`;
  if (resolve(json) === resolve(out))
    throw new CommandError(`--json: expected another file than --out, got ${json}`, { exitCode: 2 });
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
  await writeResults(results, { ...settings, common }, { csv: out, json });
  context.output.write(
    `${resultsText(results, shownColumns(settings))}\n${out} and ${json} hold all columns (convention ${convention})\n`,
  );
  if (lines.length > 0 && !common && missing === "fail")
    throw new CommandError(
      "runs do not hold the same cases: --common compares those that all have, --missing skip each run's own",
    );
}
