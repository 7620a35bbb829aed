// The boundary between JavaScript and the native kernels: every kernel `name(options)` returns a Promise and
// runs off the JS thread; `nameSync(options)` runs at once. Arrays are read and written in place, byteOffset
// respected. They must be attached, of fixed length and not shared: a SharedArrayBuffer may change under a
// kernel and a resizable ArrayBuffer may shrink, so both are refused. Arrays must not be changed while a call
// runs. If one is transferred or detached meanwhile, the call rejects; the memory stays until the kernel has
// ended. Lengths are compared with the given sizes, and result sizes with the limits of arrays, before
// anything is allocated. Rejected arguments are TypeErrors with code "INVALID_ARGUMENT" and a message
// "argument: expected X, got Y"; results too large are RangeErrors with code "RESULT_TOO_LARGE".
//
// `out` takes the result. Without it, results of 1 MB and more lie in a pool of the process, which reuses
// memory once JavaScript has dropped it: see `resultMemory`. Their ArrayBuffers cannot be transferred to
// another thread (Node copies them or throws a DataCloneError, by version); pass `out` for results that must
// move, or copy them with `copyBytes`.

// An asynchronous kernel takes a `CallControl` as second argument. A cancelled call rejects with an Error of
// code "CANCELLED".

import type { DeviceOptions } from "./types/arrays.js";
import type { CalibrationKernels } from "./types/calibration.js";
import type { CalibratorKernels } from "./types/calibrators.js";
import type { ComponentKernels } from "./types/components.js";
import type { DistanceKernels, SignedDistanceKernels, SurfaceDistanceKernels } from "./types/distance.js";
import type { LossTargetKernels } from "./types/loss-targets.js";
import type { MorphologyKernels } from "./types/morphology.js";
import type { OptimizerKernels } from "./types/optimizer.js";
import type { ResamplingKernels } from "./types/resampling.js";
import type { CaseScoreKernels } from "./types/scoring.js";
import type { BoundarySoftLabelKernels, NeighborhoodKernels, TargetKernels } from "./types/soft-labels.js";
import type { PredictionKernels, StoredValueKernels } from "./types/values.js";

export type * from "./types/arrays.js";
export type * from "./types/calibration.js";
export type * from "./types/calibrators.js";
export type * from "./types/components.js";
export type * from "./types/distance.js";
export type * from "./types/loss-targets.js";
export type * from "./types/morphology.js";
export type * from "./types/optimizer.js";
export type * from "./types/resampling.js";
export type * from "./types/scoring.js";
export type * from "./types/soft-labels.js";
export type * from "./types/values.js";

/** The functions of device arrays, only in builds with CUDA. */
export interface DeviceArrays {
  /** Returns a handle over a copy of `array` on the device. */
  upload(options: DeviceOptions & { readonly array: ArrayBufferView }): Promise<ArrayBufferView>;
  uploadSync(options: DeviceOptions & { readonly array: ArrayBufferView }): ArrayBufferView;
  /** Returns a copy of a handle's array in this process. */
  download(options: DeviceOptions & { readonly array: ArrayBufferView }): Promise<ArrayBufferView>;
  downloadSync(options: DeviceOptions & { readonly array: ArrayBufferView }): ArrayBufferView;
  /** Frees a handle's memory; running calls that use it finish. */
  release(handle: unknown): void;
}

export interface Native
  extends DeviceArrays,
    TargetKernels,
    DistanceKernels,
    SignedDistanceKernels,
    SurfaceDistanceKernels,
    OptimizerKernels,
    LossTargetKernels,
    MorphologyKernels,
    NeighborhoodKernels,
    BoundarySoftLabelKernels,
    CalibrationKernels,
    CaseScoreKernels,
    ComponentKernels,
    CalibratorKernels,
    PredictionKernels,
    ResamplingKernels,
    StoredValueKernels {
  /** The version of the addon, that of this package. */
  readonly version: string;
  /** The place the addon was loaded from: a prebuilt package's name, or a file. */
  readonly origin: string;
  /** Returns the devices that kernels can run on here, "cpu" first. */
  devices(): ("cpu" | "cuda")[];
  /** Returns the instruction set in use, and why there is no CUDA device, if so. */
  environment(): {
    instructionSet: "baseline" | "avx2" | "avx512";
    cudaProblem?: string;
  };
  /** Returns the number of threads one kernel call may use; the pool serves the whole process. */
  threadCount(): number;
  setThreadCount(count: number): void;
  /**
   * Sets how many asynchronous calls of the process run at once, 1 to 64; default 2. Small calls, by the
   * bytes of their arrays, go first, but no call is overtaken by more work than its own.
   */
  setConcurrency(count: number): void;
  queueState(): { waiting: number; running: number; concurrency: number };
  /** Cancels the call of this environment whose control object has the id; settled calls are left alone. */
  cancelCall(id: number): void;
  /**
   * Returns the bytes in the process's pool of large results, at most 256 MB together: `lent` to arrays that
   * JavaScript holds (or has dropped since the event loop last ran), `kept` for the next results. Beyond
   * that, and after half of it in one turn of the event loop, results are ordinary arrays.
   */
  resultMemory(): { lent: number; kept: number };
}

declare const native: Native;
export default native;
