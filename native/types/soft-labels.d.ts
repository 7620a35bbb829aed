import type { GridOptions, LabelArray } from "./arrays.js";
import type { MorphologyArguments } from "./morphology.js";

/** The options of soft labels; src/soft_labels/soft_labels.h explains each choice. */
export interface SoftLabelsOptions extends GridOptions, Partial<MorphologyArguments> {
  readonly labels: LabelArray;
  /** The image, one value per pixel, for the aggregations weighted by it. */
  readonly image?: Float32Array;
  readonly classes: number;
  readonly aggregation:
    | "weighted"
    | "largest"
    | "smallest"
    | "median"
    | "mode"
    | "any"
    | "all"
    | "majority"
    | "gradient"
    | "bilateral"
    | "image-l1"
    | "image-l2";
  readonly taps: readonly number[];
  readonly scale?: number;
  readonly centre?: number;
  readonly divisor?: number;
  /** The trailing dimensions the window and the morphology span; default all. */
  readonly dimensions?: number;
  readonly windowBorder: "background" | "zero" | "replicate" | "reflect101";
  readonly normalization: "window" | "classes" | "labels";
  readonly band?: boolean;
  readonly ignore?: number;
  readonly out?: Float32Array;
}

export interface NeighborhoodKernels {
  /** Returns `[batch, classes, ...size]`; morphology runs if `op` is given. */
  softLabels(options: SoftLabelsOptions): Promise<Float32Array>;
  softLabelsSync(options: SoftLabelsOptions): Float32Array;
}

export interface BoundarySoftLabelsOptions extends GridOptions {
  readonly labels: LabelArray;
  readonly classes: number;
  readonly spacing?: readonly number[];
  /** The width of the transition as a multiple of the smallest spacing; default 0.35. */
  readonly scale?: number;
  /** The share of the uniform distribution, from 0 (default) to below 1. */
  readonly floor?: number;
  readonly ignore?: number;
  /** The result, `[batch, classes, ...size]`. */
  readonly out?: Float32Array;
}

export interface BoundarySoftLabelKernels {
  boundarySoftLabels(options: BoundarySoftLabelsOptions): Promise<Float32Array>;
  boundarySoftLabelsSync(options: BoundarySoftLabelsOptions): Float32Array;
}

/**
 * The options of `signedDistance` and `softLabels` together, without `out`, `image` and `ignore`; the
 * requested results among one-hot labels, signed distances and soft labels are computed.
 */
export interface TargetsOptions extends GridOptions {
  readonly labels: LabelArray;
  readonly classes: number;
  readonly oneHot?: boolean;
  readonly signedDistance?: boolean;
  readonly softLabels?: boolean;
}

export interface Targets {
  readonly oneHot?: Float32Array;
  readonly signedDistance?: Float32Array;
  readonly softLabels?: Float32Array;
}

export interface TargetKernels {
  /** Computes several targets of labels that are read (and on a device uploaded) once. */
  targets(options: TargetsOptions): Promise<Targets>;
  targetsSync(options: TargetsOptions): Targets;
}
