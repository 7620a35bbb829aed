import { call, callSync, native } from "../binding.js";
import { checkBoolean, checkChoice } from "../check.js";
import { checkOptions, optionNames } from "../check-options.js";
import { checkSignal } from "../device.js";
import { InvalidArgumentError, invalidArgument } from "../errors.js";
import { elementCount, type Probabilities, type Tensor } from "../tensor.js";
import {
  type ArrayLayout,
  type ArraySource,
  batched,
  checkAxes,
  layoutNames,
  type StoredArray,
  storedArray,
} from "./stored-array.js";

export interface AsImageOptions extends ArrayLayout {
  /**
   * The place of the channels: before the spatial axes (default), behind them as in decoded pictures, or no
   * such axis, which gives one channel.
   */
  readonly channels?: "first" | "last" | "none";
  /** The factor of every value, for all channels or one per channel; default 1. */
  readonly scale?: number | readonly number[];
  /** The number added to every scaled value, for all channels or one per channel; default 0. */
  readonly shift?: number | readonly number[];
}

export interface AsProbabilitiesOptions extends ArrayLayout {
  /** The place of the classes: before the spatial axes (default) or behind them. */
  readonly channels?: "first" | "last";
  /** The factor of every value, such as 1 / 255 for bytes; required for integers, default 1 for others. */
  readonly scale?: number;
}

const imageNames = optionNames<AsImageOptions>({ ...layoutNames, channels: true, scale: true, shift: true });
const probabilityNames = optionNames<AsProbabilitiesOptions>({ ...layoutNames, channels: true, scale: true });

/**
 * Returns an array from elsewhere as an image `[N, C, ...spatial]` of float32: value * scale + shift, rounded
 * once. Stored are `[C, ...spatial]`, `[...spatial, C]` or `[...spatial]`, as `channels` says, with `batch`
 * behind an axis N. float32 that needs no change is not copied, everything else once.
 */
export async function asImage(source: ArraySource, options: AsImageOptions = {}): Promise<Tensor<"float32">> {
  const plan = imagePlan(source, options);
  if (plan.ready !== undefined) return plan.ready as Tensor<"float32">;
  const { dims, request } = plan;
  return { type: "float32", dims, data: await call(native.storedFloats, request, options.signal) };
}

/** Runs {@link asImage} on the calling thread. */
export function asImageSync(source: ArraySource, options: AsImageOptions = {}): Tensor<"float32"> {
  const plan = imagePlan(source, options);
  if (plan.ready !== undefined) return plan.ready as Tensor<"float32">;
  const { dims, request } = plan;
  return { type: "float32", dims, data: callSync(() => native.storedFloatsSync(request)) };
}

/**
 * Returns an array from elsewhere as probabilities `[N, C, ...spatial]`. Stored are `[C, ...spatial]` or
 * `[...spatial, C]`, as `channels` says, with `batch` behind an axis N. float32 and float16 with the classes
 * first are not copied; everything else becomes float32 in one copy. Values are not checked: `inspectValues`
 * finds those that are no probabilities.
 */
export async function asProbabilities(
  source: ArraySource,
  options: AsProbabilitiesOptions = {},
): Promise<Probabilities> {
  const plan = probabilityPlan(source, options);
  if (plan.ready !== undefined) return plan.ready;
  const { dims, request } = plan;
  return { type: "float32", dims, data: await call(native.storedFloats, request, options.signal) };
}

/** Runs {@link asProbabilities} on the calling thread. */
export function asProbabilitiesSync(
  source: ArraySource,
  options: AsProbabilitiesOptions = {},
): Probabilities {
  const plan = probabilityPlan(source, options);
  if (plan.ready !== undefined) return plan.ready;
  const { dims, request } = plan;
  return { type: "float32", dims, data: callSync(() => native.storedFloatsSync(request)) };
}

type FloatRequest = Parameters<typeof native.storedFloats>[0];

/** The result where nothing changes, else the request that makes it. */
type Plan =
  | { readonly ready: Probabilities }
  | { readonly ready?: undefined; readonly dims: readonly number[]; readonly request: FloatRequest };

function imagePlan(source: ArraySource, options: AsImageOptions): Plan {
  checkOptions("options", options, imageNames);
  checkSignal(options.signal);
  checkChoice("channels", options.channels, ["first", "last", "none"]);
  return plan(storedArray(source, options), options, ["float32"]);
}

const floats: ReadonlySet<string> = new Set(["float16", "float32", "float64"]);

function probabilityPlan(source: ArraySource, options: AsProbabilitiesOptions): Plan {
  checkOptions("options", options, probabilityNames);
  checkSignal(options.signal);
  checkChoice("channels", options.channels, ["first", "last"]);
  const { scale } = options;
  if (scale !== undefined && typeof scale !== "number") throw invalidArgument("scale", "a number", scale);
  const array = storedArray(source, options);
  if (scale === undefined && !floats.has(array.type)) {
    const message = `scale: required for ${array.type}, such as 1 / 255 where 255 stands for 1`;
    throw new InvalidArgumentError("scale", message);
  }
  return plan(array, options, ["float32", "float16"]);
}

function plan(array: StoredArray, options: AsImageOptions, unchanged: readonly string[]): Plan {
  const { channels: place = "first", scale, shift, batch } = options;
  checkBoolean("batch", batch);
  const stored = batched(array.dims, batch);
  checkAxes(stored, place === "none" ? 1 : 2);
  const [images, ...rest] = stored as [number, ...number[]];
  const channels = place === "none" ? 1 : rest.at(place === "first" ? 0 : -1)!;
  const spatial = place === "none" ? rest : place === "first" ? rest.slice(1) : rest.slice(0, -1);
  const dims = [images, channels, ...spatial];
  const [scales, shifts] = [perChannel("scale", scale, channels), perChannel("shift", shift, channels)];
  const channelsLast = place === "last" && channels > 1;
  const { type, data, swapped } = array;
  const keeps = scales === undefined && shifts === undefined && !channelsLast;
  if (keeps && data !== undefined && unchanged.includes(type)) {
    return { ready: { type, dims, data } as Probabilities };
  }
  const pixels = elementCount(spatial);
  const source = array.bytes();
  const values = { source, type, swapped, channelsLast, batch: images, channels, pixels };
  return { dims, request: { ...values, scale: scales, shift: shifts } };
}

function perChannel(
  name: string,
  value: number | readonly number[] | undefined,
  channels: number,
): readonly number[] | undefined {
  if (value === undefined) return undefined;
  const numbers = typeof value === "number" ? new Array<number>(channels).fill(value) : value;
  if (!Array.isArray(numbers) || numbers.length !== channels || !numbers.every(Number.isFinite)) {
    throw invalidArgument(name, `a finite number, or ${channels} of them, one per channel`, value);
  }
  return numbers;
}
