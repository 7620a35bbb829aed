import { invalidArgument } from "@pixelcal/core";
import { OnnxFile, replaceWeights } from "@pixelcal/graph";
import { withCarriedReading } from "../model/carried-reading.js";
import { imageAndLogits } from "../model/image-and-logits.js";
import { isDescription, type ModelSource, modelSource } from "../model/source.js";
import { constant, type Schedule } from "../optimizer/schedule.js";
import { runtimeVersion, type TrainDevice } from "../runtime/session.js";
import type { TrainingState } from "./checkpoint.js";
import { DeviceWeights } from "./device-weights.js";
import type { Exchange } from "./exchange.js";
import { HostState } from "./host-state.js";
import { HostWeights } from "./host-weights.js";
import {
  checkNumbers,
  checkTrainerOptions,
  outputWeights,
  settingsOf,
  type TrainerOptions,
} from "./options.js";
import { TrainingSessions } from "./sessions.js";
import type { Weights } from "./weights.js";

/** The parts of a trainer, made from its options. */
export interface Setup {
  readonly options: TrainerOptions;
  readonly source: ModelSource;
  /** Names of the model, its image and the first logits output. */
  readonly names: { readonly model: string; readonly image: string; readonly logits: string };
  readonly classes: number;
  readonly device: TrainDevice;
  readonly threads: number;
  /** The global norm that gradients are scaled down to; Infinity by default. */
  readonly clipNorm: number;
  /** Batches to an update. */
  readonly accumulate: number;
  readonly schedule: Schedule;
  /** The other processes of the training, if there are any. */
  readonly exchange: Exchange | undefined;
  /** The version of onnxruntime. */
  readonly runtime: string;
  readonly state: HostState;
  readonly weights: Weights;
  readonly sessions: TrainingSessions;
}

/**
 * Makes the parts of a trainer and compiles the step for the usual batch, so that what cannot be trained
 * fails here. Throws `InvalidArgumentError` for options, `DeviceError` if the device cannot run the step.
 */
export async function setUp(given: TrainerOptions): Promise<Setup> {
  const checked = checkTrainerOptions(given);
  const options = withCarriedReading(checked.model, checked);
  const { outputs, loss, device = "cpu", batchNorm, schedule = constant(), exchange, ...rest } = options;
  const numbers = checkNumbers(options);
  const { regions } = loss;
  const chosen = outputs && { outputs: Object.keys(outputs) };
  const trained = (isDescription(options.model) && options.model.supervision) || undefined;
  const source: ModelSource = trained
    ? (dims) => trained.build(dims, options.seed)
    : modelSource(options.model, { ...rest, ...chosen }, regions && { heads: true, onMultiLabel: () => {} });
  const model = source(options.batch);
  const runtime = await runtimeVersion();
  const { threads } = numbers;
  const { image, logits } = imageAndLogits(model);
  if (regions !== undefined && logits.dims[1] !== regions.length)
    throw invalidArgument("model", `${regions.length} channels, one a region`, logits.dims[1]);
  const outputNames = [...model.outputs.keys()];
  const lossWeights = outputWeights(outputs);
  const state = new HostState(model, options);
  // Training is of no use if the file cannot take the new weights.
  if (options.model instanceof OnnxFile) replaceWeights(options.model, state.model);
  const weights =
    device === "webgpu"
      ? await DeviceWeights.create(state, device)
      : new HostWeights(state, {
          logits: outputNames,
          frozenNorms: batchNorm === "frozen",
          exchange: othersIn(exchange),
        });
  const { trainable } = state;
  const { packs, kept } = weights;
  const step = { loss, device, trainable, weights: lossWeights, batchNorm, threads, packs };
  const sessions = new TrainingSessions(source, step, kept);
  try {
    await sessions.open("step", options.batch);
  } catch (error) {
    await sessions.close();
    await weights.close();
    throw error;
  }
  const names = { model: model.name, image: image.name, logits: outputNames[0]! };
  const classes = logits.dims[1]!;
  const run = { device, schedule, runtime, ...numbers, exchange: othersIn(exchange) };
  return { options, source, names, classes, ...run, state, weights, sessions };
}

/** Returns the exchange of a training; undefined if there is nobody to exchange with. */
const othersIn = (exchange: Exchange | undefined): Exchange | undefined =>
  (exchange?.size ?? 1) > 1 ? exchange : undefined;

/** Returns what a checkpoint records beside the arrays. */
export function checkpointState(setup: Setup, epoch: number, extra: unknown): TrainingState {
  const { options, names, device, threads, schedule, runtime, exchange, state } = setup;
  const { updates, pending, optimizer } = state;
  return {
    updates,
    epoch,
    pending,
    model: names.model,
    loss: `${options.loss.name} (${options.loss.preset})`,
    optimizer: `${optimizer.name} ${JSON.stringify(optimizer.settings)}`,
    schedule: `${schedule.name} ${JSON.stringify(schedule.settings)}`,
    ...settingsOf(options),
    device,
    threads,
    runtime,
    ...(exchange !== undefined && { ranks: exchange.size }),
    ...(extra === undefined ? {} : { extra }),
  };
}
