import {
  adamW,
  constant,
  cosine,
  type Optimizer,
  poly,
  type Schedule,
  sgd,
  type TrainConfig,
} from "@pixelcal/train";

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
