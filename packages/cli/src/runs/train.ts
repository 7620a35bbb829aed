import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { formatJson } from "@pixelcal/evaluate";
import { type Lock, lockFolder, removeFolders, sweepTemporaries, writeFileAtomic } from "@pixelcal/io";
import type { Loss } from "@pixelcal/losses";
import {
  augmentationOf,
  checkpointFiles,
  type FileDataset,
  type FitResult,
  fit,
  imagesOf,
  Loader,
  type LoaderOptions,
  type LossConfig,
  type Preparation,
  type Share,
  type TrainConfig,
  Trainer,
  type TrainerOptions,
} from "@pixelcal/train";
import { CommandError } from "../command-error.js";
import { fromFile, isSettingError, networkOf } from "../inputs/network.js";
import { warnOfRawCt } from "../inputs/preparation.js";
import { openTrainingSplits } from "../inputs/training-splits.js";
import type { TrainReport } from "../reports.js";
import { agreed } from "./agreement.js";
import { hashOf, identityOf, versions } from "./identity.js";
import { checkShapes, layOutRun } from "./lay-out.js";
import { type Stage, stageLine, stagesAfter, titleOf } from "./loss-stages.js";
import { removeMembers } from "./member-folders.js";
import { lossesOf, optimizerOf, scheduleOf } from "./recipe.js";
import { orAdvise, resumeFrom } from "./resume.js";
import { reports } from "./train-reports.js";
import { isBegun, memberCount, runFiles, type TrainRun, tellTakenOver } from "./train-run.js";
import { validationTemperature } from "./validation-temperature.js";

const produced = [
  ...Object.values(checkpointFiles),
  runFiles.model,
  runFiles.events,
  runFiles.postprocessing,
];

export interface TrainOutcome extends FitResult {
  readonly seconds: number;
  /** The temperature that the validation labels ask of the best epoch: above 1 where it is over-confident. */
  readonly temperature: number;
  readonly parameters: number;
  /** The number of trained parameters among them. */
  readonly trained: number;
  /** The options that `tuneRun` chose, and the short trainings that it chose by. */
  readonly tuning?: NonNullable<TrainReport["tuning"]>;
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
  // The first process writes for all.
  if ((run.world?.rank ?? 0) > 0) return trainLocked(run, undefined);
  const lock = await lockFolder(folder);
  tellTakenOver(run, lock);
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

/**
 * Throws `CommandError` for a folder that holds a run which is neither resumed nor overwritten, or is resumed
 * as one of several networks where it has one, or the other way round.
 */
export function checkNew({
  config,
  folder,
  resume,
  overwrite,
  tuned,
}: Pick<TrainRun, "config" | "folder" | "resume" | "overwrite" | "tuned">): void {
  if (overwrite) return;
  const { one, several } = isBegun(folder);
  const [holds, wants] = several ? ["several networks", "one"] : ["one network", "several"];
  if (memberCount(config) > 1 ? one : several)
    throw new CommandError(
      `members: ${folder} holds a run of ${holds}, not of ${wants}: --overwrite starts over`,
      { exitCode: 2 },
    );
  const begun = one || several || existsSync(join(folder, runFiles.tuning));
  if (resume || tuned || !begun) return;
  throw new CommandError(`${folder} already holds a run: --resume continues it, --overwrite starts over`);
}

/** The parts of a run before its first step. */
interface Prepared {
  /** The configuration with the preparation of the images. */
  readonly config: TrainConfig;
  readonly preparation: Preparation | undefined;
  readonly train: FileDataset;
  readonly validation: FileDataset;
  readonly trainer: Trainer;
  trainerOf(loss: Loss): Promise<Trainer>;
  lossOf(config: LossConfig): Loss;
  readonly stages: readonly Stage[];
  readonly resume: string | undefined;
  readonly remainder: NonNullable<LoaderOptions["remainder"]>;
}

async function prepare(run: TrainRun): Promise<Prepared> {
  const { config: given, root, store, terminal, world } = run;
  const network = await networkOf(given);
  const { preparation, train, validation } = await openTrainingSplits(given, network, { root, store });
  const config = { ...given, ...(preparation && { preparation }) };
  warnOfRawCt(train, preparation, terminal);
  // A comparison, whose runs have labels, trains on the same data several times.
  if (run.label === undefined || run.member?.number === 1)
    for (const { cases } of [train, validation]) terminal.line(`${root}: ${cases.layout}`);
  checkShapes(config, train);
  const { image } = await train.read(0);
  const { size: patch, per_epoch: perEpoch = train.names.length } = config.patches ?? {};
  const dims = patch === undefined ? image.dims : [train.channels, ...patch];
  const images = Math.min(config.batch_size, perEpoch);
  if (world !== undefined && images < world.size)
    throw new CommandError(
      `batch_size: expected ${world.size} or more, a case for each rank, got batches of ${images}`,
      { exitCode: 2 },
    );
  const batch = [world === undefined ? images : imagesOf(images, world), ...dims];
  const options = { ...network, ...trainerOptions(config), batch, exchange: world };
  const trainerOf = (loss: Loss): Promise<Trainer> =>
    Trainer.create({ ...options, loss }).catch((error) => {
      throw unfit(config, error);
    });
  if (config.finish !== undefined && config.epochs === 1)
    terminal.warn(`one epoch leaves none for ${titleOf(config.finish.loss)}`);
  const resume = resumeFrom({ ...run, config });
  const stages = await orAdvise(run, () => stagesAfter(config, resume));
  const lossOf = await lossesOf(config, train, terminal);
  const trainer = await trainerOf(lossOf(stages[0]!.loss));
  try {
    const remainder = await layOutRun(config, trainer, { train, validation, share: world }, terminal);
    // Restore first: a checkpoint that does not fit must not cost the run its config.json.
    if (resume !== undefined) await orAdvise(run, () => trainer.restore(resume));
    return {
      config,
      preparation,
      train,
      validation,
      trainer,
      trainerOf,
      lossOf,
      stages,
      resume,
      remainder,
    };
  } catch (error) {
    await trainer.close();
    throw error;
  }
}

/** Returns what must be the same in all processes of a training. */
async function described(prepared: Prepared): Promise<unknown> {
  const { train, validation, trainer, resume, remainder } = prepared;
  const { threads: _, ...config } = prepared.config;
  return {
    versions: await versions(),
    config: JSON.parse(formatJson(config)),
    data: { train: await identityOf(train), validation: await identityOf(validation) },
    resumed: { resume: resume !== undefined, updates: trainer.updates },
    weights: hashOf(Object.values(trainer.weights({ weights: "trained" })).map(({ data }) => data)),
    remainder,
  };
}

/** Trains a run under the first process's lock; the other processes have none, and write nothing. */
async function trainLocked(run: TrainRun, lock: Lock | undefined): Promise<TrainOutcome> {
  const { folder, terminal, world } = run;
  const begun = terminal.now();
  if (world !== undefined && world.size > 1) terminal.line(`${world.size} ranks, ${world.library}`);
  const prepared = await agreed(world, () => prepare(run), described);
  const { config, preparation, train, validation, trainerOf, lossOf, resume, remainder } = prepared;
  const [first, ...others] = prepared.stages;
  let { trainer } = prepared;
  try {
    await run.onReady?.(config);
    if (lock !== undefined) {
      // No file of an earlier run may stand beside the new configuration.
      if (resume === undefined) await removeStale(run);
      await writeFileAtomic(join(folder, runFiles.config), formatJson(config));
    }
    const common = {
      selection: config.selection,
      selectionEma: config.selection_ema,
      patience: config.patience,
      checkpointMinutes: config.checkpoint_minutes,
      tensorboard: config.tensorboard,
      // The loader already prepares batches and targets in advance; more of them would only hold memory.
      prefetch: 1,
      folder,
      ...(lock !== undefined && { lock }),
      config,
    };
    const trainStage = (
      { until, takesOver }: Stage,
      from: string | boolean | undefined,
    ): Promise<FitResult> => {
      const loader = loaderOf({ ...config, remainder }, train, trainer, world);
      const targets = { targets: targetsOf(trainer), targetCacheBytes };
      return fit(trainer, {
        ...common,
        train: loader,
        validation: new Loader(validation, { batchSize: 1, cover: config.patches?.size, ...targets }),
        epochs: until,
        resume: from,
        ...reports(run, loader.batchesPerEpoch, { takesOver }),
      });
    };
    let result = await trainStage(first!, resume);
    for (const stage of others) {
      await trainer.close();
      terminal.line(`${run.label === undefined ? "" : `${run.label} `}${stageLine(stage)}`);
      trainer = await trainerOf(lossOf(stage.loss));
      result = await trainStage(stage, true);
    }
    terminal.clear();
    await trainer.restore(join(folder, checkpointFiles.best));
    if (lock !== undefined)
      await trainer.writeModel(join(folder, runFiles.model), {
        preparation: preparation ?? asStored(config, train),
        classOrder: config.dataset.regions_class_order,
        tile: config.patches?.size,
      });
    const cases = new Loader(validation, { batchSize: 1, cover: config.patches?.size });
    const temperature = await validationTemperature(trainer, cases, {
      regions: trainer.loss.regions,
      ignore: config.dataset.ignore,
      exchange: world,
    });
    const sizeOf = (names: readonly string[]): number =>
      names.reduce((sum, name) => sum + trainer.parameters[name]!.data.length, 0);
    const [parameters, trained] = [sizeOf(Object.keys(trainer.parameters)), sizeOf(trainer.trainable)];
    return { ...result, temperature, seconds: (terminal.now() - begun) / 1000, parameters, trained };
  } catch (error) {
    if (lock !== undefined) await discardUnlessBegun(folder);
    throw error;
  } finally {
    await trainer.close();
  }
}

/**
 * Removes the files of an earlier run, but for the choice of a loss that this one trains with, and for the
 * folder `except` of one of its networks.
 */
export async function removeStale(
  { folder, tuned }: Pick<TrainRun, "folder" | "tuned">,
  except?: string,
): Promise<void> {
  const stale = tuned ? produced : [...produced, runFiles.tuning];
  for (const file of stale) await rm(join(folder, file), { force: true });
  await removeMembers(folder, except);
}

/** Returns the preparation of a network of ours that takes images as stored; an ONNX file stays as it is. */
const asStored = (
  { model }: TrainConfig,
  { channels }: Pick<FileDataset, "channels">,
): Preparation | undefined =>
  "onnx" in model
    ? undefined
    : { normalization: Array.from({ length: channels }, () => ({ scheme: "none" })) };

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

/** Returns the configuration's options of training as a trainer takes them. */
function trainerOptions(
  config: TrainConfig,
): Omit<TrainerOptions, "model" | "loss" | "batch" | "outputs"> &
  Record<"outputs", TrainerOptions["outputs"]> {
  const { groups } = config.optim;
  const { last_layers: lastLayers, ...selection } = config.trainable ?? {};
  return {
    optimizer: optimizerOf(config),
    schedule: scheduleOf(config),
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

function loaderOf(config: TrainConfig, dataset: FileDataset, trainer: Trainer, share?: Share): Loader {
  const { size, per_epoch: perEpoch, foreground } = config.patches ?? {};
  const augment = augmentationOf(config.augment, size ?? dataset.shapes[0]!.dims.slice(1));
  // The reference's distance map of an absent class does not turn with the image, so it is computed after
  // augmentation.
  const cacheable = trainer.loss.preset !== "reference" || Object.keys(augment).length === 0;
  return new Loader(dataset, {
    batchSize: config.batch_size,
    shuffle: true,
    remainder: config.remainder,
    seed: config.seed,
    ...(size && { patches: { size, perEpoch, foreground } }),
    augment,
    targets: targetsOf(trainer),
    targetCacheBytes: cacheable ? targetCacheBytes : 0,
    prefetch: Math.max(1, config.num_workers),
    ...(share !== undefined && { share: { rank: share.rank, size: share.size } }),
  });
}

/**
 * Returns how a loss's targets are computed; undefined where they are the labels alone, for which no case is
 * read whole.
 */
const targetsOf = (trainer: Trainer): LoaderOptions["targets"] =>
  Object.keys(trainer.loss.targetSpecs).every((name) => name === "labels")
    ? undefined
    : (batch) => trainer.targets(batch);
