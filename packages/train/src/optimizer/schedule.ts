import { checkOptions, InvalidArgumentError, invalidArgument, optionNames } from "@pixelcal/core";

/**
 * A learning-rate schedule: a factor on the optimizer's rate. A pure function, so a resumed run needs no
 * state.
 */
export interface Schedule {
  readonly name: string;
  readonly settings: Readonly<Record<string, number>>;
  /** Returns the factor in epoch `epoch` after `updates` updates in all, both counted from 0. */
  factor(epoch: number, updates?: number): number;
}

export interface WarmupOptions {
  /** Epochs of linear warm-up before the schedule begins; 0 by default. */
  readonly warmup?: number;
  /** Updates of linear warm-up while the schedule already runs; 0 by default. */
  readonly warmupSteps?: number;
}

/** The options of {@link cosine}. */
export interface CosineOptions extends WarmupOptions {
  readonly epochs: number;
  /** The fraction of the full rate that is left at the end; 0 by default. */
  readonly minimum?: number;
}

/** The options of {@link poly}. */
export interface PolyOptions extends WarmupOptions {
  readonly epochs: number;
  /** The exponent; 0.9 by default. */
  readonly power?: number;
}

const polyNames = optionNames<PolyOptions>({ warmup: true, warmupSteps: true, epochs: true, power: true });
const warmupNames = optionNames<WarmupOptions>({ warmup: true, warmupSteps: true });
const cosineNames = optionNames<CosineOptions>({
  warmup: true,
  warmupSteps: true,
  epochs: true,
  minimum: true,
});

/** Returns the schedule with one rate for all epochs after the warm-up. */
export function constant(options: WarmupOptions = {}): Schedule {
  checkOptions("options", options, warmupNames);
  return { name: "constant", settings: { ...options }, factor: warmed(options, () => 1) };
}

/**
 * Returns the schedule that falls by half a cosine to `minimum` (a fraction of the full rate) over `epochs`,
 * as CosineAnnealingLR in closed form: epoch t has minimum + (1 - minimum)(1 + cos(pi t / epochs)) / 2. It
 * stays at the minimum afterwards.
 */
export function cosine(options: CosineOptions): Schedule {
  checkOptions("options", options, cosineNames);
  const { epochs, minimum = 0, warmup = 0, warmupSteps } = options;
  if (!(Number.isInteger(epochs) && epochs >= 1))
    throw invalidArgument("epochs", "an integer of 1 or more", epochs);
  if (!(minimum >= 0 && minimum <= 1)) throw invalidArgument("minimum", "a fraction from 0 to 1", minimum);
  const length = epochs - warmup;
  if (length < 1) throw invalidArgument("warmup", `fewer than the ${epochs} epochs`, warmup);
  const falling = (epoch: number): number =>
    minimum + ((1 - minimum) * (1 + Math.cos((Math.PI * Math.min(epoch, length)) / length))) / 2;
  const settings = { epochs, minimum, warmup, ...(warmupSteps !== undefined && { warmupSteps }) };
  return { name: "cosine", settings, factor: warmed(options, falling) };
}

/**
 * Returns the schedule of DeepLab and nnU-Net: epoch t has (1 - t / epochs)^power, counted from the end of
 * the warm-up. It stays at 0 afterwards.
 */
export function poly(options: PolyOptions): Schedule {
  checkOptions("options", options, polyNames);
  const { epochs, power = 0.9, warmup = 0, warmupSteps } = options;
  if (!(Number.isInteger(epochs) && epochs >= 1))
    throw invalidArgument("epochs", "an integer of 1 or more", epochs);
  if (!(power > 0 && Number.isFinite(power))) throw invalidArgument("power", "a positive number", power);
  const length = epochs - warmup;
  if (length < 1) throw invalidArgument("warmup", `fewer than the ${epochs} epochs`, warmup);
  const falling = (epoch: number): number => (1 - Math.min(epoch, length) / length) ** power;
  const settings = { epochs, power, warmup, ...(warmupSteps !== undefined && { warmupSteps }) };
  return { name: "poly", settings, factor: warmed(options, falling) };
}

function warmed(
  { warmup = 0, warmupSteps = 0 }: WarmupOptions,
  after: (epoch: number) => number,
): Schedule["factor"] {
  for (const [name, value] of Object.entries({ warmup, warmupSteps }))
    if (!(Number.isInteger(value) && value >= 0))
      throw invalidArgument(name, "an integer of 0 or more", value);
  if (warmup > 0 && warmupSteps > 0)
    throw new InvalidArgumentError("warmupSteps", "warmupSteps: cannot be combined with warmup");
  return (epoch, updates = 0) => {
    if (epoch < warmup) return (epoch + 1) / (warmup + 1);
    return after(epoch - warmup) * Math.min(1, (updates + 1) / (warmupSteps + 1));
  };
}
