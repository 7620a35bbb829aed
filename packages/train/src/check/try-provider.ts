import { Random, type Tensor, zeros } from "@pixelcal/core";
import type { Graph, OnnxFile } from "@pixelcal/graph";
import { crossEntropy } from "@pixelcal/losses";
import type { CanonicalOptions } from "../model/canonical.js";
import { rolesOf } from "../model/image-and-logits.js";
import type { FileOptions } from "../model/source.js";
import { Network } from "../predict/network.js";
import { createSession, type TrainDevice } from "../runtime/session.js";
import { DivergedError } from "../trainer/diverged-error.js";
import { buildInferenceGraph } from "../trainer/step-graph.js";
import { Trainer } from "../trainer/trainer.js";
import type { TrainingBatch } from "../trainer/training-batch.js";

type TrialOptions = CanonicalOptions & FileOptions & { readonly threads?: number };

/** The distribution of the pixels of example images: standard normal, or uniform from 0 to 1. */
type Pixels = "normal" | "uniform";

export interface ProviderReport {
  readonly device: TrainDevice;
  /** Whether a prediction and a training step ran there, every operator on the device. */
  readonly predicts: boolean;
  readonly trains: boolean;
  /**
   * The pixels of the images it trained on: standard normal, or uniform from 0 to 1 if it diverged on
   * those.
   */
  readonly fed?: Pixels;
  /** Milliseconds of one step, the least of a few that were measured. */
  readonly stepMilliseconds?: number;
  readonly problem?: string;
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Runs a prediction and training steps on a device, and says how that went. */
export async function tryProvider(
  device: TrainDevice,
  file: OnnxFile,
  model: Graph,
  dims: readonly number[],
  { threads, outputs = [], ...rest }: TrialOptions,
): Promise<ProviderReport> {
  let predicts = false;
  try {
    const { images } = exampleBatch(model, dims, "normal");
    const { parameters, buffers } = rolesOf(model);
    const weights = [...parameters, ...buffers].map((name) => [name, model.initializers.get(name)!]);
    const session = await createSession(buildInferenceGraph(model, { device }), { device, threads });
    try {
      await session.run({ [model.inputs[0]!.name]: images, ...Object.fromEntries(weights) });
      predicts = true;
    } finally {
      await session.close();
    }
    const loss = crossEntropy();
    const weighted = Object.fromEntries(outputs.map((name) => [name, 1]));
    const trainer = await Trainer.create({
      ...rest,
      model: file,
      outputs: weighted,
      loss,
      batch: dims,
      device,
      threads,
    });
    try {
      return { device, predicts, trains: true, ...(await trainOn(trainer, model, dims)) };
    } finally {
      await trainer.close();
    }
  } catch (error) {
    return { device, predicts, trains: false, problem: messageOf(error) };
  }
}

/** Runs a prediction on the CPU with a file that cannot be trained, for a reason, and says how that went. */
export async function tryPrediction(
  file: OnnxFile,
  dims: readonly number[],
  options: TrialOptions & { readonly dims?: unknown },
  reason: string,
): Promise<ProviderReport> {
  const { dims: _, ...reading } = options;
  try {
    await using network = new Network({ ...reading, model: file });
    await network.predict(exampleImages(dims, "normal"));
    return { device: "cpu", predicts: true, trains: false, problem: reason };
  } catch (error) {
    return { device: "cpu", predicts: false, trains: false, problem: messageOf(error) };
  }
}

/** Trains on images of standard normal pixels, or of pixels from 0 to 1 where it diverges on those. */
async function trainOn(
  trainer: Trainer,
  model: Graph,
  dims: readonly number[],
): Promise<Pick<ProviderReport, "fed" | "stepMilliseconds">> {
  try {
    return { fed: "normal", stepMilliseconds: await timeSteps(trainer, exampleBatch(model, dims, "normal")) };
  } catch (error) {
    // A network that takes a root or a logarithm of its image has no loss of negative pixels.
    if (!(error instanceof DivergedError) || trainer.updates > 0) throw error;
    return {
      fed: "uniform",
      stepMilliseconds: await timeSteps(trainer, exampleBatch(model, dims, "uniform")),
    };
  }
}

async function timeSteps(trainer: Trainer, batch: TrainingBatch): Promise<number> {
  const times: number[] = [];
  const begun = performance.now();
  while (times.length < 2 || (times.length < 5 && performance.now() - begun < 2000)) {
    const start = performance.now();
    await trainer.step(batch);
    times.push(performance.now() - start);
  }
  return Math.min(...times);
}

function exampleImages(
  dims: readonly number[],
  pixels: Pixels,
  random: Random = Random.fromSeed(1),
): Tensor<"float32"> {
  const images = zeros("float32", dims);
  for (let i = 0; i < images.data.length; i++)
    images.data[i] = pixels === "normal" ? random.normal() : random.uniform();
  return images;
}

function exampleBatch(
  model: Graph,
  dims: readonly number[],
  pixels: Pixels,
): { images: Tensor<"float32">; labels: Tensor<"uint8"> } {
  const random = Random.fromSeed(1);
  const images = exampleImages(dims, pixels, random);
  const classes = Math.min(256, [...model.outputs.values()][0]!.dims[1]!);
  const labels = zeros("uint8", [dims[0]!, ...dims.slice(2)]);
  for (let i = 0; i < labels.data.length; i++) labels.data[i] = random.integer(classes);
  return { images, labels };
}
