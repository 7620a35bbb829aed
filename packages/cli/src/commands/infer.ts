import { type Command, Option } from "commander";
import type { Context } from "../context.js";
import { deviceOption, integer, label, number, sizes } from "../options.js";
import type { InferOptions } from "../runs/predict-split.js";

export function addInfer(program: Command, context: Context): void {
  program
    .command("infer")
    .description("Predict class probabilities of every case of a split, one .npz a case.")
    .addOption(new Option("--config <file>", "configuration of a trained run").conflicts("model"))
    .addOption(new Option("--model <file>", "ONNX model, in place of a run").conflicts("checkpoint"))
    .addOption(new Option("--output <name>", "of the model, where it has several").conflicts("config"))
    .option("--checkpoint <file>", "in place of RUNS/RUN_NAME/best.safetensors")
    .option("--runs <folder>", "where runs are kept", "runs")
    .option("--data <root>", "data set, in place of dataset.root")
    .option("--split <name>", "sub-folder of the data set", "test")
    .option("--out <folder>", "where the predictions go (default: preds/RUN_NAME)")
    .option("--tile <sizes>", "predict overlapping tiles, for example 160x160", sizes)
    .option("--overlap <share>", "of neighbouring tiles (default: 0.5)", number(0, 1))
    .option("--ignore <label>", "label that is passed through (default: dataset.ignore)", label)
    .option("--threads <count>", "processor threads (default: all)", integer(1))
    .addOption(deviceOption())
    .action(async (options: InferOptions) =>
      (await import("../runs/predict-split.js")).predictSplit(options, context),
    );
}
