import {
  checkOptions,
  elementCount,
  InvalidArgumentError,
  invalidArgument,
  optionNames,
} from "@pixelcal/core";
import { Graph } from "@pixelcal/graph";
import { type CanonicalOptions, canonicalNames } from "../../model/canonical.js";
import { type TrainDevice, trainDevices } from "../../runtime/session.js";
import { checkPredictOptions, type PredictOptions } from "../predict.js";
import { checkImages, checkScaling, type PixelScaling, type PredictorImages } from "./images.js";

/** Joins requests of equal dims, type and options into runs. */
export interface BatchOptions {
  /** The most images of one run; requests that are larger run alone. */
  readonly size: number;
  /**
   * Milliseconds that a request waits for others while its run is not full. 0 by default: only requests that
   * wait for a process anyway are joined.
   */
  readonly wait?: number;
}

/** The options of a {@link Predictor}. `PredictOptions` apply to every request that does not set its own. */
export interface PredictorOptions extends CanonicalOptions, PredictOptions {
  /** The size of tiles; that of the model's file by default, if it carries one. */
  readonly tile?: readonly number[];
  /** The path of an ONNX file (external weights are read from its folder), its bytes, or a graph. */
  readonly model: string | Uint8Array | Graph;
  readonly externalData?: string;
  readonly device?: TrainDevice;
  /** Processes that hold the model, each with a copy of it; 1 by default. */
  readonly processes?: number;
  /** Processor threads of a run; by default all, divided among the processes. */
  readonly threads?: number;
  /** Joins waiting requests into one run; none are joined by default. */
  readonly batch?: BatchOptions;
  /**
   * Whether images are cut, normalised and resampled as the model's file says ("file", default) or taken as
   * they are ("none"). A `Graph` takes them as they are.
   */
  readonly preparation?: "file" | "none";
  /** The values of uint8 images, which are refused without it; other images are taken as they are. */
  readonly scaling?: PixelScaling;
  /** Requests that may wait, besides those in progress; 16 by default. */
  readonly queue?: number;
  /**
   * The answer to further requests: "reject" (default) throws at once, "wait" lets callers wait for a place.
   */
  readonly whenFull?: "reject" | "wait";
  /**
   * Milliseconds that one run may take; then the process is killed and restarted. No limit by default.
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
  /**
   * The path of the processes' program; needed where a bundler has put this package into another file: the
   * path of `@pixelcal/train/child` or of a bundle of it.
   */
  readonly childProgram?: string;
}

export interface RequestOptions extends PredictOptions {
  readonly timeout?: number;
  /** The values of these uint8 images. */
  readonly scaling?: PixelScaling;
  /**
   * The spacing of these images per spatial axis, in the unit of the data that the network was trained with:
   * required where the model's file resamples by it, else not used.
   */
  readonly spacing?: readonly number[];
  /** Aborts the request: removes it from the queue, or kills the process that runs it alone. */
  readonly signal?: AbortSignal;
}

const predictNames = { tile: true, overlap: true, blending: true, flips: true } as const;

const predictorNames = optionNames<PredictorOptions>({
  ...predictNames,
  model: true,
  externalData: true,
  ...canonicalNames,
  device: true,
  processes: true,
  threads: true,
  batch: true,
  preparation: true,
  scaling: true,
  queue: true,
  whenFull: true,
  timeout: true,
  warmUp: true,
  stderr: true,
  childProgram: true,
});

const requestNames = optionNames<RequestOptions>({
  ...predictNames,
  timeout: true,
  scaling: true,
  spacing: true,
  signal: true,
});
const batchNames = optionNames<BatchOptions>({ size: true, wait: true });

/** More than any machine has processors for. */
const mostProcesses = 256;

/** Throws `InvalidArgumentError` unless the options of a predictor are valid. */
export function checkPredictorOptions(options: PredictorOptions): void {
  checkOptions("options", options, predictorNames);
  const { model, externalData, device, threads, outputs, warmUp, processes = 1, batch, scaling } = options;
  const { queue, whenFull, timeout, stderr, classAxis, channelAxis, preparation } = options;
  const isModel = model instanceof Graph || model instanceof Uint8Array;
  if (!(isModel || (typeof model === "string" && model !== "")))
    throw invalidArgument("model", "the path or the bytes of an ONNX file, or a Graph", model);
  if (externalData !== undefined && typeof externalData !== "string")
    throw invalidArgument("externalData", "the path of a folder", externalData);
  if (device !== undefined && !trainDevices.includes(device))
    throw invalidArgument("device", trainDevices.join(", "), device);
  if (!(Number.isInteger(processes) && processes >= 1 && processes <= mostProcesses))
    throw invalidArgument("processes", `an integer from 1 to ${mostProcesses}`, processes);
  checkPositiveInteger("threads", threads);
  if (batch !== undefined) checkBatch(batch);
  if (scaling !== undefined) checkScaling(scaling);
  if (preparation !== undefined && preparation !== "file" && preparation !== "none")
    throw invalidArgument("preparation", "file or none", preparation);
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

/**
 * Throws `InvalidArgumentError` unless images [N, C, ...spatial] can be predicted with these options, the
 * predictor's own where these set none, by a model whose file resamples to `resampled`, if to anything.
 */
export function checkRequest(
  images: PredictorImages,
  options: RequestOptions,
  predictor: Pick<PredictorOptions, "scaling">,
  resampled?: readonly number[],
): void {
  checkOptions("options", options, requestNames);
  const { signal, scaling, spacing } = options;
  if (scaling !== undefined) checkScaling(scaling);
  checkImages(images, scaling ?? predictor.scaling);
  if (scaling !== undefined && images.type !== "uint8")
    throw new InvalidArgumentError("scaling", `scaling: only for uint8 images, got ${images.type}`);
  checkSpacing(spacing, images.dims.length - 2, resampled);
  checkTimeout(options.timeout);
  if (signal !== undefined && !(signal instanceof AbortSignal))
    throw invalidArgument("signal", "an AbortSignal", signal);
  checkPredictOptions(options, images.dims.length - 2);
}

function checkSpacing(
  spacing: readonly number[] | undefined,
  axes: number,
  resampled: readonly number[] | undefined,
): void {
  if (spacing === undefined) {
    if (resampled === undefined) return;
    const message = `spacing: required by this model, whose file resamples images to a spacing of ${resampled.join(" x ")}`;
    throw new InvalidArgumentError("spacing", message);
  }
  const fits =
    Array.isArray(spacing) && spacing.length === axes && spacing.every((mm) => Number.isFinite(mm) && mm > 0);
  if (!fits) throw invalidArgument("spacing", `${axes} positive numbers, one per spatial axis`, spacing);
}

function checkBatch(batch: BatchOptions): void {
  checkOptions("batch", batch, batchNames);
  if (!(Number.isInteger(batch.size) && batch.size >= 1))
    throw invalidArgument("batch.size", "an integer of 1 or more", batch.size);
  const { wait = 0 } = batch;
  if (!(typeof wait === "number" && wait >= 0 && wait < 2 ** 31))
    throw invalidArgument("batch.wait", "milliseconds of 0 or more", wait);
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
