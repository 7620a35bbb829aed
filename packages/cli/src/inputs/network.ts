import { dirname } from "node:path";
import { InvalidArgumentError } from "@pixelcal/core";
import { GraphError, OnnxFile, UnsupportedOpError } from "@pixelcal/graph";
import { readRegularFile } from "@pixelcal/io";
import {
  type AnyModel,
  builtModel,
  type Dataset,
  dimensionsOf,
  labelCount,
  modelClasses,
  type SourceOptions,
  type TrainConfig,
  withHeads,
} from "@pixelcal/train";
import { CommandError } from "../command-error.js";
import { firstImageDims } from "./data-shape.js";

/** A network and the way to read its inputs and outputs, as trainers and predictors take them. */
export interface Network extends SourceOptions {
  readonly model: AnyModel;
}

/** Returns the network of a configuration: untrained, or an ONNX file with its weights. */
export async function networkOf({ model, dataset, seed }: TrainConfig): Promise<Network> {
  if ("onnx" in model) {
    const { onnx, outputs, class_axis: classAxis, channel_axis: channelAxis, tied_weights, ...rest } = model;
    return {
      ...(await readNetwork(onnx)),
      ...(outputs && { outputs: Object.keys(outputs) }),
      classAxis,
      channelAxis,
      ...rest,
      tiedWeights: tied_weights,
    };
  }
  return { model: builtModel(withHeads(model, dataset), seed) };
}

/** Reads an ONNX file, whose weights may be in other files of its folder. */
export async function readNetwork(path: string): Promise<Network> {
  return { model: await readModel(path), externalData: dirname(path) };
}

/** Reads and decodes an ONNX file; throws CommandError naming a file that is none. */
export async function readModel(path: string): Promise<OnnxFile> {
  const bytes = await readRegularFile(path);
  return naming(path, () => new OnnxFile(bytes));
}

/** Returns the number of labels of a configuration's cases: the network's classes, or those of regions. */
export async function classesOf(
  config: TrainConfig,
  network: Network,
  root: string,
  split: string,
): Promise<number> {
  const known = labelCount(config);
  if (known !== undefined || !("onnx" in config.model)) return known!;
  const dims = [1, ...(await firstImageDims(root, split))];
  const { model, ...reading } = network;
  return naming(config.model.onnx, () => modelClasses(model, dims, reading));
}

/** Throws `CommandError` unless a configuration's network takes the images of the data set. */
export function checkFits({ model }: TrainConfig, dataset: Dataset): void {
  // For an ONNX file the error comes from the file itself.
  if ("onnx" in model) return;
  const rank = dimensionsOf(model);
  if (dataset.rank !== rank) {
    throw new CommandError(
      `model.arch: ${model.arch} takes images of ${rank} spatial axes, ${dataset.source(0)} has ${dataset.rank}`,
      { exitCode: 2 },
    );
  }
  if (dataset.channels !== model.in_channels) {
    throw new CommandError(
      `model.in_channels: the network takes ${model.in_channels}, ${dataset.source(0)} has ${dataset.channels}`,
      { exitCode: 2 },
    );
  }
}

/** Runs `use`; errors about a network name its file. */
export function naming<T>(path: string, use: () => T): T {
  try {
    return use();
  } catch (error) {
    throw fromFile(path, error);
  }
}

/** Returns the error with the file of the network that does not fit. */
export function fromFile(path: string, error: unknown): unknown {
  const graph = error instanceof GraphError || error instanceof UnsupportedOpError;
  if (!graph && !(error instanceof InvalidArgumentError)) return error;
  const { message } = error;
  if (message.startsWith("image: ")) return error;
  const what = message.replace(/^(model: |shapes\.)/, "");
  return new CommandError(`${path}: ${what}`, { cause: error, exitCode: isSettingError(error) ? 2 : 1 });
}

/** Messages about what configurations and options give; all others are about files. */
const settings =
  /^((classAxis|channelAxis|channels|inputs|tiedWeights|trainable|groups|device)\b|outputs: expected names)/;

/** Returns whether an error is one of a configuration or a command line, not of a file. */
export function isSettingError(error: unknown): error is InvalidArgumentError {
  return error instanceof InvalidArgumentError && settings.test(error.message);
}
