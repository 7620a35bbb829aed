import { join } from "node:path";
import { checkOptions, InvalidArgumentError, invalidArgument, optionNames } from "@pixelcal/core";
import { FormatError, type Lock, lockFolder, prefetch, writeFileAtomic } from "@pixelcal/io";
import { CheckpointRotation, checkpointFiles } from "./checkpoint-rotation.js";
import { foregroundDice } from "./foreground-dice.js";
import { labelNll } from "./label-nll.js";
import { DivergedError, type TrainingBatch } from "./options.js";
import type { Trainer } from "./trainer.js";

/**
 * Batches by epoch. An epoch's batches depend on its number alone, so a resumed run sees the same batches.
 */
export interface BatchSource {
  epoch(epoch: number): AsyncIterable<TrainingBatch> | Iterable<TrainingBatch>;
}

/** The record of one epoch; epochs count from 1. */
export interface EpochRecord {
  readonly epoch: number;
  /** The learning rate of the epoch's last batch. */
  readonly learningRate: number;
  /** Mean over the epoch's images. */
  readonly trainLoss: number;
  readonly trainTerms: Readonly<Record<string, number>>;
  /** Mean over the validation images, with inference behaviour. */
  readonly validationLoss?: number;
  /**
   * Mean foreground Dice score over the validation images, without pixels that the loss ignores. Images in
   * which every pixel is ignored do not count.
   */
  readonly validationDice?: number;
  /**
   * Mean negative log-likelihood of the labels over the validation images, of the same images and pixels.
   * Absent from epochs of checkpoints that are older than this field.
   */
  readonly validationNll?: number;
}

/** The criterion of the best epoch. */
type Selection = "loss" | "dice" | "nll";
const selections: readonly Selection[] = ["loss", "dice", "nll"];

export interface Progress {
  readonly epoch: number;
  readonly epochs: number;
  /** Batches done in this epoch. */
  readonly batch: number;
  /** The last batch's loss. */
  readonly loss: number;
  /** Mean over the epoch's images so far. */
  readonly meanLoss: number;
  readonly learningRate: number;
}

export interface FitOptions {
  readonly train: BatchSource;
  readonly validation?: BatchSource;
  readonly epochs: number;
  /**
   * The criterion of the best epoch: the lowest validation loss (`loss`, the default), the highest validation
   * Dice score (`dice`) or the lowest negative log-likelihood of the validation labels (`nll`), a proper
   * score by which runs with different losses compare too.
   */
  readonly selection?: Selection;
  /** Stops after this many epochs in a row without improvement; all `epochs` are trained by default. */
  readonly patience?: number;
  /**
   * The folder of best.safetensors, last.safetensors, previous.safetensors and log.csv; without it nothing is
   * written.
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
  onProgress?(progress: Progress): void;
  onEpoch?(record: EpochRecord, best: boolean): void;
  /** Called for each setting in which a resumed run differs from its checkpoint. */
  onDifference?(difference: string): void;
}

const names = optionNames<FitOptions>({
  train: true,
  validation: true,
  epochs: true,
  selection: true,
  patience: true,
  folder: true,
  lock: true,
  resume: true,
  config: true,
  prefetch: true,
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

/** Training stopped because the loss is not finite. The last good checkpoint is untouched. */
export class TrainingAbortedError extends Error {
  readonly code = "ERR_PIXELCAL_TRAINING_ABORTED";
  readonly epoch: number;
  readonly step: number;
  constructor(epoch: number, step: number, what: string, options?: ErrorOptions) {
    super(`epoch ${epoch}, step ${step}: ${what}`, options);
    this.name = "TrainingAbortedError";
    this.epoch = epoch;
    this.step = step;
  }
}

interface Kept {
  readonly history: readonly EpochRecord[];
  readonly bestEpoch: number;
  readonly config?: unknown;
}

/**
 * Trains for `epochs` epochs, validates after each, keeps the best and the last checkpoint. A resumed run
 * gives the same bits as an uninterrupted one. Throws `TrainingAbortedError` if the loss is not finite,
 * `LockedError` while another training writes to the folder, and `DamagedCheckpointError` if it cannot
 * resume.
 */
export async function fit(trainer: Trainer, options: FitOptions): Promise<FitResult> {
  checkOptions("options", options, names);
  const { epochs, folder, validation, selection = "loss" } = options;
  if (!(Number.isInteger(epochs) && epochs >= 1))
    throw invalidArgument("epochs", "an integer of 1 or more", epochs);
  if (!selections.includes(selection)) throw invalidArgument("selection", "loss, dice or nll", selection);
  if (options.resume && folder === undefined)
    throw new InvalidArgumentError("folder", "folder: required to resume");
  const { patience = Number.POSITIVE_INFINITY } = options;
  if (options.patience !== undefined) {
    if (!(Number.isInteger(patience) && patience >= 1))
      throw invalidArgument("patience", "an integer of 1 or more", patience);
    if (validation === undefined) throw new InvalidArgumentError("patience", "patience: needs validation");
  }
  if (folder === undefined || options.lock !== undefined) return train(trainer, options);
  const lock = await lockFolder(folder);
  try {
    return await train(trainer, options);
  } finally {
    await lock.release();
  }
}

async function train(trainer: Trainer, options: FitOptions): Promise<FitResult> {
  const {
    epochs,
    folder,
    validation,
    selection = "loss",
    config,
    patience = Number.POSITIVE_INFINITY,
  } = options;
  const kept = options.resume ? await restore(trainer, options) : undefined;
  const history = [...(kept?.history ?? [])];
  let bestEpoch = kept?.bestEpoch ?? 0;
  const rotation = folder === undefined ? undefined : new CheckpointRotation(folder);
  if (kept === undefined) await rotation?.begin();
  // Patience follows from the history alone, so a resumed run stops where an uninterrupted one does.
  const outOfPatience = (): boolean => history.length - bestEpoch >= patience && bestEpoch > 0;
  for (let epoch = history.length; epoch < epochs && !outOfPatience(); epoch++) {
    trainer.epoch = epoch;
    const record = {
      ...(await trainEpoch(trainer, epoch, options)),
      ...(await validate(trainer, epoch, validation)),
    };
    history.push(record);
    const best =
      bestEpoch === 0 || validation === undefined || isBetter(record, history[bestEpoch - 1]!, selection);
    if (best) bestEpoch = epoch + 1;
    if (folder !== undefined && rotation !== undefined) {
      const extra: Kept = { history, bestEpoch, ...(config === undefined ? {} : { config }) };
      if (best) await trainer.save(join(folder, checkpointFiles.best), extra);
      await rotation.saveLast((path) => trainer.save(path, extra));
      await writeFileAtomic(join(folder, checkpointFiles.log), new TextEncoder().encode(logOf(history)));
    }
    options.onEpoch?.(record, best);
  }
  return { history, bestEpoch, stoppedEarly: history.length < epochs };
}

async function restore(trainer: Trainer, { folder = "", resume, onDifference }: FitOptions): Promise<Kept> {
  const path = typeof resume === "string" ? resume : join(folder, checkpointFiles.last);
  const { differences, extra } = await trainer.restore(path);
  const kept = extra as Partial<Kept> | undefined;
  if (!Array.isArray(kept?.history) || !Number.isInteger(kept.bestEpoch)) {
    throw new FormatError(path, "state.extra", "holds no history of epochs: not written by fit");
  }
  for (const difference of differences) onDifference?.(difference);
  return kept as Kept;
}

function isBetter(record: EpochRecord, best: EpochRecord, selection: Selection): boolean {
  switch (selection) {
    case "loss":
      return record.validationLoss! < best.validationLoss!;
    case "dice":
      return record.validationDice! > best.validationDice!;
    case "nll":
      return record.validationNll! < (best.validationNll ?? Number.POSITIVE_INFINITY);
  }
}

async function trainEpoch(trainer: Trainer, epoch: number, options: FitOptions): Promise<EpochRecord> {
  const { train, epochs, prefetch: count = 2, onProgress } = options;
  const mean = new Mean();
  const terms = new Map<string, Mean>();
  let { learningRate } = trainer;
  let batch = 0;
  for await (const prepared of prefetch(train.epoch(epoch), count, (next) => withTargets(trainer, next))) {
    batch += 1;
    const result = await trainer.step(prepared).catch((cause: unknown) => {
      if (!(cause instanceof DivergedError)) throw cause;
      throw new TrainingAbortedError(epoch + 1, batch, cause.what, { cause });
    });
    learningRate = result.learningRate;
    const images = prepared.images.dims[0]!;
    mean.add(result.loss, images);
    for (const [name, value] of Object.entries(result.terms)) {
      if (!terms.has(name)) terms.set(name, new Mean());
      terms.get(name)!.add(value, images);
    }
    onProgress?.({ epoch: epoch + 1, epochs, batch, loss: result.loss, meanLoss: mean.value, learningRate });
  }
  if (batch === 0) throw new InvalidArgumentError("train", `train: epoch ${epoch + 1} has no batches`);
  const trainTerms = Object.fromEntries(Array.from(terms, ([name, term]) => [name, term.value]));
  return { epoch: epoch + 1, learningRate, trainLoss: mean.value, trainTerms };
}

async function validate(
  trainer: Trainer,
  epoch: number,
  validation: BatchSource | undefined,
): Promise<Pick<EpochRecord, "validationLoss" | "validationDice" | "validationNll">> {
  if (validation === undefined) return {};
  const loss = new Mean();
  const dice = new Mean();
  const nll = new Mean();
  let batch = 0;
  for await (const prepared of prefetch(validation.epoch(0), 2, (next) => withTargets(trainer, next))) {
    batch += 1;
    const values = await trainer.evaluateLoss(prepared);
    if (!Number.isFinite(values.loss)) {
      throw new TrainingAbortedError(epoch + 1, batch, `the validation loss is ${values.loss}`);
    }
    loss.add(values.loss, prepared.images.dims[0]!);
    for (const score of await foregroundDice(values.logits, prepared.labels, trainer.loss.ignore))
      if (!Number.isNaN(score)) dice.add(score, 1);
    for (const score of await labelNll(values.logits, prepared.labels, trainer.loss.ignore))
      if (!Number.isNaN(score)) nll.add(score, 1);
  }
  if (batch === 0) throw new InvalidArgumentError("validation", "validation: has no batches");
  return { validationLoss: loss.value, validationDice: dice.value, validationNll: nll.value };
}

async function withTargets(trainer: Trainer, batch: TrainingBatch): Promise<TrainingBatch> {
  return batch.targets === undefined ? { ...batch, targets: await trainer.targets(batch) } : batch;
}

class Mean {
  #total = 0;
  #count = 0;
  add(value: number, count: number): void {
    this.#total += value * count;
    this.#count += count;
  }
  get value(): number {
    return this.#total / this.#count;
  }
}

function logOf(history: readonly EpochRecord[]): string {
  const terms = Object.keys(history[0]?.trainTerms ?? {});
  const validated = history[0]?.validationLoss !== undefined;
  const columns = ["epoch", "learning_rate", "train_loss", ...terms.map((name) => `train_${name}`)];
  if (validated) columns.push("validation_loss", "validation_dice", "validation_nll");
  const rows = history.map((record) => {
    const row = [
      record.epoch,
      record.learningRate,
      record.trainLoss,
      ...terms.map((name) => record.trainTerms[name]),
    ];
    return validated ? [...row, record.validationLoss, record.validationDice, record.validationNll] : row;
  });
  return `${[columns, ...rows].map((row) => row.join(",")).join("\n")}\n`;
}
