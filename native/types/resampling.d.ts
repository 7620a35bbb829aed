import type { GridOptions, LabelArray } from "./arrays.js";

/** The places that a result reads; src/resampling/warp.h has their definition. */
export interface WarpOptions extends GridOptions {
  readonly outSize: readonly number[];
  /** rank x rank numbers, row-major. */
  readonly matrix: readonly number[];
  readonly offset: readonly number[];
  /** Displacements in pixels of the source, `[rank, ...controlSize]`. */
  readonly control?: Float64Array;
  readonly controlSize?: readonly number[];
}

export interface WarpImageOptions extends WarpOptions {
  /** `[batch, ...size]`, the planes of one image. */
  readonly image: Float32Array;
  readonly interpolation: "nearest" | "linear";
  readonly out?: Float32Array;
}

export interface WarpLabelsOptions<T extends LabelArray = Uint8Array | Int32Array> extends WarpOptions {
  readonly labels: T;
  readonly out?: T;
}

/** Another size of a grid; src/resampling/resample.h has its definition. */
export interface ResampleOptions extends GridOptions {
  readonly outSize: readonly number[];
  /** The pixels that each pixel of the result is made of, per axis: 1, 2 or, of images, 4. */
  readonly taps: readonly number[];
}

export interface ResampleImageOptions extends ResampleOptions {
  /** `[batch, ...size]`, the planes of one image. */
  readonly image: Float32Array;
  readonly out?: Float32Array;
}

export interface ResampleLabelsOptions<T extends LabelArray = Uint8Array | Int32Array>
  extends ResampleOptions {
  readonly labels: T;
  readonly out?: T;
}

/** A change of intensities; src/resampling/intensity.h has their definitions. */
export interface ChangeIntensityOptions extends GridOptions {
  /** `[batch, ...size]`, the planes of one image. */
  readonly image: Float32Array;
  readonly change: "brightness" | "contrast" | "gamma" | "inverted-gamma" | "noise" | "blur";
  /** A number per plane; for blur one per plane and axis. */
  readonly amounts: readonly number[];
  readonly seed?: number;
  readonly out?: Float32Array;
}

/** The kernels of resampling and augmentation. */
export interface ResamplingKernels {
  /** Returns `[batch, ...outSize]`. */
  warpImage(options: WarpImageOptions): Promise<Float32Array>;
  warpImageSync(options: WarpImageOptions): Float32Array;
  /** Returns `[batch, ...outSize]`. */
  warpLabels<T extends Uint8Array | Int32Array>(options: WarpLabelsOptions<T>): Promise<T>;
  warpLabelsSync<T extends Uint8Array | Int32Array>(options: WarpLabelsOptions<T>): T;
  /** Returns `[batch, ...outSize]`. */
  resampleImage(options: ResampleImageOptions): Promise<Float32Array>;
  resampleImageSync(options: ResampleImageOptions): Float32Array;
  /** Returns `[batch, ...outSize]`. */
  resampleLabels<T extends Uint8Array | Int32Array>(options: ResampleLabelsOptions<T>): Promise<T>;
  resampleLabelsSync<T extends Uint8Array | Int32Array>(options: ResampleLabelsOptions<T>): T;
  /** Returns `[batch, ...size]`. */
  changeIntensity(options: ChangeIntensityOptions): Promise<Float32Array>;
  changeIntensitySync(options: ChangeIntensityOptions): Float32Array;
}
