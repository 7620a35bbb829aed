import type { Command } from "commander";
import type { Context } from "../context.js";
import { foldOrAll, number } from "../options.js";
import type { PrepareOptions } from "../runs/prepare.js";

export function addPrepare(program: Command, context: Context): void {
  program
    .command("prepare")
    .description(
      "Read a data set and plan its training: writes OUT/NAME.yaml, a configuration to edit, OUT/NAME.fingerprint.json, and to OUT/prepared the prepared cases that memory does not hold.",
    )
    .requiredOption("--data <root>", "folder of the data set, or a data list")
    .option("--out <folder>", "folder for the plan", "runs")
    .option("--fold <fold>", "fold that validates, counted from 0, or all", foldOrAll)
    .option("--memory <GiB>", "memory that a step may take (default: 4)", number(0.1))
    .option("--no-measure", "plan by estimate alone, without training a step to measure its memory")
    .option("--overwrite", "replace an existing plan")
    .action(async (options: PrepareOptions) => {
      const { prepare, storeCases } = await import("../runs/prepare.js");
      await storeCases(await prepare(options, context), options, context);
    });
}
