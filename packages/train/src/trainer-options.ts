import { availableParallelism } from "node:os";
import type { Labels, Tensor } from "@pixelcal/core";
import { invalidArgument } from "@pixelcal/core";
import type { Graph } from "@pixelcal/graph";
import type { Loss } from "@pixelcal/losses";
import type { Model } from "./models/model.js";
import type { Optimizer } from "./optimizer.js";
import type { Schedule } from "./schedule.js";
import type { Tensors, TrainDevice } from "./session.js";
import type { LossValues } from "./step-graph.js";

/** Images [N, C, ...spatial] with their labels [N, ...spatial]. */
export interface TrainingBatch {
  readonly images: Tensor<"float32">;
  readonly labels: Labels;
  /** Physical size per spatial axis, for losses that measure distances. */
  readonly spacing?: readonly number[];
  /** What `Trainer.targets` gave for these labels, when it was computed ahead. */
  readonly targets?: Tensors;
}

export interface TrainerOptions {
  readonly model: Model | Graph | Uint8Array;
  readonly loss: Loss;
  readonly optimizer?: Optimizer;
  readonly schedule?: Schedule;
  readonly device?: TrainDevice;
  /** The usual batch's image dims [N, C, ...spatial]; other batch sizes and sizes follow on demand. */
  readonly batch: readonly number[];
  /**
   * Parameters to train: a test of the name, or beginnings of names. By default every float32 array of one axis or more
   * that a layer, a product or a sum takes.
   */
  readonly trainable?: ((name: string) => boolean) | readonly string[];
  /** Gradients are scaled down to this global norm. */
  readonly clipNorm?: number;
  /** Batches whose gradients are averaged into one update; 1 by default. */
  readonly accumulate?: number;
  /** Seed of the initial weights of a `Model`. */
  readonly seed?: number;
  readonly threads?: number;
}

export interface StepResult extends LossValues {
  /** Global norm of the averaged gradients before clipping; undefined while gradients are being accumulated. */
  readonly gradientNorm?: number;
  readonly learningRate: number;
}

/** The loss or its gradient stopped being a number; parameters and buffers are as before the step. */
export class DivergedError extends Error {
  /** For example "the loss is NaN". */
  readonly what: string;
  constructor(what: string, updates: number) {
    super(`training diverged: ${what} after ${updates} updates`);
    this.name = "DivergedError";
    this.what = what;
  }
}

export function checkFinite(what: string, value: number, updates: number): void {
  if (!Number.isFinite(value)) throw new DivergedError(`the ${what} is ${value}`, updates);
}

/** The parameters that the `trainable` option leaves to train. */
export function chosen(names: readonly string[], trainable: TrainerOptions["trainable"]): readonly string[] {
  if (trainable === undefined) return names;
  const test = typeof trainable === "function" ? trainable : startsWithOne(trainable, names);
  const kept = names.filter(test);
  if (kept.length === 0) throw invalidArgument("trainable", "at least one parameter", "none");
  return kept;
}

function startsWithOne(beginnings: readonly string[], names: readonly string[]): (name: string) => boolean {
  for (const beginning of beginnings) {
    if (!names.some((name) => name.startsWith(beginning))) {
      throw invalidArgument("trainable", `beginnings of ${names.join(", ")}`, beginning);
    }
  }
  return (name) => beginnings.some((beginning) => name.startsWith(beginning));
}

/** The options that are numbers, checked. */
export function checkNumbers(options: TrainerOptions): {
  readonly clipNorm: number;
  readonly accumulate: number;
  readonly threads: number;
} {
  const { clipNorm = Number.POSITIVE_INFINITY, accumulate = 1, threads = availableParallelism() } = options;
  if (!(clipNorm > 0)) throw invalidArgument("clipNorm", "a positive number", clipNorm);
  if (!(Number.isInteger(accumulate) && accumulate >= 1)) {
    throw invalidArgument("accumulate", "an integer of 1 or more", accumulate);
  }
  return { clipNorm, accumulate, threads };
}

/** Throws `InvalidArgumentError` unless labels [N, ...spatial] belong to images [N, C, ...spatial]. */
export function checkBatch({ images, labels }: TrainingBatch): void {
  const [count, , ...size] = images.dims;
  const wanted = [count, ...size];
  if (labels.dims.length !== wanted.length || labels.dims.some((n, axis) => n !== wanted[axis])) {
    throw invalidArgument("labels", `[${wanted.join(", ")}] for images [${images.dims}]`, `[${labels.dims}]`);
  }
}
