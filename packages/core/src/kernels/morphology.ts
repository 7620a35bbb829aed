import type {
  GridOptions,
  MorphologyOptions as NativeOptions,
  PackedMorphologyOptions,
} from "@pixelcal/native";
import { call, callSync, native } from "../binding.js";
import { checkChoice, checkInteger, checkOut, checkTensor } from "../check.js";
import { checkOptions, optionNames } from "../check-options.js";
import { checkCall, type DeviceOption, type KeepOption } from "../device.js";
import { arrayOf, resultTensor } from "../device-tensor.js";
import { invalidArgument } from "../errors.js";
import { spatialDimensions, trailingGrid } from "../grid.js";
import type { Tensor } from "../tensor.js";
import { checkPackedMask, checkPackedOut, isPacked, type PackedMask } from "./packed-mask.js";

/** The names of the operations. */
export const morphologyOps = [
  "erosion",
  "dilation",
  "opening",
  "closing",
  "gradient",
  "internal-gradient",
  "external-gradient",
] as const;

/**
 * An operation. gradient: dilation minus erosion; internal-gradient: mask minus erosion; external-gradient:
 * dilation minus mask.
 */
export type MorphologyOp = (typeof morphologyOps)[number];

/** A morphological operation and its structuring element. */
export interface MorphologySpec {
  readonly op: MorphologyOp;
  /**
   * The shape of the element: `box` (default) holds all pixels within `radius` along every axis, `cross` only
   * those on the axes (OpenCV's MORPH_CROSS).
   */
  readonly structure?: "box" | "cross";
  /** The reach of the element from its centre in pixels; default 1, a 3-wide element. */
  readonly radius?: number;
  /** The number of times each erosion and dilation of the operation is repeated; default 1. */
  readonly iterations?: number;
  /**
   * The pixels outside the image. `neutral` (default) never decides a result, as in OpenCV; `replicate` and
   * `reflect101` give the same for these symmetric elements; `zero` and `one` are border_value of SciPy.
   */
  readonly border?: "neutral" | "zero" | "one" | "replicate" | "reflect101";
}

export interface MorphologyOptions<Out = Tensor<"uint8">> extends MorphologySpec, DeviceOption, KeepOption {
  /**
   * The number of trailing dimensions the structuring element spans; 2 treats a volume slice by slice.
   * Default: all but the first, which must be 2 or 3.
   */
  readonly dimensions?: 1 | 2 | 3;
  readonly out?: Out;
}

const spec = { op: true, structure: true, radius: true, iterations: true, border: true } as const;
export const morphologySpecNames: ReadonlySet<string> = optionNames<MorphologySpec>(spec);
const names = optionNames<MorphologyOptions>({
  ...spec,
  device: true,
  signal: true,
  keep: true,
  dimensions: true,
  out: true,
});

/**
 * Applies a binary morphological operation to `mask` (`[N, ...spatial]`, nonzero is set). The result is 0 or
 * 1, and packed if the mask is.
 */
export function morphology(mask: PackedMask, options: MorphologyOptions<PackedMask>): Promise<PackedMask>;
export function morphology(
  mask: Tensor<"uint8"> | Tensor<"bool">,
  options: MorphologyOptions,
): Promise<Tensor<"uint8">>;
export async function morphology(mask: Mask, options: AnyOptions): Promise<Mask> {
  if (isPacked(mask)) {
    const request = packedRequest(mask, options);
    return { words: await call(native.packedMorphology, request, options.signal), dims: mask.dims };
  }
  const request = byteRequest(mask, options);
  return resultTensor("uint8", mask.dims, await call(native.morphology, request, options.signal));
}

/** Runs {@link morphology} on the calling thread. */
export function morphologySync(mask: PackedMask, options: MorphologyOptions<PackedMask>): PackedMask;
export function morphologySync(
  mask: Tensor<"uint8"> | Tensor<"bool">,
  options: MorphologyOptions,
): Tensor<"uint8">;
export function morphologySync(mask: Mask, options: AnyOptions): Mask {
  if (isPacked(mask)) {
    const request = packedRequest(mask, options);
    return { words: callSync(() => native.packedMorphologySync(request)), dims: mask.dims };
  }
  const request = byteRequest(mask, options);
  return resultTensor(
    "uint8",
    mask.dims,
    callSync(() => native.morphologySync(request)),
  );
}

type Mask = Tensor<"uint8"> | Tensor<"bool"> | PackedMask;
type AnyOptions = MorphologyOptions<Tensor | PackedMask>;

function byteRequest(mask: Tensor<"uint8"> | Tensor<"bool">, options: AnyOptions): NativeOptions {
  checkTensor("mask", mask, ["uint8", "bool"], [1, 8]);
  const request = commonRequest(mask.dims, options);
  const out = options.out as Tensor<"uint8"> | undefined;
  checkOut(out, "uint8", mask.dims);
  return { mask: arrayOf<"uint8" | "bool">(mask), ...request, out: out?.data };
}

function packedRequest(mask: PackedMask, options: AnyOptions): PackedMorphologyOptions {
  checkPackedMask("mask", mask);
  const request = commonRequest(mask.dims, options);
  const out = options.out as PackedMask | undefined;
  checkPackedOut(out, mask.dims);
  return { words: mask.words, ...request, out: out?.words };
}

function commonRequest(dims: readonly number[], options: AnyOptions): GridOptions & MorphologySpec {
  checkOptions("options", options, names);
  checkCall(options);
  checkMorphology(options, "");
  const { device, keep, op, structure, radius, iterations, border } = options;
  // Fields are named one by one, because V8 makes and reads objects that start with a spread slowly.
  const { batch, size } = trailingGrid(dims, spatialDimensions(options.dimensions, dims.length));
  return { batch, size, device, keep, op, structure, radius, iterations, border };
}

/**
 * Throws unless every field is valid; `prefix` goes before the argument's name, for example "morphology.".
 */
export function checkMorphology(spec: MorphologySpec, prefix: string): void {
  if (spec.op === undefined)
    throw invalidArgument(`${prefix}op`, `one of ${morphologyOps.join(", ")}`, spec.op);
  checkChoice(`${prefix}op`, spec.op, morphologyOps);
  checkChoice(`${prefix}structure`, spec.structure, ["box", "cross"]);
  checkChoice(`${prefix}border`, spec.border, ["neutral", "zero", "one", "replicate", "reflect101"]);
  if (spec.radius !== undefined) checkInteger(`${prefix}radius`, spec.radius, 0, 2 ** 31 - 1);
  if (spec.iterations !== undefined) checkInteger(`${prefix}iterations`, spec.iterations, 1, 2 ** 31 - 1);
}
