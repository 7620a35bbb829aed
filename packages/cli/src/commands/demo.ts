import type { Command } from "commander";
import type { Context } from "../context.js";
import { integer, jsonOption, label, names } from "../options.js";
import { comparisonLosses } from "../runs/comparison-losses.js";
import type { DemoOptions } from "../runs/demo.js";

export function addDemo(program: Command, context: Context): void {
  program
    .command("demo")
    .description("Compare losses from end to end: generate data, train, predict, score, print the table.")
    .option("--quick", "use less data and fewer methods (about two minutes)", false)
    .option("--data <root>", "folder of your data set, in place of generated phantoms")
    .option(
      "--classes <count>",
      "number of classes of your data set (default: largest label + 1)",
      integer(2),
    )
    .option("--out <folder>", "folder of the results", "pixelcal-demo")
    .option("--epochs <count>", "number of epochs of every method", integer(1))
    .option("--base <channels>", "number of channels of the U-Net's first level", integer(1))
    .option("--batch <size>", "number of cases per step", integer(1))
    .option(
      "--methods <names>",
      `methods to compare, separated by commas, of ${Object.keys(comparisonLosses).join(", ")}`,
      names(Object.keys(comparisonLosses)),
    )
    .option("--seed <seed>", "seed of data, weights and batches", integer(0), 1)
    .option(
      "--ignore <label>",
      "label of pixels of your data to leave out everywhere, for example 255",
      label,
    )
    .option("--threads <count>", "number of processor threads (default: all)", integer(1))
    .addOption(jsonOption())
    .action(async (options: DemoOptions) => (await import("../runs/demo.js")).demo(options, context));
}
