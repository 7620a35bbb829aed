import { adamwUpdate, checkOptions, invalidArgument, optionNames, sgdUpdate } from "@pixelcal/core";
import { ops, type Value } from "@pixelcal/graph";

const { Add, Sub, Mul, Div } = ops;

/**
 * One update of all trained parameters, in place. Arrays with the same index belong to the same parameter.
 */
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

/** The arrays of an update as values of a graph; `scalars` change from update to update. */
interface UpdateValues {
  readonly parameter: Value;
  readonly gradient: Value;
  readonly slots: Readonly<Record<string, Value>>;
  readonly scalars: Readonly<Record<string, Value>>;
}

/**
 * An optimizer's update as graph operators, for weights in device memory; the same arithmetic as its native
 * kernel.
 */
interface UpdateRule {
  /** Returns the scalars of one update by name. */
  scalars(update: {
    readonly learningRate: number;
    readonly gradientScale: number;
    readonly decays: boolean;
    readonly count: number;
  }): Readonly<Record<string, number>>;
  build(values: UpdateValues): UpdateResult;
}

interface UpdateResult {
  readonly parameter: Value;
  readonly slots: Readonly<Record<string, Value>>;
}

/** A rule that updates parameters by their gradients, as one fused native kernel over all parameters. */
export interface Optimizer {
  readonly name: string;
  readonly learningRate: number;
  /** Names of the state arrays per parameter, initially zero. */
  readonly slots: readonly string[];
  /**
   * "weights": biases and normalisation parameters (arrays of one axis) do not decay; "all": everything
   * decays.
   */
  readonly decay: "weights" | "all";
  readonly settings: Readonly<Record<string, unknown>>;
  update(update: Update): Promise<void>;
  /** The same update as graph operators, for weights in device memory. */
  readonly rule: UpdateRule;
}

interface DecayOptions {
  readonly weightDecay?: number;
  readonly decay?: "weights" | "all";
}

export interface AdamWOptions extends DecayOptions {
  /** 1e-3 by default. */
  readonly learningRate?: number;
  readonly betas?: readonly [number, number];
  readonly epsilon?: number;
}

const adamWNames = optionNames<AdamWOptions>({
  learningRate: true,
  betas: true,
  epsilon: true,
  weightDecay: true,
  decay: true,
});

/**
 * Returns AdamW with decoupled weight decay (Loshchilov and Hutter 2019); PyTorch's defaults except `decay:
 * "weights"`.
 */
export function adamW(options: AdamWOptions = {}): Optimizer {
  checkOptions("options", options, adamWNames);
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
      adamwUpdate({
        ...shared(update, weightDecay),
        averages: slots.averages!,
        squares: slots.squares!,
        step: count,
        beta1: betas[0],
        beta2: betas[1],
        epsilon,
      }),
    rule: {
      scalars: ({ learningRate: rate, gradientScale: scale, decays, count }) => ({
        scale,
        kept: 1 - (decays ? rate * weightDecay : 0),
        stepSize: rate / (1 - betas[0] ** count),
        rootCorrection: Math.sqrt(1 - betas[1] ** count),
      }),
      build: ({ parameter, gradient, slots, scalars: { scale, kept, stepSize, rootCorrection } }) => {
        const g = Mul(gradient, scale!);
        const averages = Add(slots.averages!, Mul(Sub(g, slots.averages!), 1 - betas[0]));
        const squares = Add(Mul(slots.squares!, betas[1]), Mul(Mul(g, g), 1 - betas[1]));
        const spread = Add(Div(ops.Sqrt(squares), rootCorrection!), epsilon);
        const step = Div(Mul(averages, stepSize!), spread);
        return { parameter: Sub(Mul(parameter, kept!), step), slots: { averages, squares } };
      },
    },
  };
}

export interface SgdOptions extends DecayOptions {
  /** 1e-2 by default. */
  readonly learningRate?: number;
  readonly momentum?: number;
  readonly nesterov?: boolean;
}

const sgdNames = optionNames<SgdOptions>({
  learningRate: true,
  momentum: true,
  nesterov: true,
  weightDecay: true,
  decay: true,
});

/** Returns stochastic gradient descent with momentum, as torch.optim.SGD; no weight decay by default. */
export function sgd(options: SgdOptions = {}): Optimizer {
  checkOptions("options", options, sgdNames);
  const { learningRate = 1e-2, momentum = 0, nesterov = false, weightDecay = 0, decay = "weights" } = options;
  checkRates({ learningRate, weightDecay }, decay);
  if (!(momentum >= 0 && momentum < 1)) throw invalidArgument("momentum", "0 to below 1", momentum);
  if (nesterov && momentum === 0) throw invalidArgument("nesterov", "a momentum above 0", 0);
  return {
    name: "sgd",
    learningRate,
    decay,
    slots: momentum > 0 ? ["velocities"] : [],
    settings: { learningRate, momentum, nesterov, weightDecay, decay },
    update: ({ slots, ...update }) =>
      sgdUpdate({ ...shared(update, weightDecay), momentum, nesterov, velocities: slots.velocities }),
    rule: {
      scalars: ({ learningRate: rate, gradientScale: scale, decays }) => ({
        scale,
        rate,
        decay: decays ? weightDecay : 0,
      }),
      build: ({ parameter, gradient, slots, scalars: { scale, rate, decay } }): UpdateResult => {
        const g = Add(Mul(gradient, scale!), Mul(parameter, decay!));
        if (momentum === 0) return { parameter: Sub(parameter, Mul(g, rate!)), slots: {} };
        const velocities = Add(Mul(slots.velocities!, momentum), g);
        const step = nesterov ? Add(g, Mul(velocities, momentum)) : velocities;
        return { parameter: Sub(parameter, Mul(step, rate!)), slots: { velocities } };
      },
    },
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
