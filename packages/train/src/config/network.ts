import { InvalidArgumentError } from "@pixelcal/core";
import type { Model } from "../model/model.js";
import { plainUnet, residualUnet } from "../model/staged-unet.js";
import { stagesOf } from "../model/stages.js";
import { unet2d } from "../model/unet2d.js";
import { unet3d } from "../model/unet3d.js";
import { ConfigError } from "./errors.js";
import type { FileConfig } from "./keys.js";
import type { BuiltModelConfig } from "./train-config.js";

/** Returns the number of spatial axes that a network of this package takes. */
export const dimensionsOf = ({ arch }: Pick<BuiltModelConfig, "arch">): 2 | 3 =>
  arch.endsWith("2d") ? 2 : 3;

/** Describes the network of a configuration, its weights drawn from `seed`. */
export function builtModel(config: BuiltModelConfig, seed: number): Model {
  const { arch, in_channels: channels, num_classes: classes, base, strides, kernels, blocks } = config;
  const { deep_supervision: deepSupervision } = config;
  const options = { channels, classes, base, seed, deepSupervision };
  if (arch === "unet2d") return unet2d(options);
  if (arch === "unet3d") return unet3d(options);
  const dimensions = dimensionsOf(config);
  return (arch.startsWith("plain") ? plainUnet : residualUnet)({
    ...options,
    dimensions,
    strides,
    kernels,
    blocks,
  });
}

/** Returns a network's section with its defaults; throws `ConfigError` for keys that do not fit together. */
export function builtModelOf(
  model: FileConfig["model"] & { readonly arch: BuiltModelConfig["arch"] },
  { patches, seed }: Pick<FileConfig, "patches" | "seed">,
): BuiltModelConfig {
  const { arch, ...given } = model as BuiltModelConfig;
  const dimensions = dimensionsOf({ arch });
  const authors = arch === "unet2d" || arch === "unet3d";
  const problems = (["strides", "kernels", "blocks"] as const)
    .filter((key) => authors && given[key] !== undefined)
    .map((key) => `model.${key}: needs arch plain${dimensions}d or residual${dimensions}d`);
  if (patches !== undefined && patches.size.length !== dimensions)
    problems.push(`patches.size: expected ${dimensions} sizes for ${arch}, got [${patches.size}]`);
  if (problems.length > 0) throw new ConfigError(problems);
  const base = given.base ?? (arch === "unet3d" ? 16 : 32);
  if (authors) return { ...given, arch, base };
  const { strides, kernels = undefined } = given;
  const chosen = patches !== undefined && strides === undefined ? stagesOf(patches.size) : undefined;
  const stages = {
    ...(chosen && chosen.strides.length > 0 && { strides: chosen.strides }),
    ...(chosen && chosen.strides.length > 0 && kernels === undefined && { kernels: chosen.kernels }),
  };
  const config = { deep_supervision: true, ...given, ...stages, arch, base };
  try {
    builtModel(config, seed);
  } catch (cause) {
    if (cause instanceof InvalidArgumentError) throw new ConfigError([`model.${cause.message}`]);
    throw cause;
  }
  return config;
}
