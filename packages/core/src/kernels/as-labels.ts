import { call, callSync, native } from "../binding.js";
import { checkBoolean } from "../check.js";
import { checkOptions, optionNames } from "../check-options.js";
import { checkSignal } from "../device.js";
import { invalidArgument } from "../errors.js";
import { elementCount, type Labels, type Tensor } from "../tensor.js";
import {
  type ArrayLayout,
  type ArraySource,
  batched,
  checkAxes,
  layoutNames,
  type StoredArray,
  storedArray,
} from "./stored-array.js";

export type AsLabelsOptions = ArrayLayout;

const names = optionNames<AsLabelsOptions>(layoutNames);

/**
 * Returns an array from elsewhere, `[...spatial]` or with `batch` `[N, ...spatial]`, as the labels
 * `[N, ...spatial]` that kernels take. uint8, bool, int32 and int64 are not copied; every other type becomes
 * int32 in one copy. Throws `InvalidArgumentError` for values that are not whole or beyond 32 bits.
 */
export async function asLabels(source: ArraySource, options: AsLabelsOptions = {}): Promise<Labels> {
  const { array, dims } = labelsRequest(source, options);
  const ready = unchanged(array, dims);
  if (ready !== undefined) return ready;
  const request = storedRequest(array);
  return converted(dims, await call(native.storedIntegers, request, options.signal));
}

/** Runs {@link asLabels} on the calling thread. */
export function asLabelsSync(source: ArraySource, options: AsLabelsOptions = {}): Labels {
  const { array, dims } = labelsRequest(source, options);
  const ready = unchanged(array, dims);
  if (ready !== undefined) return ready;
  const request = storedRequest(array);
  return converted(
    dims,
    callSync(() => native.storedIntegersSync(request)),
  );
}

function labelsRequest(
  source: ArraySource,
  options: AsLabelsOptions,
): { readonly array: StoredArray; readonly dims: readonly number[] } {
  checkOptions("options", options, names);
  checkSignal(options.signal);
  checkBoolean("batch", options.batch);
  const array = storedArray(source, options);
  const dims = batched(array.dims, options.batch);
  checkAxes(dims, 1);
  return { array, dims };
}

function unchanged({ type, data }: StoredArray, dims: readonly number[]): Labels | undefined {
  if (data === undefined) return undefined;
  if (type === "bool" || type === "uint8") return { type: "uint8", dims, data: data as Uint8Array };
  return type === "int32" || type === "int64" ? ({ type, dims, data } as Labels) : undefined;
}

const storedRequest = (array: StoredArray): Parameters<typeof native.storedIntegers>[0] => ({
  source: array.bytes(),
  type: array.type,
  swapped: array.swapped,
  pixels: elementCount(array.dims),
});

function converted(
  dims: readonly number[],
  { data, count, first, value }: Awaited<ReturnType<typeof native.storedIntegers>>,
): Tensor<"int32"> {
  if (count > 0) {
    const got = `${value} at element ${first} (${count} such elements)`;
    throw invalidArgument("source", "whole numbers of 32 bits", got);
  }
  return { type: "int32", dims, data };
}
