import type { Command } from "commander";
import type { Context } from "../context.js";
import { jsonOption, label } from "../options.js";
import type { InitOptions } from "../runs/init.js";

export function addInit(program: Command, context: Context): void {
  program
    .command("init")
    .description("Write a commented configuration that fits a data set; never overwrites a file.")
    .requiredOption("--data <root>", "folder of the data set, ROOT/{train,val,test}/*.npz")
    .option("--out <file>", "configuration file to write", "pixelcal.yaml")
    .option("--ignore <label>", "label of pixels to leave out everywhere (default: found in the data)", label)
    .addOption(jsonOption())
    .action(async (options: InitOptions) => (await import("../runs/init.js")).init(options, context));
}
