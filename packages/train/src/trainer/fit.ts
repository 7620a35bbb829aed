import { join } from "node:path";
import { checkOptions, InvalidArgumentError, invalidArgument, optionNames } from "@pixelcal/core";
import { FormatError, type Lock, lockFolder, writeFileAtomic } from "@pixelcal/io";
import { CheckpointRotation, checkpointFiles } from "./checkpoint-rotation.js";
import { learningCurves } from "./curves/learning-curves.js";
import { pngOf } from "./curves/png.js";
import { svgOf } from "./curves/svg.js";
import { appendEvents, writeEvents } from "./curves/tensorboard.js";
import { type BatchSource, type BegunEpoch, type Progress, trainEpoch, validate } from "./epoch.js";
import { type EpochRecord, logOf } from "./epoch-record.js";
import { type LossGrowth, LossWatch } from "./loss-growth.js";
import { isBest, type Selection, selections } from "./selection.js";
import type { Trainer } from "./trainer.js";

export interface FitOptions {
  readonly train: BatchSource;
  readonly validation?: BatchSource;
  readonly epochs: number;
  /**
   * The criterion of the best epoch on the validation split: the lowest loss (`loss`, the default), the
   * highest Dice score (`dice`), the lowest calibration error (`ece`, `pece`), all means over the classes, or
   * the lowest negative log-likelihood of the labels (`nll`), a proper score by which runs with different
   * losses compare too.
   */
  readonly selection?: Selection;
  /**
   * The decay of a moving average of the criterion over the epochs, by which the best is chosen; 0 by
   * default.
   */
  readonly selectionEma?: number;
  /** Stops after this many epochs in a row without improvement; all `epochs` are trained by default. */
  readonly patience?: number;
  /**
   * The folder of best.safetensors, last.safetensors, previous.safetensors, log.csv and the learning curves;
   * without it nothing is written. Of several processes (`TrainerOptions.exchange`) the first writes; all
   * read checkpoints, so that they need the same file system to resume.
   */
  readonly folder?: string;
  /** The caller's lock of `folder`; without it `fit` locks the folder while it runs. */
  readonly lock?: Lock;
  /** Resumes from `folder`'s last.safetensors, or from the checkpoint at this path. */
  readonly resume?: boolean | string;
  /** Any JSON, stored in the checkpoints. */
  readonly config?: unknown;
  /** Batches prepared while a step runs; 2 by default. */
  readonly prefetch?: number;
  /**
   * Minutes after which last.safetensors is written inside an epoch, after every batch for 0; without it,
   * after every epoch alone.
   */
  readonly checkpointMinutes?: number;
  onProgress?(progress: Progress): void;
  onEpoch?(record: EpochRecord, best: boolean): void;
  /** Whether to write the scores to `folder` as a TensorBoard event file too; false by default. */
  readonly tensorboard?: boolean;
  /** Called once, when a batch's loss is a thousand times that of the start: training diverges. */
  onLossGrowth?(growth: LossGrowth): void;
  /** Called for each setting in which a resumed run differs from its checkpoint. */
  onDifference?(difference: string): void;
}

const names = optionNames<FitOptions>({
  train: true,
  validation: true,
  epochs: true,
  selection: true,
  selectionEma: true,
  patience: true,
  folder: true,
  lock: true,
  resume: true,
  config: true,
  prefetch: true,
  checkpointMinutes: true,
  tensorboard: true,
  onLossGrowth: true,
  onProgress: true,
  onEpoch: true,
  onDifference: true,
});

export interface FitResult {
  readonly history: readonly EpochRecord[];
  /** The epoch with the best validation, or the last epoch if there is no validation. */
  readonly bestEpoch: number;
  /** Whether patience ran out before the last epoch. */
  readonly stoppedEarly: boolean;
}

interface Kept {
  readonly history: readonly EpochRecord[];
  readonly bestEpoch: number;
  readonly config?: unknown;
  /** The state of a loss that follows the validation split. */
  readonly lossState?: unknown;
  /** The epoch that the checkpoint was written in, if it was inside one. */
  readonly begun?: BegunEpoch;
}

/**
 * Trains for `epochs` epochs, validates after each, keeps the best and the last checkpoint. A resumed run
 * gives the same bits as an uninterrupted one. Throws `TrainingAbortedError` if the loss is not finite,
 * `LockedError` while another training writes to the folder, and `DamagedCheckpointError` if it cannot
 * resume.
 */
export async function fit(trainer: Trainer, options: FitOptions): Promise<FitResult> {
  checkOptions("options", options, names);
  const { epochs, folder, validation, selection = "loss", selectionEma = 0 } = options;
  if (!(Number.isInteger(epochs) && epochs >= 1))
    throw invalidArgument("epochs", "an integer of 1 or more", epochs);
  if (trainer.loss.state !== undefined && validation === undefined)
    throw new InvalidArgumentError("validation", `validation: required by the loss ${trainer.loss.name}`);
  if (!selections.includes(selection)) throw invalidArgument("selection", selections.join(", "), selection);
  if (!(selectionEma >= 0 && selectionEma < 1))
    throw invalidArgument("selectionEma", "a number from 0 to below 1", selectionEma);
  if (options.resume && folder === undefined)
    throw new InvalidArgumentError("folder", "folder: required to resume");
  const { patience = Number.POSITIVE_INFINITY } = options;
  if (options.patience !== undefined) {
    if (!(Number.isInteger(patience) && patience >= 1))
      throw invalidArgument("patience", "an integer of 1 or more", patience);
    if (validation === undefined) throw new InvalidArgumentError("patience", "patience: needs validation");
  }
  const { checkpointMinutes } = options;
  if (checkpointMinutes !== undefined && !(checkpointMinutes >= 0))
    throw invalidArgument("checkpointMinutes", "a number of 0 or more", checkpointMinutes);
  // The first process writes for all.
  if (folder === undefined || options.lock !== undefined || !isFirst(trainer)) return train(trainer, options);
  const lock = await lockFolder(folder);
  try {
    return await train(trainer, options);
  } finally {
    await lock.release();
  }
}

const isFirst = ({ exchange }: Trainer): boolean => (exchange?.rank ?? 0) === 0;

async function train(trainer: Trainer, options: FitOptions): Promise<FitResult> {
  const { epochs, validation, selection = "loss", config, patience = Number.POSITIVE_INFINITY } = options;
  const folder = isFirst(trainer) ? options.folder : undefined;
  const kept = options.resume ? await restore(trainer, options) : undefined;
  const history = [...(kept?.history ?? [])];
  let bestEpoch = kept?.bestEpoch ?? 0;
  const rotation = folder === undefined ? undefined : new CheckpointRotation(folder);
  if (kept === undefined) await rotation?.begin();
  // Patience follows from the history alone, so a resumed run stops where an uninterrupted one does.
  const outOfPatience = (): boolean => history.length - bestEpoch >= patience && bestEpoch > 0;
  const save = async (begun?: BegunEpoch, best: boolean = false): Promise<void> => {
    if (folder === undefined || rotation === undefined) return;
    const lossState = trainer.loss.state?.save();
    const extra: Kept = {
      history,
      bestEpoch,
      ...(config !== undefined && { config }),
      ...(lossState !== undefined && { lossState }),
      ...(begun !== undefined && { begun }),
    };
    if (best) await trainer.save(join(folder, checkpointFiles.best), extra);
    await rotation.saveLast((path) => trainer.save(path, extra));
  };
  // A kill between the last epoch's checkpoint and its logs left those of the epoch before.
  if (folder !== undefined && history.length > 0) await writeLogs(folder, history);
  if (folder !== undefined && options.tensorboard) await writeEvents(folder, history);
  const watch = new LossWatch(history[0]?.trainLoss);
  const saved = new Interval(options.checkpointMinutes);
  for (let epoch = history.length; epoch < epochs && !outOfPatience(); epoch++) {
    trainer.epoch = epoch;
    const begun = kept?.begun?.epoch === epoch ? kept.begun : undefined;
    const onBatch = async (done: () => BegunEpoch, loss: number): Promise<void> => {
      const growth = watch.grown(epoch + 1, done().batches, loss);
      if (growth !== undefined) options.onLossGrowth?.(growth);
      if (saved.isOver()) await save(done());
    };
    const record = {
      ...(await trainEpoch(trainer, epoch, options, { begun, onBatch })),
      ...(await validate(trainer, epoch, validation)),
    };
    history.push(record);
    const best = validation === undefined || isBest(history, bestEpoch, selection, options.selectionEma);
    if (best) bestEpoch = epoch + 1;
    await save(undefined, best);
    saved.restart();
    if (folder !== undefined) await writeLogs(folder, history);
    if (folder !== undefined && options.tensorboard) await appendEvents(folder, record);
    options.onEpoch?.(record, best);
  }
  // The others may now read the first process's files.
  await trainer.exchange?.barrier();
  return { history, bestEpoch, stoppedEarly: history.length < epochs };
}

async function restore(trainer: Trainer, { folder = "", resume, onDifference }: FitOptions): Promise<Kept> {
  const path = typeof resume === "string" ? resume : join(folder, checkpointFiles.last);
  const { differences, extra } = await trainer.restore(path);
  const kept = extra as Partial<Kept> | undefined;
  if (!Array.isArray(kept?.history) || !Number.isInteger(kept.bestEpoch)) {
    throw new FormatError(path, "state.extra", "holds no history of epochs: not written by fit");
  }
  trainer.loss.state?.restore(kept.lossState);
  for (const difference of differences) onDifference?.(difference);
  return kept as Kept;
}

/** Writes the table of all epochs and their curves. */
async function writeLogs(folder: string, history: readonly EpochRecord[]): Promise<void> {
  const { log, curves, picture } = checkpointFiles;
  const drawing = learningCurves(history);
  const text = new TextEncoder();
  await writeFileAtomic(join(folder, log), text.encode(logOf(history)));
  await writeFileAtomic(join(folder, curves), text.encode(svgOf(drawing)));
  await writeFileAtomic(join(folder, picture), await pngOf(drawing));
}

/** Tells when some minutes have passed; never without a number. */
class Interval {
  readonly #milliseconds: number;
  #start = performance.now();

  constructor(minutes: number = Number.POSITIVE_INFINITY) {
    this.#milliseconds = 60_000 * minutes;
  }

  isOver(): boolean {
    if (performance.now() - this.#start < this.#milliseconds) return false;
    this.restart();
    return true;
  }

  restart(): void {
    this.#start = performance.now();
  }
}
