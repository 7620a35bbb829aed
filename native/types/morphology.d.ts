import type { GridOptions } from "./arrays.js";

export interface MorphologyArguments {
  readonly op:
    | "erosion"
    | "dilation"
    | "opening"
    | "closing"
    | "gradient"
    | "internal-gradient"
    | "external-gradient";
  readonly structure?: "box" | "cross";
  readonly radius?: number;
  readonly iterations?: number;
  readonly border?: "neutral" | "zero" | "one" | "replicate" | "reflect101";
}

export interface MorphologyOptions extends GridOptions, MorphologyArguments {
  readonly mask: Uint8Array;
  readonly out?: Uint8Array;
}

/**
 * The options of packed masks of one bit per pixel: pixel x of a row along the last axis is bit x % 64 of the
 * row's word x / 64, every row starts a new word, and unused bits of its last word are 0.
 */
export interface PackedMorphologyOptions extends GridOptions, MorphologyArguments {
  readonly words: BigUint64Array;
  readonly out?: BigUint64Array;
}

export interface PackMaskOptions extends GridOptions {
  readonly mask: Uint8Array;
  readonly out?: BigUint64Array;
}

export interface UnpackMaskOptions extends GridOptions {
  readonly words: BigUint64Array;
  readonly out?: Uint8Array;
}

export interface MorphologyKernels {
  morphology(options: MorphologyOptions): Promise<Uint8Array>;
  morphologySync(options: MorphologyOptions): Uint8Array;
  packedMorphology(options: PackedMorphologyOptions): Promise<BigUint64Array>;
  packedMorphologySync(options: PackedMorphologyOptions): BigUint64Array;
  packMask(options: PackMaskOptions): Promise<BigUint64Array>;
  packMaskSync(options: PackMaskOptions): BigUint64Array;
  unpackMask(options: UnpackMaskOptions): Promise<Uint8Array>;
  unpackMaskSync(options: UnpackMaskOptions): Uint8Array;
}
