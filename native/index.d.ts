// The boundary between JavaScript and the native kernels: every kernel `name(options)` returns a Promise and runs off the
// JS thread, `nameSync(options)` runs at once. Arrays are read and written in place, byteOffset respected; they must be
// attached, of fixed length and not shared, and must be neither changed nor transferred while a call runs. Rejected
// arguments are TypeErrors with code "INVALID_ARGUMENT" and a message "argument: expected X, got Y".

/** A label map, one integer class per pixel; none of the types is converted. */
export type LabelArray = Uint8Array | Int32Array | BigInt64Array;

/** `batch` (default 1) images of 1 to 3 spatial dimensions `size`, last dimension fastest. */
export interface GridOptions {
  readonly batch?: number;
  readonly size: readonly number[];
}

export interface DistanceTransformOptions extends GridOptions {
  readonly mask: Uint8Array;
  readonly spacing?: readonly number[];
  readonly squared?: boolean;
  /** What an image without any zero measures to: scipy's virtual point (default) or nothing (Infinity). */
  readonly noZero?: "reference" | "infinity";
  readonly out?: Float32Array;
}

export interface DistanceKernels {
  distanceTransform(options: DistanceTransformOptions): Promise<Float32Array>;
  distanceTransformSync(options: DistanceTransformOptions): Float32Array;
}

export type SignedDistanceKernels = {};

export type SurfaceDistanceKernels = {};

export type OptimizerKernels = {};

export type MorphologyKernels = {};

export type NeighborhoodKernels = {};

export type CalibrationKernels = {};

export interface Native
  extends DistanceKernels,
    SignedDistanceKernels,
    SurfaceDistanceKernels,
    OptimizerKernels,
    MorphologyKernels,
    NeighborhoodKernels,
    CalibrationKernels {
  /** Devices the kernels can run on here, "cpu" first. */
  devices(): ("cpu" | "cuda")[];
  /** Threads one kernel call may use; the pool serves the whole process. */
  threadCount(): number;
  setThreadCount(count: number): void;
}

declare const native: Native;
export default native;
