import type { DeviceOptions } from "./arrays.js";

/** The parameter arrays, updated in place, each with its gradient and state of the same length. */
export interface UpdateOptions extends DeviceOptions {
  readonly parameters: readonly Float32Array[];
  readonly gradients: readonly Float32Array[];
  readonly learningRate: number;
  /** The weight decay of every array, or one per array; default 0. */
  readonly weightDecay?: number | readonly number[];
  /** The factor applied to every gradient first (clipping, accumulation); default 1. */
  readonly gradientScale?: number;
}

export interface AdamwOptions extends UpdateOptions {
  /** The running means of the gradients, zeros at first; updated in place. */
  readonly averages: readonly Float32Array[];
  /** The running means of the squared gradients, zeros at first; updated in place. */
  readonly squares: readonly Float32Array[];
  /** The number of the update, 1 for the first. */
  readonly step: number;
  /** The decay rate of `averages`; default 0.9. */
  readonly beta1?: number;
  /** The decay rate of `squares`; default 0.999. */
  readonly beta2?: number;
  /** The number added to the denominator; default 1e-8. */
  readonly epsilon?: number;
}

export interface SgdOptions extends UpdateOptions {
  /** The momentum; default 0. */
  readonly momentum?: number;
  readonly nesterov?: boolean;
  /** The velocities, zeros at first, updated in place; required with momentum. */
  readonly velocities?: readonly Float32Array[];
}

export interface OptimizerKernels {
  /** Applies torch.optim.AdamW's update with decoupled weight decay. */
  adamw(options: AdamwOptions): Promise<void>;
  adamwSync(options: AdamwOptions): void;
  /** Applies torch.optim.SGD's update with weight decay added to the gradient. */
  sgd(options: SgdOptions): Promise<void>;
  sgdSync(options: SgdOptions): void;
  /** Returns the Euclidean norm of all gradients together, summed in double in a fixed order. */
  gradientNorm(options: DeviceOptions & { readonly gradients: readonly Float32Array[] }): Promise<number>;
  gradientNormSync(options: DeviceOptions & { readonly gradients: readonly Float32Array[] }): number;
}
