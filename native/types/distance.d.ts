import type { GridOptions, LabelArray } from "./arrays.js";

export interface DistanceTransformOptions extends GridOptions {
  readonly mask: Uint8Array;
  readonly spacing?: readonly number[];
  readonly squared?: boolean;
  /** The distances of an image without any zero: Infinity (default), or those to SciPy's virtual point. */
  readonly noZero?: "infinity" | "reference";
  readonly out?: Float32Array;
}

export interface DistanceKernels {
  distanceTransform(options: DistanceTransformOptions): Promise<Float32Array>;
  distanceTransformSync(options: DistanceTransformOptions): Float32Array;
}

export interface SignedDistanceOptions extends GridOptions {
  readonly labels: LabelArray;
  readonly classes: number;
  readonly spacing?: readonly number[];
  readonly normalize?: "none" | "max" | "split" | "truncate";
  /** The reach in physical units; default 1. */
  readonly truncate?: number;
  readonly absent?: "reference" | "far";
  /** The result, `[batch, classes, ...size]`. */
  readonly out?: Float32Array;
}

export interface SignedDistanceKernels {
  signedDistance(options: SignedDistanceOptions): Promise<Float32Array>;
  signedDistanceSync(options: SignedDistanceOptions): Float32Array;
}

/** The arguments of surface distances; src/surface/surface_distance.h explains each choice. */
export interface SurfaceConventions {
  readonly spacing?: readonly number[];
  readonly convention?: "reference" | "monai" | "deepmind";
  /** The measures of two empty masks; default "undefined". */
  readonly bothEmpty?: "undefined" | "perfect";
  /** The measures if one mask is empty; default "worst". */
  readonly oneEmpty?: "worst" | "diagonal" | "undefined";
  /** The percentile of hdPercentile, 0 to 100; default 95. */
  readonly percentile?: number;
}

export interface SurfaceDistancesOptions extends GridOptions, SurfaceConventions {
  readonly a: Uint8Array;
  readonly b: Uint8Array;
  /** The tolerance of nsd in physical units; default 1. */
  readonly tolerance?: number;
}

/** A definition of the distances between regions of two label maps. */
export interface LabelSurfaceDefinition extends SurfaceConventions {
  /** The classes of each region. */
  readonly regions: readonly (readonly number[])[];
  /** The tolerance of every region, or one per region. */
  readonly tolerance?: number | readonly number[];
}

export interface LabelSurfaceDistancesOptions extends GridOptions, LabelSurfaceDefinition {
  readonly predicted: LabelArray;
  readonly labels: LabelArray;
  readonly classes: number;
  /** The label of pixels that are in no region and that cause no surface. */
  readonly ignore?: number;
}

/** The measures in physical units, except nsd, a share; aToB and bToA are the directed means. */
export interface SurfaceMeasures {
  readonly hd: number;
  readonly hd95: number;
  readonly hdPercentile: number;
  readonly assd: number;
  readonly nsd: number;
  readonly aToB: number;
  readonly bToA: number;
}

export interface SurfaceDistanceKernels {
  /** Returns one result per image. */
  surfaceDistances(options: SurfaceDistancesOptions): Promise<SurfaceMeasures[]>;
  surfaceDistancesSync(options: SurfaceDistancesOptions): SurfaceMeasures[];
  /** Returns one result per image and region. */
  labelSurfaceDistances(options: LabelSurfaceDistancesOptions): Promise<SurfaceMeasures[][]>;
  labelSurfaceDistancesSync(options: LabelSurfaceDistancesOptions): SurfaceMeasures[][];
}
