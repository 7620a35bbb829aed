import type { ProbabilityTransform } from "@pixelcal/evaluate";
import { type Command, Option } from "commander";
import type { Context } from "../context.js";
import { between, integer, label, number, numbers, percentile } from "../options.js";
import type { ScoreCommandOptions } from "../runs/score-predictions.js";

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
    .option("--threads <count>", "processor threads of the kernels (default: all)", integer(1))
    .option("--out <file>", "the table as CSV", "results.csv")
    .option("--json <file>", "the table and every case as JSON (default: beside the CSV)")
    .action(async (options: ScoreCommandOptions) =>
      (await import("../runs/score-predictions.js")).scorePredictions(options, context),
    );
}

const transforms: readonly ProbabilityTransform[] = ["softmax", "sigmoid", "normalize"];

/** One of the options that make probabilities of the values; they exclude each other. */
function transformOption(name: ProbabilityTransform, description: string): Option {
  const others = transforms.filter((other) => other !== name);
  return new Option(`--${name}`, description).conflicts([...others]);
}
