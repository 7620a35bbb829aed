import { InvalidArgumentError } from "@pixelcal/core";
import { prefetch } from "@pixelcal/io";
import type { Share } from "../data/shares.js";
import { DivergedError } from "./diverged-error.js";
import type { EpochRecord, ValidationRecord } from "./epoch-record.js";
import { emptyScores, scoresOfAll } from "./region-scores.js";
import type { Trainer } from "./trainer.js";
import type { TrainingBatch } from "./training-batch.js";

/**
 * Batches by epoch. An epoch's batches depend on its number alone, so a resumed run sees the same batches.
 */
export interface BatchSource {
  epoch(epoch: number): AsyncIterable<TrainingBatch> | Iterable<TrainingBatch>;
  /** Returns the batches of an epoch but the first `skip`; without it they are read and dropped. */
  after?(epoch: number, skip: number): AsyncIterable<TrainingBatch> | Iterable<TrainingBatch>;
  /**
   * Returns every `size`-th batch of an epoch from the `rank`-th on; without it the others are read and
   * dropped. For the validation of several processes.
   */
  dealt?(epoch: number, share: Share): AsyncIterable<TrainingBatch> | Iterable<TrainingBatch>;
}

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

interface EpochOptions {
  readonly train: BatchSource;
  readonly epochs: number;
  readonly prefetch?: number;
  onProgress?(progress: Progress): void;
}

/** The first batches of an epoch, of which the rest is still to train. */
export interface BegunEpoch {
  readonly epoch: number;
  /** Batches done. */
  readonly batches: number;
  /** The learning rate of the last of them. */
  readonly learningRate: number;
  readonly loss: MeanState;
  readonly terms: Readonly<Record<string, MeanState>>;
}

interface EpochState {
  /** The batches that are done already, if any. */
  readonly begun?: BegunEpoch | undefined;
  /** Called after every batch with what is done, and its loss. */
  onBatch?(begun: () => BegunEpoch, loss: number): Promise<void>;
}

/**
 * Trains one epoch, counted from 0, or what is left of it. Throws `TrainingAbortedError` if the loss is not
 * finite.
 */
export async function trainEpoch(
  trainer: Trainer,
  epoch: number,
  options: EpochOptions,
  { begun, onBatch }: EpochState = {},
): Promise<EpochRecord> {
  const { train, epochs, prefetch: count = 2, onProgress } = options;
  const mean = new Mean(begun?.loss);
  const before = Object.entries(begun?.terms ?? {});
  const terms = new Map(before.map(([name, state]) => [name, new Mean(state)]));
  let { learningRate } = begun ?? trainer;
  let batch = begun?.batches ?? 0;
  const batches =
    batch === 0
      ? train.epoch(epoch)
      : (train.after?.(epoch, batch) ?? chosen(train.epoch(epoch), (at) => at >= batch));
  for await (const prepared of prefetch(batches, count, (next) => withTargets(trainer, next))) {
    batch += 1;
    const result = await trainer.step(prepared).catch((cause: unknown) => {
      if (!(cause instanceof DivergedError)) throw cause;
      throw new TrainingAbortedError(epoch + 1, batch, cause.what, { cause });
    });
    learningRate = result.learningRate;
    const images = prepared.shares?.reduce((sum, share) => sum + share) ?? prepared.images.dims[0]!;
    mean.add(result.loss, images);
    for (const [name, value] of Object.entries(result.terms)) {
      if (!terms.has(name)) terms.set(name, new Mean());
      terms.get(name)!.add(value, images);
    }
    onProgress?.({ epoch: epoch + 1, epochs, batch, loss: result.loss, meanLoss: mean.value, learningRate });
    const done = (): BegunEpoch => ({
      epoch,
      batches: batch,
      learningRate,
      loss: mean.state,
      terms: Object.fromEntries(Array.from(terms, ([name, term]) => [name, term.state])),
    });
    await onBatch?.(done, result.loss);
  }
  if (batch === 0) throw new InvalidArgumentError("train", `train: epoch ${epoch + 1} has no batches`);
  const trainTerms = Object.fromEntries(Array.from(terms, ([name, term]) => [name, term.value]));
  return { epoch: epoch + 1, learningRate, trainLoss: mean.value, trainTerms };
}

async function* chosen(
  batches: AsyncIterable<TrainingBatch> | Iterable<TrainingBatch>,
  isChosen: (at: number) => boolean,
): AsyncGenerator<TrainingBatch> {
  let at = 0;
  for await (const batch of batches) if (isChosen(at++)) yield batch;
}

/**
 * Returns the validation scores of an epoch, counted from 0; none without validation batches. Several
 * processes score a share of the batches each, and all get the same record.
 */
export async function validate(
  trainer: Trainer,
  epoch: number,
  validation: BatchSource | undefined,
): Promise<ValidationRecord> {
  if (validation === undefined) return {};
  // A loss that follows the split needs all of it in every process.
  const exchange = trainer.loss.state === undefined ? trainer.exchange : undefined;
  const { rank, size } = exchange ?? { rank: 0, size: 1 };
  const { regions, ignore } = trainer.loss;
  const scores = emptyScores({ classes: trainer.classes, regions, ignore });
  const batches =
    size === 1
      ? validation.epoch(0)
      : (validation.dealt?.(0, { rank, size }) ?? chosen(validation.epoch(0), (at) => at % size === rank));
  let batch = rank;
  for await (const prepared of prefetch(batches, 2, (next) => withTargets(trainer, next))) {
    const { loss, logits } = await trainer.evaluateLoss(prepared);
    if (!Number.isFinite(loss))
      throw new TrainingAbortedError(epoch + 1, batch + 1, `the validation loss is ${loss}`);
    await trainer.loss.state?.observe(logits, prepared.targets!);
    await scores.add({ batch, loss, filled: prepared.filled }, logits, prepared.labels);
    batch += size;
  }
  const all = await scoresOfAll(exchange, scores);
  if (all.isEmpty) throw new InvalidArgumentError("validation", "validation: has no batches");
  trainer.loss.state?.update();
  const { loss, dice, ece, pece, nll, classes } = all.compute();
  return {
    validationLoss: loss,
    validationDice: dice,
    validationNll: nll,
    validationEce: ece,
    validationPece: pece,
    validationClasses: classes,
  };
}

async function withTargets(trainer: Trainer, batch: TrainingBatch): Promise<TrainingBatch> {
  return batch.targets === undefined ? { ...batch, targets: await trainer.targets(batch) } : batch;
}

/** The sum of the values of a mean, and their number. */
type MeanState = readonly [total: number, count: number];

class Mean {
  #total: number;
  #count: number;
  constructor([total, count]: MeanState = [0, 0]) {
    this.#total = total;
    this.#count = count;
  }
  add(value: number, count: number): void {
    this.#total += value * count;
    this.#count += count;
  }
  get value(): number {
    return this.#total / this.#count;
  }
  get state(): MeanState {
    return [this.#total, this.#count];
  }
}
