import { type Command, Option } from "commander";
import type { Context } from "../context.js";
import { jsonOption } from "../options.js";
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
    .option("--labels <folder>", "folder of label maps; --predictions then holds nnU-Net's")
    .option(
      "--dataset <file>",
      "nnU-Net's dataset.json (default: in or above the folder of predictions or labels)",
    )
    .addOption(
      new Option(
        "--spacing-from <field>",
        "field that decides where a NIfTI label map's sform and pixdim disagree (default: such a file is an error)",
      ).choices(["sform", "pixdim"]),
    )
    .option(
      "--reorient",
      "turn label maps onto the predictions' grid where the axes are only ordered or flipped otherwise",
      false,
    )
    .option("--images <folder>", "folder of the cases' images, for the pictures")
    .option("--calibrators <file>", "JSON that calibrate --method auto printed, for the table of calibrators")
    .option("--training <folder>", "folder of the training run, for its curves")
    .addOption(jsonOption())
    .action(async (results: readonly string[], options: ReportCommandOptions) =>
      (await import("../runs/report.js")).report(results, options, context),
    );
}

const collected = (value: string, all: readonly string[]): readonly string[] => [...all, value];
