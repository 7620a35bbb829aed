import type { LesionConvention } from "@pixelcal/core";
import type { FurtherMetric, ProbabilityTransform } from "@pixelcal/evaluate";
import { type Command, Option } from "commander";
import type { Context } from "../context.js";
import { inJob } from "../job.js";
import {
  between,
  datasetOption,
  decisionRule,
  integer,
  jsonOption,
  label,
  number,
  numbers,
  percentile,
  reorientOption,
  someOf,
  spacingFromOption,
} from "../options.js";
import type { ScoreCommandOptions } from "../runs/score-predictions.js";

// Written out, because the package of scores is loaded only to score.
const furtherMetrics: readonly FurtherMetric[] = [
  "boundary",
  "centerline",
  "lesions",
  "risk",
  "smooth",
  "surfaces",
  "temperature",
  "tools",
  "volumes",
];

export function addEvaluate(program: Command, context: Context): void {
  program
    .command("evaluate")
    .description(
      "Score predictions: one row per run, means over its cases, sorted by DSC, runs that lack cases last.",
    )
    .requiredOption(
      "--predictions <folder>",
      "folder with one run's predictions, or with one such folder per run",
    )
    .option(
      "--labels <place>",
      "folder of label maps, or a data list that names them; --predictions then holds those of nnU-Net, a MONAI bundle or TotalSegmentator, paired by the case's name",
    )
    .addOption(datasetOption())
    .addOption(spacingFromOption())
    .addOption(reorientOption())
    .option(
      "--regions <list>",
      'regions of labels to score, each on its own, for example "WT=1+2+3,TC=2+3,ET=3", or brats2021, brats2023, kits23; "WT=mask,TC=mask,ET=mask" where .npz files hold masks',
    )
    .option("--heads", "channels of .npz predictions are sigmoid heads, one for each of --regions")
    .addOption(
      new Option(
        "--write <tool>",
        "further files beside --out: nnU-Net's summary.json, or MONAI's metrics.csv, *_raw.csv and *_summary.csv",
      ).choices(["nnunet", "monai"]),
    )
    .option(
      "--classes <count>",
      "number of classes, background included (default: that of the files)",
      integer(2),
    )
    .option("--bins <count>", "number of bins of the calibration errors", integer(1), 10)
    .option("--fp-weight <weight>", "weight of pECE's false-positive offset", number(0), 2)
    .addOption(
      new Option(
        "--convention <name>",
        "definitions of the columns: the authors' repository (reference) or corrected (consistent)",
      )
        .choices(["reference", "consistent"])
        .default("reference"),
    )
    .option("--ignore-background", "leave class 0 out of CECE", false)
    .option("--ignore <label>", "label of pixels that count in no score, for example 255", label)
    .addOption(
      new Option(
        "--both-empty <policy>",
        "scores of a region in neither mask (default: perfect with reference, else undefined)",
      ).choices(["undefined", "perfect"]),
    )
    .addOption(
      new Option(
        "--one-empty <policy>",
        "scores of a region in one mask only: Dice 0, distance infinite (worst) or the diagonal (default: worst)",
      ).choices(["worst", "diagonal", "undefined"]),
    )
    .option(
      "--tolerance <sizes>",
      "tolerance of NSD in mm (pixels with reference), or one per foreground class, for example 1,2 (default: 1)",
      numbers,
    )
    .option(
      "--percentile <percent>",
      "further percentile of the surface distances, 0 to 100, for example 99",
      percentile,
    )
    .option(
      "--nll-floor <probability>",
      "lower bound of the label's probability in NLL, for example 1e-7 (default: no bound)",
      between(0, 1),
    )
    .option(
      "--metrics <list>",
      `further columns: ${furtherMetrics.join(", ")}, for example boundary,lesions`,
      someOf(furtherMetrics),
    )
    .addOption(
      new Option(
        "--lesions <convention>",
        "definition of lesions for --metrics lesions and --decision (default: overlap)",
      ).choices(["overlap", "centroid", "brats-2023", "panoptica", "autopet"] satisfies LesionConvention[]),
    )
    .option(
      "--decision <rule>",
      "decision whose net benefit is shown: volume>V about every image, lesion>V about every predicted lesion, in mm3 (mm2, or pixels with reference)",
      decisionRule,
    )
    .addOption(transformOption("softmax", "apply softmax over the classes, if probs holds logits"))
    .addOption(
      transformOption("sigmoid", "apply the sigmoid, if probs holds one channel of logits, the foreground's"),
    )
    .addOption(transformOption("normalize", "divide probs by its sum over the classes"))
    .option("--common", "score only the cases that all runs have, with the same labels", false)
    .addOption(
      new Option(
        "--missing <policy>",
        "treatment of cases that a run lacks: fail after the table, skip them, or give them the worst scores",
      )
        .choices(["fail", "skip", "worst"])
        .default("fail"),
    )
    .option(
      "--against <run>",
      "run that the others are compared with, case by case, or a results.json of an earlier evaluation (file)",
    )
    .option("--group <column>", "column of --groups that names a case's patient, or \"sub\": BIDS' sub-NAME")
    .option("--groups <file>", "CSV or TSV file whose first column names cases; patients are drawn whole")
    .option(
      "--reporting <file>",
      "file for what this evaluation can answer of CLAIM 2024, TRIPOD+AI and Metrics Reloaded",
    )
    .option("--threads <count>", "number of processor threads (default: all)", integer(1))
    .option("--out <file>", "file for the table as CSV", "results.csv")
    .option("--report <file>", "page of one run, or of two that are compared, for example report.html")
    .option("--images <folder>", "folder of the cases' images, for the pictures of --report")
    .option("--out-json <file>", "file for the table and every case as JSON (default: beside the CSV)")
    .addOption(jsonOption())
    .action(async (options: ScoreCommandOptions) =>
      inJob(context, async (own) =>
        (await import("../runs/score-predictions.js")).scorePredictions(options, own),
      ),
    );
}

const transforms: readonly ProbabilityTransform[] = ["softmax", "sigmoid", "normalize"];

/** Returns one of the options that convert values to probabilities; they exclude each other. */
function transformOption(name: ProbabilityTransform, description: string): Option {
  const others = transforms.filter((other) => other !== name);
  return new Option(`--${name}`, description).conflicts([...others]);
}
