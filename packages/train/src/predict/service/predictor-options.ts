import {
  checkOptions,
  checkTensor,
  elementCount,
  invalidArgument,
  optionNames,
  type Tensor,
} from "@pixelcal/core";
import { Graph } from "@pixelcal/graph";
import type { CanonicalOptions } from "../../model/canonical.js";
import { type TrainDevice, trainDevices } from "../../runtime/session.js";
import { checkPredictOptions, type PredictOptions } from "../predict.js";

/** The options of a {@link Predictor}. `PredictOptions` apply to every request that does not set its own. */
export interface PredictorOptions extends CanonicalOptions, PredictOptions {
  /** The path of an ONNX file (external weights are read from its folder), its bytes, or a graph. */
  readonly model: string | Uint8Array | Graph;
  readonly externalData?: string;
  readonly device?: TrainDevice;
  /** Processor threads of a run; all by default. */
  readonly threads?: number;
  /** Requests that may wait, besides the one in progress; 16 by default. */
  readonly queue?: number;
  /**
   * The answer to further requests: "reject" (default) throws at once, "wait" lets callers wait for a place.
   */
  readonly whenFull?: "reject" | "wait";
  /**
   * Milliseconds that one prediction may run; then the process is killed and restarted. No limit by default.
   */
  readonly timeout?: number;
  /**
   * Dims of images [N, C, ...spatial] to predict once in a new process, so that no request waits for
   * compilation.
   */
  readonly warmUp?: readonly number[];
  /**
   * The destination of the process's stderr while it works: this process's ("inherit", default) or nowhere.
   * It is not passed on while the process ends; the error of a crash has its last lines either way.
   */
  readonly stderr?: "inherit" | "ignore";
}

export interface RequestOptions extends PredictOptions {
  readonly timeout?: number;
  /** Aborts the request: removes it from the queue, or kills the process that runs it. */
  readonly signal?: AbortSignal;
}

const predictNames = { tile: true, overlap: true, blending: true, flips: true } as const;

const predictorNames = optionNames<PredictorOptions>({
  ...predictNames,
  model: true,
  externalData: true,
  outputs: true,
  classAxis: true,
  channelAxis: true,
  device: true,
  threads: true,
  queue: true,
  whenFull: true,
  timeout: true,
  warmUp: true,
  stderr: true,
});

const requestNames = optionNames<RequestOptions>({ ...predictNames, timeout: true, signal: true });

/** Throws `InvalidArgumentError` unless the options of a predictor are valid. */
export function checkPredictorOptions(options: PredictorOptions): void {
  checkOptions("options", options, predictorNames);
  const { model, externalData, device, threads, outputs, warmUp } = options;
  const { queue, whenFull, timeout, stderr, classAxis, channelAxis } = options;
  const isModel = model instanceof Graph || model instanceof Uint8Array;
  if (!(isModel || (typeof model === "string" && model !== "")))
    throw invalidArgument("model", "the path or the bytes of an ONNX file, or a Graph", model);
  if (externalData !== undefined && typeof externalData !== "string")
    throw invalidArgument("externalData", "the path of a folder", externalData);
  if (device !== undefined && !trainDevices.includes(device))
    throw invalidArgument("device", trainDevices.join(", "), device);
  checkPositiveInteger("threads", threads);
  checkPositiveInteger("queue", queue);
  if (whenFull !== undefined && whenFull !== "reject" && whenFull !== "wait")
    throw invalidArgument("whenFull", "reject or wait", whenFull);
  checkTimeout(timeout);
  if (stderr !== undefined && stderr !== "inherit" && stderr !== "ignore")
    throw invalidArgument("stderr", "inherit or ignore", stderr);
  const named = outputs === undefined || (Array.isArray(outputs) && outputs.every(isString));
  if (!named) throw invalidArgument("outputs", "names of the model's outputs", outputs);
  for (const [name, axis] of Object.entries({ classAxis, channelAxis })) {
    if (axis !== undefined && !Number.isInteger(axis))
      throw invalidArgument(name, "an axis of 1 or more, or -1", axis);
  }
  checkPredictOptions(options);
  if (warmUp !== undefined) checkWarmUp(warmUp, options);
}

/** Throws `InvalidArgumentError` unless images [N, C, ...spatial] can be predicted with these options. */
export function checkRequest(images: Tensor<"float32">, options: RequestOptions): void {
  checkOptions("options", options, requestNames);
  checkImages(images);
  checkTimeout(options.timeout);
  const { signal } = options;
  if (signal !== undefined && !(signal instanceof AbortSignal))
    throw invalidArgument("signal", "an AbortSignal", signal);
  checkPredictOptions(options, images.dims.length - 2);
}

/**
 * Throws `InvalidArgumentError` unless images are float32 [N, C, ...spatial] with as many elements as their
 * dims say.
 */
export function checkImages(images: Tensor<"float32">): void {
  checkTensor("images", images, ["float32"], [3, 5]);
}

function checkWarmUp(dims: readonly number[], options: PredictOptions): void {
  const fits =
    Array.isArray(dims) &&
    dims.length >= 3 &&
    dims.length <= 5 &&
    dims.every((n) => Number.isSafeInteger(n) && n >= 1);
  if (!fits) throw invalidArgument("warmUp", "dims of images [N, C, ...spatial]", dims);
  if (elementCount(dims) > 2 ** 32) throw invalidArgument("warmUp", "at most 2^32 numbers", dims);
  checkPredictOptions(options, dims.length - 2);
}

function checkPositiveInteger(name: string, value: number | undefined): void {
  if (value !== undefined && !(Number.isInteger(value) && value >= 1))
    throw invalidArgument(name, "an integer of 1 or more", value);
}

function checkTimeout(timeout: number | undefined): void {
  if (timeout !== undefined && !(typeof timeout === "number" && timeout > 0 && timeout < 2 ** 31))
    throw invalidArgument("timeout", "milliseconds above 0", timeout);
}

const isString = (value: unknown): boolean => typeof value === "string";
