import type { Command } from "commander";
import type { Context } from "../context.js";
import { integer, label, names } from "../options.js";
import { comparisonLosses } from "../runs/comparison-losses.js";
import type { DemoOptions } from "../runs/demo.js";

export function addDemo(program: Command, context: Context): void {
  program
    .command("demo")
    .description("Compare losses from end to end: generate data, train, predict, score, print the table.")
    .option("--quick", "less data and fewer epochs", false)
    .option("--data <root>", "your data set, in place of generated phantoms")
    .option("--classes <count>", "of your data set (default: as its labels have)", integer(2))
    .option("--out <folder>", "where everything goes", "pixelcal-demo")
    .option("--epochs <count>", "for every method", integer(1))
    .option("--base <channels>", "of the U-Net's first level", integer(1))
    .option("--batch <size>", "cases per step", integer(1))
    .option(
      "--methods <names>",
      `of ${Object.keys(comparisonLosses).join(", ")}`,
      names(Object.keys(comparisonLosses)),
      ["dicece", "nacl", "margin-svls", "sdc", "sdc-reference"],
    )
    .option("--seed <seed>", "of data, weights and batches", integer(0), 1)
    .option("--ignore <label>", "label of your data's pixels that count in nothing", label)
    .option("--threads <count>", "processor threads (default: all)", integer(1))
    .action(async (options: DemoOptions) => (await import("../runs/demo.js")).demo(options, context));
}
