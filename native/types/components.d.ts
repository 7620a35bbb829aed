import type { FloatArray, GridOptions, LabelArray } from "./arrays.js";
import type { SurfaceConventions, SurfaceMeasures } from "./distance.js";

export interface ConnectedComponentsOptions extends GridOptions {
  readonly mask: Uint8Array;
  /** The most axes along which neighbours differ, 1 to 3. */
  readonly connectivity: number;
  readonly out?: Int32Array;
}

export interface LesionMaps extends GridOptions {
  readonly predicted: LabelArray;
  readonly labels: LabelArray;
  readonly classes: number;
  /** The classes of each region. */
  readonly regions: readonly (readonly number[])[];
  readonly ignore?: number;
  readonly connectivity: number;
  /** The number of times true components grow to be joined; default 0. */
  readonly grow?: number;
}

export interface LesionTablesOptions extends LesionMaps {
  /** The probabilities `[batch, classes, pixels]`, for the confidence inside. */
  readonly probs?: FloatArray;
  /** The bins of the calibration inside; default 10. */
  readonly bins?: number;
  /** Whether the distances between true components and what touches them are wanted; default false. */
  readonly touching?: boolean;
  /** The spacing of those distances; default ones. */
  readonly spacing?: readonly number[];
}

/** The components of a region of one image. */
export interface LesionTable {
  /** Six numbers a component: pixels, mean depth, height and width index, pixels in both maps, sum of p. */
  readonly predicted: Float64Array;
  readonly truth: Float64Array;
  /** Three numbers a pair that touches: predicted, true, shared pixels. */
  readonly pairs: Float64Array;
  /** The bins inside of predicted components; empty without probabilities. */
  readonly count: Float64Array;
  readonly confidence: Float64Array;
  readonly accuracy: Float64Array;
  /**
   * The 95th percentile of the Hausdorff distance ("deepmind") between every true component and all predicted
   * ones that touch it, Infinity without any; empty where it is not wanted.
   */
  readonly touching: Float64Array;
  /** The four numbers of `centerlines`; of `caseScores` alone. */
  readonly centerline: Float64Array;
}

export interface LesionSurfacesOptions extends LesionMaps, SurfaceConventions {
  /** The predicted and the true components of each group, in turn. */
  readonly groups: readonly (readonly number[])[];
  /** The number of groups of every image and region. */
  readonly lengths: readonly number[];
}

export interface ComponentKernels {
  /**
   * Returns four numbers for every image and region: the pixels of the predicted centreline, those of them in
   * the true region, and the same of the true one.
   */
  centerlines(options: LesionMaps): Promise<Float64Array>;
  centerlinesSync(options: LesionMaps): Float64Array;
  /** Returns the number of each pixel's component, 0 for none, and the components of every image. */
  connectedComponents(
    options: ConnectedComponentsOptions,
  ): Promise<{ labels: Int32Array; counts: Float64Array }>;
  connectedComponentsSync(options: ConnectedComponentsOptions): { labels: Int32Array; counts: Float64Array };
  /** Returns one table for every image and region. */
  lesionTables(options: LesionTablesOptions): Promise<LesionTable[]>;
  lesionTablesSync(options: LesionTablesOptions): LesionTable[];
  /** Returns one result per group. */
  lesionSurfaces(options: LesionSurfacesOptions): Promise<SurfaceMeasures[]>;
  lesionSurfacesSync(options: LesionSurfacesOptions): SurfaceMeasures[];
}
