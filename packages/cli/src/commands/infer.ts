import { type Command, Option } from "commander";
import type { Context } from "../context.js";
import { inJob } from "../job.js";
import {
  deviceOption,
  flipAxes,
  foldList,
  foldOrAll,
  integer,
  jsonOption,
  label,
  number,
  readingOptions,
  sizes,
} from "../options.js";
import type { InferOptions } from "../runs/predict-split.js";

export function addInfer(program: Command, context: Context): void {
  const command = program
    .command("infer")
    .description(
      "Predict class probabilities of every case of a split: one .npz per case, or label maps too if the images are volumes.",
    )
    .addOption(new Option("--config <file>", "configuration file of a trained run").conflicts("model"))
    .addOption(new Option("--model <file>", "ONNX file, in place of a run").conflicts("checkpoint"))
    .addOption(
      new Option("--output <name>", "output of the model to use, if it has several").conflicts("config"),
    )
    .option(
      "--checkpoint <file>",
      "checkpoint file (default: RUNS/RUN_NAME/best.safetensors, of several networks that of each)",
    )
    .addOption(
      new Option(
        "--folds <numbers>",
        "trained folds whose probabilities are averaged, for example 0,1,2,3,4; of --split val each predicts its own cases",
      )
        .argParser(foldList)
        .conflicts(["model", "checkpoint"]),
    )
    .addOption(
      new Option(
        "--fold <fold>",
        "fold whose run, and whose cases of --split train and val, are meant; with --model the cases (default: dataset.fold)",
      )
        .argParser(foldOrAll)
        .conflicts("folds"),
    )
    .option("--runs <folder>", "folder of the runs", "runs")
    .option("--data <root>", "folder of the data set, or a data list (default: dataset.root)")
    .option("--split <name>", "subfolder of the data set", "test")
    .option("--out <folder>", "folder for the predictions (default: preds/RUN_NAME)")
    .option(
      "--tile <sizes>",
      "size of overlapping tiles in pixels, for example 160x160 (default: that of the patches it was trained with, else whole images)",
      sizes,
    )
    .option(
      "--overlap <share>",
      "share of a tile that neighbours have in common, 0 to below 1 (default: 0.5)",
      number(0, 1),
    )
    .option(
      "--flips <axes>",
      "spatial axes to mirror along, counted from 0, for example 0,1, or all, or none; the probabilities are averaged (default: as infer.flips of the configuration says, else none)",
      flipAxes,
    )
    .addOption(
      new Option(
        "--save <form>",
        "probabilities as float32 or float16, or labels for label maps alone, of volumes",
      )
        .choices(["float32", "float16", "labels"])
        .default("float32"),
    )
    .option(
      "--determine-postprocessing",
      "find where keeping only the largest component of a label raises Dice, as nnU-Net does, by a split with labels that was not trained with, for example val, with --folds those of all folds; writes RUNS/RUN_NAME/postprocessing.json, or beside --model",
    )
    .addOption(
      new Option(
        "--postprocessing [file]",
        "keep only the largest component in label maps where --determine-postprocessing found that it helps; probabilities stay as they are (default: the run's own)",
      ).conflicts("determinePostprocessing"),
    )
    .option(
      "--ignore <label>",
      "label of ignored pixels, passed through to the predictions (default: dataset.ignore)",
      label,
    )
    .option("--threads <count>", "number of processor threads (default: all)", integer(1))
    .addOption(deviceOption())
    .addOption(jsonOption())
    .action(async (options: InferOptions) =>
      inJob(context, async (own) => (await import("../runs/predict-split.js")).predictSplit(options, own)),
    );
  for (const option of readingOptions()) command.addOption(option.conflicts("config"));
}
