import { availableParallelism } from "node:os";
import { checkOptions, InvalidArgumentError, invalidArgument, optionNames } from "@pixelcal/core";
import { type Graph, OnnxFile } from "@pixelcal/graph";
import type { Loss } from "@pixelcal/losses";
import { type CanonicalOptions, readingNames } from "../model/canonical.js";
import { type AnyModel, type FileOptions, isDescription } from "../model/source.js";
import type { Optimizer } from "../optimizer/optimizer.js";
import { type ParameterGroup, parameterGroupNames } from "../optimizer/parameter-groups.js";
import type { Schedule } from "../optimizer/schedule.js";
import { selected, selectionNames, type TrainableSelection } from "../optimizer/trainable.js";
import type { TrainDevice } from "../runtime/session.js";
import type { Exchange } from "./exchange.js";
import type { LossValues } from "./step-graph.js";

export interface TrainerOptions extends Omit<CanonicalOptions, "outputs">, FileOptions {
  readonly model: AnyModel;
  /**
   * The weight in the loss of each output to train, by name; the first output is predicted and validated.
   * Required if an ONNX file has several outputs (deep supervision, auxiliary heads); a `Model` says its own
   * weights, which these replace.
   */
  readonly outputs?: Readonly<Record<string, number>>;
  readonly loss: Loss;
  readonly optimizer?: Optimizer;
  readonly schedule?: Schedule;
  readonly device?: TrainDevice;
  /** The usual batch's image dims [N, C, ...spatial]; graphs for other dims are built on demand. */
  readonly batch: readonly number[];
  /**
   * The parameters to train: a selection, a test of the name, or prefixes of names. By default every float32
   * array of one axis or more that a layer, a product or a sum takes.
   */
  readonly trainable?: TrainableSelection | ((name: string) => boolean) | readonly string[];
  /** "frozen": batch norms use and keep their running statistics in training too; "update" by default. */
  readonly batchNorm?: "update" | "frozen";
  /** Parameters with learning rates of their own. */
  readonly groups?: readonly ParameterGroup[];
  /**
   * The decay of exponential moving averages of the weights, for example 0.999. The averages are then
   * validated, predicted with and exported.
   */
  readonly ema?: number;
  /** The global norm that gradients are scaled down to; no limit by default. */
  readonly clipNorm?: number;
  /** Batches whose gradients are averaged into one update; 1 by default. */
  readonly accumulate?: number;
  /** Seed of the initial weights of a `Model`. */
  readonly seed?: number;
  readonly threads?: number;
  /**
   * The processes that train the model together, each a share of every batch; by default this one alone.
   * Losses, gradients and running statistics are averaged over the images of all shares before an update, so
   * that every process has the same weights. Batch norms normalise by their own share, and a loss that is no
   * mean over images is the mean of its shares' losses, as in PyTorch's DDP.
   */
  readonly exchange?: Exchange;
}

const names = optionNames<TrainerOptions>({
  model: true,
  outputs: true,
  ...readingNames,
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
  exchange: true,
});

/**
 * Returns the options of a trainer; throws unless they, and those of the selection and groups in them, are
 * known.
 */
export function checkTrainerOptions(options: TrainerOptions): TrainerOptions {
  checkOptions("options", options, names);
  const { trainable, groups } = options;
  if (trainable !== undefined && isSelection(trainable)) {
    checkOptions("options.trainable", trainable, selectionNames);
  }
  groups?.forEach((group, i) => void checkOptions(`options.groups[${i}]`, group, parameterGroupNames));
  const { model } = options;
  if (model instanceof Uint8Array) return { ...options, model: new OnnxFile(model) };
  const supervision = isDescription(model) ? model.supervision?.weights : undefined;
  if (supervision === undefined) return options;
  const { outputs = supervision } = options;
  const [known, got] = [supervision, outputs].map((weights) => Object.keys(weights).join(", "));
  if (known !== got) throw invalidArgument("outputs", `weights of ${known}, in this order`, got);
  return { ...options, outputs };
}

/** The weights to use: as trained, or their moving averages, which are the default if option `ema` is set. */
export interface WeightsChoice {
  readonly weights?: "trained" | "averaged";
}

const choiceNames = optionNames<WeightsChoice>({ weights: true });

/**
 * Returns the weights to use. Throws `InvalidArgumentError` for unknown weights, or averages without option
 * `ema`.
 */
export function chosenWeights(choice: WeightsChoice, averaged: boolean): WeightsChoice["weights"] {
  checkOptions("choice", choice, choiceNames);
  const { weights } = choice;
  if (weights !== undefined && weights !== "trained" && weights !== "averaged")
    throw invalidArgument("weights", "trained or averaged", weights);
  if (weights === "averaged" && !averaged)
    throw invalidArgument("weights", "trained, as averages need option ema", weights);
  return weights;
}

export interface StepResult extends LossValues {
  /** The global norm of the mean gradient before clipping; undefined for batches without an update. */
  readonly gradientNorm?: number;
  readonly learningRate: number;
}

/** Returns the parameters that option `trainable` selects. */
export function chosen(
  model: Graph,
  names: readonly string[],
  trainable: TrainerOptions["trainable"],
): readonly string[] {
  if (names.length === 0) throw new InvalidArgumentError("model", "model: has no arrays that can be trained");
  if (trainable === undefined) return names;
  const kept = isSelection(trainable)
    ? selected(model, names, trainable)
    : names.filter(typeof trainable === "function" ? trainable : startsWithOne(trainable, names));
  if (kept.length === 0) throw new InvalidArgumentError("trainable", "trainable: selects no parameter");
  return kept;
}

const isSelection = (trainable: NonNullable<TrainerOptions["trainable"]>): trainable is TrainableSelection =>
  typeof trainable === "object" && !Array.isArray(trainable);

/**
 * Returns the weights of the outputs in their order. Throws `InvalidArgumentError` unless they are 0 or more,
 * one above 0.
 */
export function outputWeights(outputs: TrainerOptions["outputs"]): readonly number[] {
  const weights = Object.values(outputs ?? { only: 1 });
  for (const [name, weight] of Object.entries(outputs ?? {})) {
    if (!(weight >= 0 && Number.isFinite(weight)))
      throw invalidArgument(`outputs.${name}`, "a weight of 0 or more", weight);
  }
  if (!weights.some((weight) => weight > 0))
    throw new InvalidArgumentError("outputs", "outputs: every weight is 0; give one above 0");
  return weights;
}

function startsWithOne(beginnings: readonly string[], names: readonly string[]): (name: string) => boolean {
  for (const beginning of beginnings) {
    if (!names.some((name) => name.startsWith(beginning))) {
      throw new InvalidArgumentError("trainable", `trainable: no parameter starts with "${beginning}"`);
    }
  }
  return (name) => beginnings.some((beginning) => name.startsWith(beginning));
}

/** Returns the numeric options. Throws `InvalidArgumentError` unless they and `batchNorm` are valid. */
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
  if (options.device === "webgpu" && (options.exchange?.size ?? 1) > 1)
    throw new InvalidArgumentError("device", "device: webgpu trains in one process; expected cpu or cuda");
  return { clipNorm, accumulate, threads };
}

/** Returns the other options that a checkpoint records; empty if all are defaults. */
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
