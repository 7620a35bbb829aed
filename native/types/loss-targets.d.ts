import type { GridOptions, LabelArray } from "./arrays.js";
import type { SignedDistanceOptions } from "./distance.js";

export interface BorderLevelsOptions extends SignedDistanceOptions {
  /**
   * distances: as of `signedDistance`; border: inside moved by the smallest spacing, and 0 everywhere for a
   * class without a border; scaled-border: either side of that divided by its largest.
   */
  readonly form: "distances" | "border" | "scaled-border";
  /** The label of pixels that are a class of their own, without a map. */
  readonly ignore?: number;
}

export interface BorderDistancesOptions extends GridOptions {
  readonly labels: LabelArray;
  readonly classes: number;
  /** The label of pixels that are in no class. */
  readonly ignore?: number;
  readonly out?: Float32Array;
}

export interface RingTargetsOptions extends GridOptions {
  readonly labels: LabelArray;
  readonly classes: number;
  readonly inner: number;
  readonly outer: number;
  readonly ignore?: number;
  readonly out?: Float32Array;
}

export interface MixedPixelsOptions extends GridOptions {
  /** `[batch, classes, ...size]` */
  readonly soft: Float32Array;
  readonly classes: number;
  readonly limit: number;
  readonly out?: Float32Array;
}

/** Constraints on logits; src/optimizer/constraint_sums.h has their definition. */
export interface ConstraintSumsOptions extends GridOptions {
  readonly logits: Float32Array;
  readonly labels: LabelArray;
  readonly classes: number;
  readonly ignore?: number;
  readonly margin: number;
  readonly targets?: Float32Array;
  readonly near?: Float32Array;
  /** A number per channel. */
  readonly multipliers: readonly number[];
  readonly parameters: readonly number[];
}

/** Sums over the counted pixels, a number per channel. */
export interface ConstraintSums {
  readonly pushed: number[];
  readonly constraints: number[];
  readonly seen: number[];
  /** The number of the counted pixels. */
  readonly count: number;
}

/** The kernels that losses need beside `targets`; distances alone are also measured on a device. */
export interface LossTargetKernels {
  /** Returns `[batch, classes, ...size]`. */
  borderLevels(options: BorderLevelsOptions): Promise<Float32Array>;
  borderLevelsSync(options: BorderLevelsOptions): Float32Array;
  borderDistances(options: BorderDistancesOptions): Promise<Float32Array>;
  borderDistancesSync(options: BorderDistancesOptions): Float32Array;
  ringTargets(options: RingTargetsOptions): Promise<Float32Array>;
  ringTargetsSync(options: RingTargetsOptions): Float32Array;
  /** Returns `[batch, ...size]`. */
  mixedPixels(options: MixedPixelsOptions): Promise<Float32Array>;
  mixedPixelsSync(options: MixedPixelsOptions): Float32Array;
  constraintSums(options: ConstraintSumsOptions): Promise<ConstraintSums>;
  constraintSumsSync(options: ConstraintSumsOptions): ConstraintSums;
}
