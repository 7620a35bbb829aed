import { call, callSync, native } from "../binding.js";
import { checkOptions, optionNames } from "../check-options.js";
import { checkCall, type DeviceOption } from "../device.js";

/** The arrays to update in place, each with its gradient and state of the same length. */
export interface UpdateOptions extends DeviceOption {
  readonly parameters: readonly Float32Array[];
  readonly gradients: readonly Float32Array[];
  readonly learningRate: number;
  /** The weight decay of every array, or one per array; default 0. */
  readonly weightDecay?: number | readonly number[];
  /** The factor applied to every gradient first (clipping, accumulation); default 1. */
  readonly gradientScale?: number;
}

export interface AdamWUpdateOptions extends UpdateOptions {
  /** The running means of the gradients, zeros at first; updated in place. */
  readonly averages: readonly Float32Array[];
  /** The running means of the squared gradients, zeros at first; updated in place. */
  readonly squares: readonly Float32Array[];
  /** The number of this update, from 1. */
  readonly step: number;
  /** The decay rate of `averages`; default 0.9. */
  readonly beta1?: number;
  /** The decay rate of `squares`; default 0.999. */
  readonly beta2?: number;
  /** The number added to the denominator; default 1e-8. */
  readonly epsilon?: number;
}

export interface SgdUpdateOptions extends UpdateOptions {
  /** The momentum; default 0. */
  readonly momentum?: number;
  readonly nesterov?: boolean;
  /** The velocities, zeros at first, updated in place; required with momentum. */
  readonly velocities?: readonly Float32Array[];
}

export interface GradientNormOptions extends DeviceOption {
  readonly gradients: readonly Float32Array[];
}

const updateNames = {
  device: true,
  signal: true,
  parameters: true,
  gradients: true,
  learningRate: true,
  weightDecay: true,
  gradientScale: true,
} as const;
const adamwNames = optionNames<AdamWUpdateOptions>({
  ...updateNames,
  averages: true,
  squares: true,
  step: true,
  beta1: true,
  beta2: true,
  epsilon: true,
});
const sgdNames = optionNames<SgdUpdateOptions>({
  ...updateNames,
  momentum: true,
  nesterov: true,
  velocities: true,
});
const normNames = optionNames<GradientNormOptions>({ device: true, signal: true, gradients: true });

/**
 * Updates parameters in place by one step of AdamW with decoupled weight decay (Loshchilov and Hutter 2019),
 * with the arithmetic of torch.optim.AdamW. The arrays must not be changed until the promise settles.
 */
export async function adamwUpdate(options: AdamWUpdateOptions): Promise<void> {
  check(options, adamwNames);
  await call(native.adamw, options, options.signal);
}

/** Runs {@link adamwUpdate} on the calling thread. */
export function adamwUpdateSync(options: AdamWUpdateOptions): void {
  check(options, adamwNames);
  callSync(() => native.adamwSync(options));
}

/**
 * Updates parameters in place by one step of stochastic gradient descent, with the arithmetic of
 * torch.optim.SGD: weight decay is added to the gradient. The arrays must not be changed until the promise
 * settles.
 */
export async function sgdUpdate(options: SgdUpdateOptions): Promise<void> {
  check(options, sgdNames);
  await call(native.sgd, options, options.signal);
}

/** Runs {@link sgdUpdate} on the calling thread. */
export function sgdUpdateSync(options: SgdUpdateOptions): void {
  check(options, sgdNames);
  callSync(() => native.sgdSync(options));
}

/** Returns the Euclidean norm of all gradients together, summed in double precision in a fixed order. */
export async function gradientNorm(options: GradientNormOptions): Promise<number> {
  check(options, normNames);
  return await call(native.gradientNorm, options, options.signal);
}

/** Runs {@link gradientNorm} on the calling thread. */
export function gradientNormSync(options: GradientNormOptions): number {
  check(options, normNames);
  return callSync(() => native.gradientNormSync(options));
}

function check(options: DeviceOption, names: ReadonlySet<string>): void {
  checkOptions("options", options, names);
  checkCall(options);
}
