/** An object by which a call can be cancelled, and which the settled call fills in. */
export interface CallControl {
  /** The call's name in `cancelCall`: a number that no pending call of this environment has, not 0. */
  readonly id?: number;
  /** The time the call waited and the time it ran, in milliseconds. */
  queued: number;
  running: number;
  /** The number of elements of all arrays that the call read or wrote. */
  elements: number;
}

/** A label map, one integer class per pixel; none of the types is converted. */
export type LabelArray = Uint8Array | Int32Array | BigInt64Array;

/**
 * The place where a kernel runs; a device that is not in `devices()` is an error. On "cuda" every array may
 * be a handle, and with `keep` the results are handles, whatever the types below say: values of `upload` and
 * of other kernels, which only native code can read.
 */
export interface DeviceOptions {
  readonly device?: "cpu" | "cuda";
  readonly keep?: boolean;
}

/** A grid of `batch` (default 1) images of 1 to 3 spatial dimensions `size`, last dimension fastest. */
export interface GridOptions extends DeviceOptions {
  readonly batch?: number;
  readonly size: readonly number[];
}

/**
 * An array of float32, or of float16: a Float16Array (typed by what it has in common with a Uint16Array) or
 * its bits.
 */
export type FloatArray = Float32Array | Uint16Array;
