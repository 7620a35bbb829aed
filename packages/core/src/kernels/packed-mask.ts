import { call, callSync, native } from "../binding.js";
import { checkOut, checkTensor } from "../check.js";
import { checkOptions, optionNames } from "../check-options.js";
import { checkCall, type DeviceOption } from "../device.js";
import { arrayOf } from "../device-tensor.js";
import { invalidArgument } from "../errors.js";
import { trailingGrid } from "../grid.js";
import { elementCount, holds, sameDims, type Tensor } from "../tensor.js";

/**
 * A mask of one bit per pixel, for several operations in a row: pixel x of a row along the last dimension is
 * bit x % 64 of the row's word x / 64. Every row starts a new word; unused bits of its last word are 0.
 */
export interface PackedMask {
  readonly words: BigUint64Array;
  /** The dims of the mask, in pixels. */
  readonly dims: readonly number[];
}

export interface PackMaskOptions extends DeviceOption {
  readonly out?: PackedMask;
}

export interface UnpackMaskOptions extends DeviceOption {
  readonly out?: Tensor<"uint8">;
}

const packNames = optionNames<PackMaskOptions>({ device: true, signal: true, out: true });
const unpackNames = optionNames<UnpackMaskOptions>({ device: true, signal: true, out: true });

/** Packs `mask`; every nonzero pixel is set. */
export async function packMask(
  mask: Tensor<"uint8"> | Tensor<"bool">,
  options: PackMaskOptions = {},
): Promise<PackedMask> {
  const request = packRequest(mask, options);
  return { words: await call(native.packMask, request, options.signal), dims: mask.dims };
}

/** Runs {@link packMask} on the calling thread. */
export function packMaskSync(
  mask: Tensor<"uint8"> | Tensor<"bool">,
  options: PackMaskOptions = {},
): PackedMask {
  const request = packRequest(mask, options);
  return { words: callSync(() => native.packMaskSync(request)), dims: mask.dims };
}

/** Returns the mask as bytes, 0 and 1. */
export async function unpackMask(
  mask: PackedMask,
  options: UnpackMaskOptions = {},
): Promise<Tensor<"uint8">> {
  const request = unpackRequest(mask, options);
  return { type: "uint8", dims: mask.dims, data: await call(native.unpackMask, request, options.signal) };
}

/** Runs {@link unpackMask} on the calling thread. */
export function unpackMaskSync(mask: PackedMask, options: UnpackMaskOptions = {}): Tensor<"uint8"> {
  const request = unpackRequest(mask, options);
  return { type: "uint8", dims: mask.dims, data: callSync(() => native.unpackMaskSync(request)) };
}

function packRequest(mask: Tensor<"uint8"> | Tensor<"bool">, options: PackMaskOptions) {
  checkOptions("options", options, packNames);
  const { device, out } = options;
  checkCall(options);
  checkTensor("mask", mask, ["uint8", "bool"], [1, 8]);
  checkPackedOut(out, mask.dims);
  const { batch, size } = trailingGrid(mask.dims, 1);
  return { mask: arrayOf<"uint8" | "bool">(mask), device, batch, size, out: out?.words };
}

function unpackRequest(mask: PackedMask, options: UnpackMaskOptions) {
  checkOptions("options", options, unpackNames);
  const { device, out } = options;
  checkCall(options);
  checkPackedMask("mask", mask);
  checkOut(out, "uint8", mask.dims);
  const { batch, size } = trailingGrid(mask.dims, 1);
  return { words: mask.words, device, batch, size, out: out?.data };
}

export function isPacked(mask: Tensor | PackedMask): mask is PackedMask {
  return typeof mask === "object" && mask !== null && "words" in mask;
}

/** Throws unless `mask` is a packed mask of 1 to 8 dimensions. */
export function checkPackedMask(argument: string, mask: PackedMask): void {
  if (!isPacked(mask)) throw invalidArgument(argument, "a packed mask", mask);
  const { words, dims } = mask;
  if (
    !Array.isArray(dims) ||
    dims.length < 1 ||
    dims.length > 8 ||
    !dims.every((dim) => Number.isSafeInteger(dim) && dim >= 1)
  ) {
    throw invalidArgument(`${argument}.dims`, "1 to 8 positive dimensions", dims);
  }
  if (!holds("uint64", words)) throw invalidArgument(`${argument}.words`, "a BigUint64Array", words);
  const count = elementCount([...dims.slice(0, -1), Math.ceil(dims.at(-1)! / 64)]);
  if (words.length !== count) {
    throw invalidArgument(`${argument}.words`, `${count} words for dims [${dims.join(", ")}]`, words.length);
  }
}

/** Throws unless `out` is absent or a packed mask of exactly these dims. */
export function checkPackedOut(out: PackedMask | undefined, dims: readonly number[]): void {
  if (out === undefined) return;
  checkPackedMask("out", out);
  if (!sameDims(out.dims, dims)) {
    throw invalidArgument("out", `dims [${dims.join(", ")}]`, out.dims);
  }
}
