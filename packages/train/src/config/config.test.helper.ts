import { ConfigError, parseConfig } from "./config.js";

/**
 * Makes a configuration with every key that the authors' repository reads, as its own toy configurations
 * write them.
 */
export const authors = (method: string): Record<string, unknown> => ({
  seed: 7,
  run_name: `toy_${method}`,
  method,
  dataset: { name: "toy", root: "data/toy" },
  model: { arch: "unet2d", in_channels: 1, num_classes: 2, base: 16 },
  batch_size: 8,
  num_workers: 0,
  epochs: 3,
  optim: { lr: 0.001, weight_decay: 0.0001 },
  scheduler: { type: "cosine" },
  sdc: { alpha: 0.1, lam_sdf: 0.1, sam_morph: "gradient", sam_kernel: "mean", sdf_scale: 100 },
  focal: { gamma: 3 },
  fcl: { gamma: 3, lam: 0.1 },
  labelsmoothing: { alpha: 0.1 },
  ecp: { lam: 0.1 },
  nacl: { kernel: "min", alpha: 0.1, dist: "l1" },
  svls: { sigma: 2, alpha: 0.1, dist: "l1" },
  mbls: { m: 10, alpha: 0.1 },
  dicece: { dice_weight: 1, ce_weight: 1 },
});

/** The least that a configuration of the authors says. */
export const smallest = { method: "sdc", dataset: { root: "data" }, model: { num_classes: 2 } };

/** Returns the problems that a configuration is refused for. */
export function problems(json: unknown): readonly string[] {
  try {
    parseConfig(json, { runName: "run" });
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}
