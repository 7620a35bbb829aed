import type { Command } from "commander";
import type { Context } from "../context.js";
import { datasetOption, jsonOption, reorientOption, spacingFromOption } from "../options.js";
import type { ReportCommandOptions } from "../runs/report.js";

export function addReport(program: Command, context: Context): void {
  program
    .command("report")
    .description("Draw saved results as one HTML page: one run, or two that are compared case by case.")
    .argument("<results...>", "JSON files that evaluate wrote; of two runs the first is the reference")
    .option(
      "--run <name>",
      "run to show, in their order, if the results hold others too (repeatable)",
      collected,
      [],
    )
    .option("--out <file>", "file for the page", "report.html")
    .option(
      "--predictions <folder>",
      "folder with the predictions, for pictures of the worst cases (repeatable, one for each run)",
      collected,
      [],
    )
    .option(
      "--labels <place>",
      "folder of label maps, or a data list that names them; --predictions then holds nnU-Net's",
    )
    .option(
      "--regions <regions>",
      "regions of the results, for pictures, as given to evaluate: for example WT=1+2+3,TC=2+3,ET=3",
    )
    .option("--heads", "channels are sigmoid heads, as given to evaluate")
    .addOption(datasetOption())
    .addOption(spacingFromOption())
    .addOption(reorientOption())
    .option("--images <folder>", "folder of the cases' images, for the pictures")
    .option("--calibrators <file>", "JSON that calibrate --method auto printed, for the table of calibrators")
    .option("--training <folder>", "folder of the training run, for its curves")
    .addOption(jsonOption())
    .action(async (results: readonly string[], options: ReportCommandOptions) =>
      (await import("../runs/report.js")).report(results, options, context),
    );
}

const collected = (value: string, all: readonly string[]): readonly string[] => [...all, value];
