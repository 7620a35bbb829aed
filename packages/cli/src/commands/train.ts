import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Command, Option } from "commander";
import { CommandError } from "../command-error.js";
import type { Context } from "../context.js";
import { inJob } from "../job.js";
import { deviceOption, foldOrAll, integer, jsonOption } from "../options.js";
import type { Fingerprint } from "../runs/fingerprint.js";
import { writeReport } from "../write-report.js";

interface Options {
  readonly config?: string;
  readonly out: string;
  readonly device?: "cpu" | "webgpu" | "cuda";
  readonly resume?: true | string;
  readonly overwrite?: true;
  readonly tune?: true;
  readonly data?: string;
  readonly fold?: number | "all";
  readonly epochs?: number;
  readonly threads?: number;
  readonly json?: true;
}

export function addTrain(program: Command, context: Context): void {
  program
    .command("train")
    .description(
      "Train a network by a configuration; writes checkpoints, log and ONNX model to OUT/RUN_NAME.",
    )
    .option(
      "--config <file>",
      "configuration file, YAML or JSON (default: the plan that prepare makes of --data, OUT/NAME.yaml)",
    )
    .option("--out <folder>", "folder of the runs", "runs")
    .option("--data <root>", "folder of the data set, or a data list (default: dataset.root)")
    .option(
      "--fold <fold>",
      "fold that validates, counted from 0, or all; the run's folder is OUT/RUN_NAME/fold_FOLD (default: dataset.fold)",
      foldOrAll,
    )
    .option("--epochs <count>", "number of epochs (default: epochs of the configuration)", integer(1))
    .option(
      "--threads <count>",
      "number of processor threads (default: threads of the configuration)",
      integer(1),
    )
    .addOption(deviceOption())
    .addOption(
      new Option(
        "--resume [checkpoint]",
        "continue from the last checkpoint, or from the given file",
      ).conflicts("overwrite"),
    )
    .option("--overwrite", "start over, replacing an existing run")
    .option("--tune", "first choose dice and scale of the loss by short trainings (preset proper)")
    .addOption(jsonOption())
    .action((options: Options) => inJob(context, (own) => train(options, own)));
}

/**
 * Returns the path of the plan of a data set, which is made where there is none yet, and for a process on its
 * own what was read for that.
 */
async function planned(
  { data, out, fold }: Options,
  { terminal, world }: Context,
): Promise<{ readonly path: string; readonly fingerprint?: Fingerprint }> {
  if (data === undefined) throw new CommandError("needs --config or --data", { exitCode: 2 });
  const { planPath, prepare } = await import("../runs/prepare.js");
  const path = planPath(data, out);
  if (existsSync(path)) terminal.line(`${path}: the plan of an earlier run`);
  else if ((world?.rank ?? 0) === 0) {
    const { data: read } = await prepare({ data, out, ...(fold !== undefined && { fold }) }, { terminal });
    if (world === undefined) return { path, fingerprint: read.fingerprint };
  }
  await world?.barrier();
  return { path };
}

async function train(options: Options, context: Context): Promise<void> {
  const { dataRoot, locateModel, readConfig } = await import("../inputs/config-file.js");
  const { storePath, withNumbers } = await import("../runs/prepare.js");
  const { checkNew } = await import("../runs/train.js");
  const { trainNetworks } = await import("../runs/members.js");
  const { memberCount } = await import("../runs/train-run.js");
  const { trainReport, trainText } = await import("../runs/train-outcome.js");
  const { checkTunable, tuneRun } = await import("../runs/tune.js");
  const { terminal } = context;
  const { device, epochs, threads } = options;
  const notify = (text: string): void => terminal.line(text);
  const { path, fingerprint } = options.config ? { path: options.config } : await planned(options, context);
  const read = locateModel(readConfig(path), path, notify);
  const file = fingerprint ? withNumbers(read, fingerprint) : read;
  const root = dataRoot(file, path, options.data, notify);
  const config = {
    ...file,
    dataset: { ...file.dataset, root, ...(options.fold !== undefined && { fold: options.fold }) },
    ...(device !== undefined && { device }),
    ...(epochs !== undefined && { epochs }),
    ...(threads !== undefined && { threads }),
  };
  const { fold } = config.dataset;
  const runFolder = join(options.out, config.run_name);
  const folder = fold === undefined ? runFolder : join(runFolder, `fold_${fold}`);
  const { resume, overwrite } = options;
  if (options.tune && (context.world?.size ?? 1) > 1)
    throw new CommandError("--tune: trains in one process; tune first, then train with --resume", {
      exitCode: 2,
    });
  if (options.tune) {
    checkTunable(config);
    if (typeof resume === "string")
      throw new CommandError("--resume: no checkpoint can be named with --tune", { exitCode: 2 });
  }
  checkNew({ config, folder, resume, overwrite });
  const { model, loss } = config;
  const networks = memberCount(config);
  terminal.line(
    `${config.run_name}: ${loss.name}${loss.preset ? ` (${loss.preset})` : ""}, ` +
      `${"onnx" in model ? model.onnx : `${model.arch} base ${model.base}`}, ` +
      `${networks === 1 ? "" : `${networks} networks of `}${config.epochs} epochs on ${root}`,
  );
  const store = storePath(options.out);
  const run = { ...context, config, root, folder, store, resume, overwrite };
  const result = await (options.tune ? tuneRun(run) : trainNetworks(run));
  const report = { command: "train", run: config.run_name, ...trainReport(folder, result) } as const;
  await writeReport(context, options.json, report, trainText(folder, result));
}
