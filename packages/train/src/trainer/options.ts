import { availableParallelism } from "node:os";
import type { Labels, Tensor } from "@pixelcal/core";
import { checkLabels, checkOptions, checkTensor, invalidArgument, optionNames } from "@pixelcal/core";
import type { Graph } from "@pixelcal/graph";
import type { Loss } from "@pixelcal/losses";
import type { ModelEnds } from "../model/canonical.js";
import type { AnyModel, FileOptions } from "../model/source.js";
import type { Optimizer } from "../optimizer/optimizer.js";
import { type ParameterGroup, parameterGroupNames } from "../optimizer/parameter-groups.js";
import type { Schedule } from "../optimizer/schedule.js";
import { selected, selectionNames, type TrainableSelection } from "../optimizer/trainable.js";
import type { Tensors, TrainDevice } from "../runtime/session.js";
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

export interface TrainerOptions extends Omit<ModelEnds, "outputs">, FileOptions {
  readonly model: AnyModel;
  /**
   * Weight in the loss of each output to train, by name; the first is the one that is predicted and validated. Needed
   * where the model has several (deep supervision, auxiliary heads).
   */
  readonly outputs?: Readonly<Record<string, number>>;
  readonly loss: Loss;
  readonly optimizer?: Optimizer;
  readonly schedule?: Schedule;
  readonly device?: TrainDevice;
  /** The usual batch's image dims [N, C, ...spatial]; other batch sizes and sizes follow on demand. */
  readonly batch: readonly number[];
  /**
   * Parameters to train: a selection, a test of the name, or beginnings of names. By default every float32 array of one
   * axis or more that a layer, a product or a sum takes.
   */
  readonly trainable?: TrainableSelection | ((name: string) => boolean) | readonly string[];
  /** "frozen": batch norms use their running statistics in training too, and keep them; "update" by default. */
  readonly batchNorm?: "update" | "frozen";
  /** Learning rates other than the optimizer's. */
  readonly groups?: readonly ParameterGroup[];
  /** Decay of moving averages of the weights, 0.999 for example. They are then what is validated, predicted with and exported. */
  readonly ema?: number;
  /** Gradients are scaled down to this global norm. */
  readonly clipNorm?: number;
  /** Batches whose gradients are averaged into one update; 1 by default. */
  readonly accumulate?: number;
  /** Seed of the initial weights of a `Model`. */
  readonly seed?: number;
  readonly threads?: number;
}

const names = optionNames<TrainerOptions>({
  model: true,
  outputs: true,
  classAxis: true,
  channelAxis: true,
  externalData: true,
  tiedWeights: true,
  loss: true,
  optimizer: true,
  schedule: true,
  device: true,
  batch: true,
  trainable: true,
  batchNorm: true,
  groups: true,
  ema: true,
  clipNorm: true,
  accumulate: true,
  seed: true,
  threads: true,
});

/** Returns the options of a trainer; throws unless they, and those of the selection and groups in them, are known. */
export function checkTrainerOptions(options: TrainerOptions): TrainerOptions {
  checkOptions("options", options, names);
  const { trainable, groups } = options;
  if (trainable !== undefined && isSelection(trainable)) {
    checkOptions("options.trainable", trainable, selectionNames);
  }
  groups?.forEach((group, i) => void checkOptions(`options.groups[${i}]`, group, parameterGroupNames));
  return options;
}

/** The weights to use: as they are, or their moving averages, which are the default where the trainer keeps them. */
export interface WeightsChoice {
  readonly weights?: "trained" | "averaged";
}

const choiceNames = optionNames<WeightsChoice>({ weights: true });

/** Returns the weights to use; throws unless they are known and kept. */
export function chosenWeights(choice: WeightsChoice, averaged: boolean): WeightsChoice["weights"] {
  checkOptions("choice", choice, choiceNames);
  const { weights } = choice;
  if (weights !== undefined && weights !== "trained" && weights !== "averaged")
    throw invalidArgument("weights", "trained or averaged", weights);
  if (weights === "averaged" && !averaged)
    throw invalidArgument("weights", "trained, as no averages are kept (option ema)", weights);
  return weights;
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
export function chosen(
  model: Graph,
  names: readonly string[],
  trainable: TrainerOptions["trainable"],
): readonly string[] {
  if (names.length === 0) throw invalidArgument("model", "arrays that can be trained", "none");
  if (trainable === undefined) return names;
  const kept = isSelection(trainable)
    ? selected(model, names, trainable)
    : names.filter(typeof trainable === "function" ? trainable : startsWithOne(trainable, names));
  if (kept.length === 0) throw invalidArgument("trainable", "at least one parameter", "none");
  return kept;
}

const isSelection = (trainable: NonNullable<TrainerOptions["trainable"]>): trainable is TrainableSelection =>
  typeof trainable === "object" && !Array.isArray(trainable);

/** Weights of the outputs in their order; throws unless they are numbers of 0 or more with a sum. */
export function outputWeights(outputs: TrainerOptions["outputs"]): readonly number[] {
  const weights = Object.values(outputs ?? { only: 1 });
  for (const [name, weight] of Object.entries(outputs ?? {})) {
    if (!(weight >= 0 && Number.isFinite(weight)))
      throw invalidArgument(`outputs.${name}`, "a weight of 0 or more", weight);
  }
  if (!weights.some((weight) => weight > 0)) throw invalidArgument("outputs", "a weight above 0", "none");
  return weights;
}

function startsWithOne(beginnings: readonly string[], names: readonly string[]): (name: string) => boolean {
  for (const beginning of beginnings) {
    if (!names.some((name) => name.startsWith(beginning))) {
      throw invalidArgument("trainable", `beginnings of ${names.join(", ")}`, beginning);
    }
  }
  return (name) => beginnings.some((beginning) => name.startsWith(beginning));
}

/** The options that are numbers, checked, and `batchNorm` with them. */
export function checkNumbers(options: TrainerOptions): {
  readonly clipNorm: number;
  readonly accumulate: number;
  readonly threads: number;
} {
  const { clipNorm = Number.POSITIVE_INFINITY, accumulate = 1, threads = availableParallelism() } = options;
  const { batchNorm = "update" } = options;
  if (!(clipNorm > 0)) throw invalidArgument("clipNorm", "a positive number", clipNorm);
  if (!(Number.isInteger(accumulate) && accumulate >= 1)) {
    throw invalidArgument("accumulate", "an integer of 1 or more", accumulate);
  }
  if (batchNorm !== "update" && batchNorm !== "frozen")
    throw invalidArgument("batchNorm", "update or frozen", batchNorm);
  return { clipNorm, accumulate, threads };
}

/** Throws `InvalidArgumentError` unless labels [N, ...spatial] belong to images [N, C, ...spatial], both whole tensors; returns the images' dims. */
export function checkBatch(batch: TrainingBatch): readonly number[] {
  if (typeof batch !== "object" || batch === null) throw invalidArgument("batch", "images and labels", batch);
  const { images, labels } = batch;
  checkTensor("images", images, ["float32"], [3, 5]);
  checkLabels(labels);
  const [count, , ...size] = images.dims;
  const wanted = [count, ...size];
  if (labels.dims.length !== wanted.length || labels.dims.some((n, axis) => n !== wanted[axis])) {
    throw invalidArgument("labels", `[${wanted.join(", ")}] for images [${images.dims}]`, `[${labels.dims}]`);
  }
  return images.dims;
}

/** What a checkpoint records of the options beside model, loss, optimizer and schedule; nothing when all is as usual. */
export function settingsOf(options: TrainerOptions): { readonly settings?: string } {
  const {
    accumulate = 1,
    clipNorm = Number.POSITIVE_INFINITY,
    batchNorm = "update",
    groups,
    ema,
    outputs,
  } = options;
  const settings = {
    ...(accumulate !== 1 && { accumulate }),
    ...(Number.isFinite(clipNorm) && { clipNorm }),
    ...(batchNorm !== "update" && { batchNorm }),
    ...(groups !== undefined && { groups }),
    ...(ema !== undefined && { ema }),
    ...(outputs !== undefined && { outputs }),
  };
  return Object.keys(settings).length === 0 ? {} : { settings: JSON.stringify(settings) };
}
