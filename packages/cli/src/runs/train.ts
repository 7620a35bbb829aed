import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { formatJson } from "@pixelcal/evaluate";
import {
  FormatError,
  type Lock,
  lockFolder,
  readRegularFileSync,
  removeFolders,
  sweepTemporaries,
  writeFileAtomic,
} from "@pixelcal/io";
import { type Loss, lossFromConfig } from "@pixelcal/losses";
import {
  adamW,
  checkpointFiles,
  constant,
  cosine,
  DamagedCheckpointError,
  type Dataset,
  type EpochRecord,
  type FitResult,
  fit,
  Loader,
  NpzDataset,
  type TrainConfig,
  Trainer,
  type TrainerOptions,
} from "@pixelcal/train";
import { CommandError, Interrupted } from "../command-error.js";
import type { Context } from "../context.js";
import { largestConfig } from "../inputs/config-file.js";
import { checkFits, classesOf, fromFile, isSettingError, networkOf } from "../inputs/network.js";
import { duration, Pace } from "../terminal.js";

/** The files of a run's folder besides the checkpoints and the log. */
export const runFiles = { config: "config.json", model: "model.onnx" } as const;

const produced = [...Object.values(checkpointFiles), runFiles.model];

/** A training run: the configuration, the data and the output folder. */
export interface TrainRun extends Pick<Context, "terminal" | "signal"> {
  readonly config: TrainConfig;
  /** The folder with train/ and val/. */
  readonly root: string;
  /** The folder runs/NAME. */
  readonly folder: string;
  /**
   * Whether to continue from the folder's last checkpoint, if there is one, or the path of the checkpoint to
   * continue from.
   */
  readonly resume?: boolean | string;
  /** Whether to start over even if the folder holds a run. */
  readonly overwrite?: boolean;
  /** The text before the progress of an epoch and before log lines. */
  readonly label?: string;
  /** The number of epochs from one log line to the next; 1 by default. */
  readonly logEvery?: number;
}

export interface TrainOutcome extends FitResult {
  readonly seconds: number;
  readonly parameters: number;
  /** The number of trained parameters among them. */
  readonly trained: number;
}

// Larger targets are recomputed in every epoch.
const targetCacheBytes = 2 ** 30;

/**
 * Trains a run and writes checkpoints, log.csv, config.json and the best model as model.onnx to its folder.
 * Throws `LockedError` while another process trains it, and `CommandError` for an existing run that is
 * neither resumed nor overwritten.
 */
export async function trainRun(run: TrainRun): Promise<TrainOutcome> {
  const { folder } = run;
  const lock = await lockFolder(folder);
  const last = join(folder, checkpointFiles.last);
  try {
    checkNew(run);
    await sweepTemporaries(folder);
    return await trainLocked(run, lock);
  } finally {
    run.terminal.clear();
    await lock.release();
    if (!existsSync(last)) await removeFolders([folder]);
  }
}

/** Throws `CommandError` for a folder that holds a run which is neither resumed nor overwritten. */
export function checkNew({
  folder,
  resume,
  overwrite,
}: Pick<TrainRun, "folder" | "resume" | "overwrite">): void {
  if (resume || overwrite || !existsSync(join(folder, checkpointFiles.last))) return;
  throw new CommandError(`${folder} already holds a run: --resume continues it, --overwrite starts over`);
}

async function trainLocked(run: TrainRun, lock: Lock): Promise<TrainOutcome> {
  const { config, folder, root, terminal } = run;
  const begun = terminal.now();
  const network = await networkOf(config);
  const classes = await classesOf(config, network, root, "train");
  const open = async (split: string): Promise<Dataset> => {
    const dataset = await NpzDataset.open(root, split, { classes, ignore: config.dataset.ignore });
    checkFits(config, dataset);
    return dataset;
  };
  const [train, validation] = [await open("train"), await open("val")];
  const loss = lossFromConfig(config.loss);
  const { image } = await train.read(0);
  const batch = [Math.min(config.batch_size, train.names.length), ...image.dims];
  const trainer = await Trainer.create({ ...network, ...trainerOptions(config), loss, batch }).catch(
    (error) => {
      throw unfit(config, error);
    },
  );
  try {
    const resume = resumeFrom(run);
    // Restore first: a checkpoint that does not fit must not cost the run its config.json.
    if (resume !== undefined) await restoreOrAdvise(trainer, resume, run);
    // No file of an earlier run may stand beside the new configuration.
    if (resume === undefined) for (const file of produced) await rm(join(folder, file), { force: true });
    await writeFileAtomic(join(folder, runFiles.config), formatJson(config));
    const loader = loaderOf(config, train, trainer, loss);
    const result = await fit(trainer, {
      train: loader,
      validation: new Loader(validation, { batchSize: 1, targets: targetsOf(trainer), targetCacheBytes }),
      epochs: config.epochs,
      selection: config.selection,
      patience: config.patience,
      // The loader already prepares batches and targets in advance; more of them would only hold memory.
      prefetch: 1,
      folder,
      lock,
      resume,
      config,
      ...reports(run, loader.batchesPerEpoch),
    });
    terminal.clear();
    await trainer.restore(join(folder, checkpointFiles.best));
    await trainer.writeModel(join(folder, runFiles.model));
    const sizeOf = (names: readonly string[]): number =>
      names.reduce((sum, name) => sum + trainer.parameters[name]!.data.length, 0);
    const [parameters, trained] = [sizeOf(Object.keys(trainer.parameters)), sizeOf(trainer.trainable)];
    return { ...result, seconds: (terminal.now() - begun) / 1000, parameters, trained };
  } catch (error) {
    await discardUnlessBegun(folder);
    throw error;
  } finally {
    await trainer.close();
  }
}

/** Returns the error of a trainer that cannot be made: wrong configuration, or files that do not fit. */
function unfit({ model }: TrainConfig, error: unknown): unknown {
  if ("onnx" in model) return fromFile(model.onnx, error);
  if (!isSettingError(error)) return error;
  return new CommandError(error.message, { exitCode: 2, cause: error });
}

/** Removes the files of a run that stopped before its first checkpoint; other files stay. */
async function discardUnlessBegun(folder: string): Promise<void> {
  if (existsSync(join(folder, checkpointFiles.last))) return;
  for (const file of [...produced, runFiles.config]) await rm(join(folder, file), { force: true });
}

/** Restores a checkpoint; the error of a damaged one names another to continue from, and how. */
async function restoreOrAdvise(trainer: Trainer, path: string, { folder }: TrainRun): Promise<void> {
  try {
    await trainer.restore(path);
  } catch (error) {
    if (!(error instanceof DamagedCheckpointError)) throw error;
    const [other] = error.intact;
    const advice =
      other === undefined
        ? `no other checkpoint of ${folder} is intact; --overwrite starts over`
        : `continue with --resume ${other.path}`;
    throw new CommandError(`${error.message}; ${advice}`, { cause: error });
  }
}

/** Returns the configuration's options of training as a trainer takes them. */
function trainerOptions(
  config: TrainConfig,
): Omit<TrainerOptions, "model" | "loss" | "batch" | "outputs"> &
  Record<"outputs", TrainerOptions["outputs"]> {
  const { lr, weight_decay, decay, groups } = config.optim;
  const { type, warmup, warmup_steps: warmupSteps, minimum } = config.scheduler;
  const rise = { warmup, ...(warmupSteps !== undefined && { warmupSteps }) };
  const { last_layers: lastLayers, ...selection } = config.trainable ?? {};
  return {
    optimizer: adamW({ learningRate: lr, weightDecay: weight_decay, decay }),
    schedule: type === "cosine" ? cosine({ epochs: config.epochs, ...rise, minimum }) : constant(rise),
    groups: groups?.map((group) => ({ match: group.match, learningRate: group.lr })),
    device: config.device,
    threads: config.threads,
    clipNorm: config.clip_norm,
    accumulate: config.accumulate,
    batchNorm: config.batch_norm,
    ema: config.ema,
    seed: config.seed,
    outputs: "onnx" in config.model ? config.model.outputs : undefined,
    ...(config.trainable && { trainable: { ...selection, lastLayers } }),
  };
}

function loaderOf(config: TrainConfig, dataset: Dataset, trainer: Trainer, loss: Loss): Loader {
  const { flips, rotations } = config.augment;
  const axes = Array.from({ length: dataset.rank }, (_, axis) => axis);
  const plane = [dataset.rank - 2, dataset.rank - 1] as const;
  // The reference's distance map of an absent class does not turn with the image, so it is computed after
  // augmentation.
  const cacheable = loss.preset !== "reference" || !(flips || rotations);
  return new Loader(dataset, {
    batchSize: config.batch_size,
    shuffle: true,
    seed: config.seed,
    augment: { ...(flips && { flips: axes }), ...(rotations && { rotations: [plane] }) },
    targets: targetsOf(trainer),
    targetCacheBytes: cacheable ? targetCacheBytes : 0,
    prefetch: Math.max(1, config.num_workers),
  });
}

const targetsOf =
  (trainer: Trainer): NonNullable<ConstructorParameters<typeof Loader>[1]["targets"]> =>
  (batch) =>
    trainer.targets(batch);

/** Returns the checkpoint to continue from, if any; warns if the configuration has changed since. */
function resumeFrom({ folder, config, terminal, resume }: TrainRun): string | undefined {
  if (typeof resume === "string" && !existsSync(resume))
    throw new CommandError(`--resume: ${resume}: no such checkpoint`);
  const path = typeof resume === "string" ? resume : join(folder, checkpointFiles.last);
  if (!resume) return undefined;
  if (!existsSync(path)) {
    terminal.line(`${folder} holds no ${checkpointFiles.last}: starting from the beginning`);
    return undefined;
  }
  const begun = join(folder, runFiles.config);
  if (!existsSync(begun)) return path;
  for (const difference of differences(readJson(begun), JSON.parse(formatJson(config))))
    terminal.warn(`the run was begun with another configuration: ${difference}`);
  return path;
}

function readJson(path: string): unknown {
  const text = Buffer.from(readRegularFileSync(path, { maxFile: largestConfig })).toString("utf8");
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new FormatError(
      path,
      undefined,
      "is not JSON; remove it to resume without comparing configurations",
      {
        cause: error,
      },
    );
  }
}

/** Lists the leaves in which two JSON values differ: "optim.lr was 0.001, is 0.0001". */
function differences(before: unknown, after: unknown, path: readonly string[] = []): string[] {
  const record = (value: unknown): value is Record<string, unknown> =>
    typeof value === "object" && value !== null;
  if (record(before) && record(after)) {
    const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
    const of = (value: Record<string, unknown>, key: string): unknown =>
      Object.hasOwn(value, key) ? value[key] : undefined;
    return [...keys].flatMap((key) => differences(of(before, key), of(after, key), [...path, key]));
  }
  const text = (value: unknown): string => JSON.stringify(value) ?? "absent";
  return before === after ? [] : [`${path.join(".")} was ${text(before)}, is ${text(after)}`];
}

type Reports = Pick<Parameters<typeof fit>[1], "onProgress" | "onEpoch" | "onDifference">;

function reports(run: TrainRun, steps: number): Reports {
  const { config, folder, terminal, signal, label, logEvery = 1 } = run;
  const title = label === undefined ? "" : `${label} `;
  let pace: Pace | undefined;
  let speed = { rate: 0, remaining: Number.POSITIVE_INFINITY };
  return {
    onProgress({ epoch, epochs, batch, meanLoss, learningRate }) {
      const done = (epoch - 1) * steps + batch;
      pace ??= new Pace(() => terminal.now(), done);
      speed = pace.at(done, epochs * steps);
      const values = [`loss ${meanLoss.toFixed(4)}`, `lr ${learningRate.toExponential(1)}`];
      if (speed.rate > 0)
        values.push(`${speed.rate.toFixed(1)} steps/s`, `${duration(speed.remaining)} left`);
      terminal.progress({ label: `${title}epoch ${epoch}/${epochs}`, done: batch, total: steps, values });
      if (signal.aborted) throw new Interrupted(stopped(folder, epoch));
    },
    onEpoch(record, best) {
      if (signal.aborted) throw new Interrupted(stopped(folder, record.epoch + 1));
      if (record.epoch % logEvery !== 0) return;
      const left =
        record.epoch < config.epochs && speed.rate > 0 ? `  ${duration(speed.remaining)} left` : "";
      terminal.line(`${title}${epochLine(record, config.epochs)}${best ? "  best" : ""}${left}`);
    },
    onDifference(difference) {
      terminal.warn(`resumed under other conditions: ${difference}`);
    },
  };
}

function stopped(folder: string, epoch: number): string {
  return epoch === 1
    ? "stopped in the first epoch; no checkpoint was written yet"
    : `stopped; ${join(folder, checkpointFiles.last)} holds epoch ${epoch - 1}, --resume continues from there`;
}

/** Formats one line of a log: "epoch 3/50  loss 0.4213  val 0.3987  dice 0.912  nll 0.1032  lr 9.1e-5". */
function epochLine(record: EpochRecord, epochs: number): string {
  const { epoch, trainLoss, validationLoss, validationDice, validationNll, learningRate } = record;
  const parts = [
    `epoch ${String(epoch).padStart(String(epochs).length)}/${epochs}`,
    `loss ${trainLoss.toFixed(4)}`,
  ];
  if (validationLoss !== undefined) parts.push(`val ${validationLoss.toFixed(4)}`);
  if (validationDice !== undefined) parts.push(`dice ${validationDice.toFixed(4)}`);
  if (validationNll !== undefined) parts.push(`nll ${validationNll.toFixed(4)}`);
  return [...parts, `lr ${learningRate.toExponential(1)}`].join("  ");
}
