import { availableParallelism } from "node:os";
import { Graph, serializeModel } from "@pixelcal/graph";
import { predictOptions } from "./job.js";
import type { PredictorOptions } from "./predictor-options.js";
import type { ChildModel } from "./protocol.js";
import { runSizes } from "./request-queue.js";

/** Image shapes whose compiled models a process keeps; each number of joined requests is one more. */
const shapes = 4;

/** Returns what a predictor's processes load, with the images to predict for `warmUp`: one of each batch. */
export function childModel(
  options: PredictorOptions,
): Omit<ChildModel, "model"> & { readonly model: string | Uint8Array } {
  const { model, externalData, device, outputs, classAxis, channelAxis, channels, inputs, warmUp } = options;
  const { processes = 1, batch = { size: 1 }, tile } = options;
  const shared = Math.max(1, Math.floor(availableParallelism() / processes));
  const sizes = tile === undefined ? runSizes(batch.size, warmUp?.[0] ?? 1) : [1];
  return {
    model: model instanceof Graph ? serializeModel(model) : model,
    externalData,
    device,
    threads: options.threads ?? (processes > 1 ? shared : undefined),
    outputs,
    classAxis,
    channelAxis,
    channels,
    inputs,
    shapes: shapes + sizes.length - 1,
    warmUps: warmUp === undefined ? [] : sizes.map((size) => warmUp.with(0, size * warmUp[0]!)),
    options: predictOptions(options),
    // A graph in memory is no file that could say more.
    preparation: model instanceof Graph ? "none" : (options.preparation ?? "file"),
  };
}
