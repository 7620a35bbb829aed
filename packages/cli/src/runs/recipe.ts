import type { Loss } from "@pixelcal/losses";
import {
  adamW,
  asksForClassWeights,
  constant,
  cosine,
  type Dataset,
  inverseFrequencies,
  type LossConfig,
  lossOf,
  lossStages,
  type Optimizer,
  poly,
  type Schedule,
  sgd,
  type TrainConfig,
  withClassWeights,
} from "@pixelcal/train";
import type { Terminal } from "../terminal.js";

/**
 * Returns what makes the losses of a configuration: with the class weights of the training split where they
 * ask for them, which are printed.
 */
export async function lossesOf(
  config: TrainConfig,
  train: Dataset,
  terminal: Terminal,
): Promise<(loss: LossConfig) => Loss> {
  if (!lossStages(config).some(({ loss }) => asksForClassWeights(loss)))
    return (loss) => lossOf(loss, config);
  const weights = await inverseFrequencies(train);
  terminal.line(`class weights by inverse frequency: ${weights.map((one) => one.toPrecision(4)).join(", ")}`);
  return (loss) => lossOf(withClassWeights(loss, weights), config);
}

/** Returns the optimizer of a configuration. */
export function optimizerOf({ optim }: TrainConfig): Optimizer {
  const { lr: learningRate, weight_decay: weightDecay, decay, momentum, nesterov } = optim;
  const shared = { learningRate, weightDecay, decay };
  return optim.name === "sgd" ? sgd({ ...shared, momentum, nesterov }) : adamW(shared);
}

/** Returns the schedule of the learning rate of a configuration. */
export function scheduleOf({ scheduler, epochs }: TrainConfig): Schedule {
  const { type, warmup, warmup_steps: warmupSteps, minimum, power } = scheduler;
  const rise = { warmup, ...(warmupSteps !== undefined && { warmupSteps }) };
  if (type === "constant") return constant(rise);
  return type === "poly" ? poly({ epochs, ...rise, power }) : cosine({ epochs, ...rise, minimum });
}
