import { invalidArgument } from "@pixelcal/core";
import native from "@pixelcal/native";

/** One update of all trained parameters, in place. Arrays of one index belong to one parameter. */
export interface Update {
  readonly parameters: readonly Float32Array[];
  readonly gradients: readonly Float32Array[];
  /** Optimizer state by slot name. */
  readonly slots: Readonly<Record<string, readonly Float32Array[]>>;
  /** Whether weight decay applies to the parameter. */
  readonly decays: readonly boolean[];
  readonly learningRate: number;
  /** Factor on every gradient, from clipping and accumulation. */
  readonly gradientScale: number;
  /** Number of this update, from 1. */
  readonly count: number;
}

/** How parameters follow their gradients. The arithmetic is one fused native kernel over all parameters. */
export interface Optimizer {
  readonly name: string;
  readonly learningRate: number;
  /** Names of the arrays it keeps per parameter, zero at first. */
  readonly slots: readonly string[];
  /** "weights": no decay of biases and normalisation parameters (arrays of one axis); "all": decay of everything. */
  readonly decay: "weights" | "all";
  readonly settings: Readonly<Record<string, unknown>>;
  update(update: Update): Promise<void>;
}

export interface DecayOptions {
  readonly weightDecay?: number;
  readonly decay?: "weights" | "all";
}

export interface AdamWOptions extends DecayOptions {
  /** 1e-3 by default. */
  readonly learningRate?: number;
  readonly betas?: readonly [number, number];
  readonly epsilon?: number;
}

/** AdamW with decoupled weight decay (Loshchilov and Hutter 2019), PyTorch's defaults except `decay: "weights"`. */
export function adamW(options: AdamWOptions = {}): Optimizer {
  const { learningRate = 1e-3, betas = [0.9, 0.999], epsilon = 1e-8 } = options;
  const { weightDecay = 1e-2, decay = "weights" } = options;
  checkRates({ learningRate, weightDecay }, decay);
  if (!(betas.length === 2 && betas.every((beta) => beta >= 0 && beta < 1))) {
    throw invalidArgument("betas", "two numbers from 0 to below 1", `[${betas}]`);
  }
  if (!(epsilon > 0)) throw invalidArgument("epsilon", "a positive number", epsilon);
  return {
    name: "adamW",
    learningRate,
    decay,
    slots: ["averages", "squares"],
    settings: { learningRate, betas, epsilon, weightDecay, decay },
    update: ({ slots, count, ...update }) =>
      native.adamw({
        ...shared(update, weightDecay),
        averages: slots.averages!,
        squares: slots.squares!,
        step: count,
        beta1: betas[0],
        beta2: betas[1],
        epsilon,
      }),
  };
}

export interface SgdOptions extends DecayOptions {
  /** 1e-2 by default. */
  readonly learningRate?: number;
  readonly momentum?: number;
  readonly nesterov?: boolean;
}

/** Stochastic gradient descent with momentum, as torch.optim.SGD; no weight decay by default. */
export function sgd(options: SgdOptions = {}): Optimizer {
  const { learningRate = 1e-2, momentum = 0, nesterov = false, weightDecay = 0, decay = "weights" } = options;
  checkRates({ learningRate, weightDecay }, decay);
  if (!(momentum >= 0 && momentum < 1)) throw invalidArgument("momentum", "0 to below 1", momentum);
  if (nesterov && momentum === 0) throw invalidArgument("nesterov", "a momentum above 0", "momentum 0");
  return {
    name: "sgd",
    learningRate,
    decay,
    slots: momentum > 0 ? ["velocities"] : [],
    settings: { learningRate, momentum, nesterov, weightDecay, decay },
    update: ({ slots, ...update }) =>
      native.sgd({ ...shared(update, weightDecay), momentum, nesterov, velocities: slots.velocities }),
  };
}

function shared(
  { parameters, gradients, learningRate, gradientScale, decays }: Omit<Update, "slots" | "count">,
  weightDecay: number,
) {
  const weightDecays = decays.map((applies) => (applies ? weightDecay : 0));
  return { parameters, gradients, learningRate, gradientScale, weightDecay: weightDecays };
}

function checkRates(rates: Readonly<Record<string, number>>, decay: string): void {
  for (const [name, value] of Object.entries(rates)) {
    if (!(value >= 0 && Number.isFinite(value))) throw invalidArgument(name, "a number of 0 or more", value);
  }
  if (decay !== "weights" && decay !== "all") throw invalidArgument("decay", `"weights" or "all"`, decay);
}
