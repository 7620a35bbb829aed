import { checkOptions } from "@pixelcal/core";
import { z } from "zod";
import { augmentOf } from "./augmentation.js";
import { ConfigError, problemsOf } from "./errors.js";
import { finishOf } from "./finish.js";
import { shareIgnore } from "./ignore.js";
import { type FileConfig, fineTuning, schema } from "./keys.js";
import { lossOfMethod, lossOfSection } from "./loss.js";
import { forbiddenNames } from "./names.js";
import { builtModelOf } from "./network.js";
import { normalizationProblems } from "./preparation.js";
import { regionProblems } from "./regions.js";
import type { TrainConfig } from "./train-config.js";

export { type AugmentConfig, augmentationOf } from "./augmentation.js";
export { ConfigError } from "./errors.js";
export { configSchema, type JsonSchema } from "./json-schema.js";
export type { LossConfig } from "./loss.js";
export { builtModel, dimensionsOf } from "./network.js";
export type { BuiltModelConfig, OnnxModelConfig, TrainConfig } from "./train-config.js";

const parseNames: ReadonlySet<string> = new Set(["runName"]);

/**
 * Checks a configuration read from YAML or JSON and fills in the defaults, which are those of the authors'
 * repository (EagleAdelaide/SDC-Loss), whose configurations are read unchanged. Throws `ConfigError` listing
 * every problem. `runName` is the name of a run whose configuration gives none: the stem of the configuration
 * file.
 */
export function parseConfig(json: unknown, options: { runName?: string } = {}): TrainConfig {
  checkOptions("options", options, parseNames);
  const problems = forbiddenNames(json);
  if (problems.length > 0) throw new ConfigError(problems);
  const known = givenOnnx(json) ? fineTuning : schema;
  const parsed = known.safeParse(json);
  if (!parsed.success) {
    const keys = (path: readonly string[]): readonly string[] => keysAt(known, path);
    problems.push(...parsed.error.issues.flatMap((issue) => problemsOf(issue, json, keys)));
  }
  problems.push(...chooseOne(json));
  if (!parsed.success || problems.length > 0) throw new ConfigError(problems);

  const {
    method,
    loss,
    finish,
    run_name,
    preset: asked,
    model,
    optim,
    scheduler,
    dataset,
    ...file
  } = parsed.data;
  const preset = asked ?? (method === undefined ? "consistent" : "reference");
  const name = run_name ?? options.runName;
  if (name === undefined) throw new ConfigError(["run_name: missing; expected a name"]);
  checkTogether(parsed.data);
  const shared = shareIgnore(
    method === undefined ? lossOfSection(loss!) : lossOfMethod(method, preset, file),
    dataset.ignore,
  );
  // The authors keep the epoch of the lowest loss; a loss of its own ranks by what it asks for.
  const selection = file.selection ?? (preset === "reference" && finish === undefined ? "loss" : "nll");
  const config: TrainConfig = {
    run_name: name,
    seed: file.seed,
    preset,
    loss: shared.loss,
    ...(finish && { finish: finishOf(finish, { ...file, selection, ignore: shared.ignore }) }),
    dataset: { ...dataset, ...(shared.ignore !== undefined && { ignore: shared.ignore }) },
    model: "onnx" in model ? model : builtModelOf(model, file),
    batch_size: file.batch_size,
    num_workers: file.num_workers,
    epochs: file.epochs,
    optim: { ...optimOf(optim), decay: optim.decay ?? (preset === "reference" ? "all" : "weights") },
    scheduler: { ...scheduler, type: scheduler.type === "none" ? "constant" : scheduler.type },
    augment: augmentOf(file.augment),
    device: file.device,
    ...given(file, optional),
    selection,
  };
  const misfits = regionProblems(config);
  if (misfits.length > 0) throw new ConfigError(misfits);
  return config;
}

/** Returns the section with the optimizer's defaults: nnU-Net's for SGD. */
function optimOf(optim: FileConfig["optim"]): Omit<TrainConfig["optim"], "decay"> {
  const { lr, weight_decay } = optim;
  if (optim.name !== "sgd") return { ...optim, lr: lr ?? 1e-4, weight_decay: weight_decay ?? 1e-2 };
  const { momentum = 0.99, nesterov = true } = optim;
  const settings = { momentum, nesterov: nesterov && momentum > 0 };
  return { ...optim, lr: lr ?? 1e-2, weight_decay: weight_decay ?? 3e-5, ...settings };
}

/** Throws `ConfigError` for values that contradict one another. */
function checkTogether(file: FileConfig): void {
  const { scheduler, epochs, model, optim, preparation, members = 1 } = file;
  if ("onnx" in model && members > 1)
    throw new ConfigError([
      `members: expected 1 for an ONNX file, from whose weights all would start, got ${members}`,
    ]);
  const { flips } = augmentOf(file.augment);
  if (file.infer?.flips && (flips === false || (Array.isArray(flips) && flips.length === 0)))
    throw new ConfigError(["infer.flips: needs augment.flips, whose axes it mirrors"]);
  const channels = "onnx" in model ? undefined : model.in_channels;
  const unprepared = normalizationProblems(preparation?.normalization ?? [], channels);
  if (unprepared.length > 0) throw new ConfigError(unprepared);
  const { warmup = 0, warmup_steps = 0 } = scheduler;
  if (warmup > 0 && warmup_steps > 0)
    throw new ConfigError(["scheduler.warmup_steps: expected either warmup or warmup_steps, got both"]);
  for (const key of ["momentum", "nesterov"] as const)
    if (optim[key] !== undefined && optim.name !== "sgd")
      throw new ConfigError([`optim.${key}: needs optim.name sgd`]);
  if (scheduler.power !== undefined && scheduler.type !== "poly")
    throw new ConfigError(["scheduler.power: needs scheduler.type poly"]);
  if (scheduler.minimum !== undefined && scheduler.type === "poly")
    throw new ConfigError(["scheduler.minimum: not supported with scheduler.type poly, which ends at 0"]);
  if (["cosine", "poly"].includes(scheduler.type) && warmup >= epochs)
    throw new ConfigError([
      `scheduler.warmup: expected less than the ${epochs} epochs, got number ${warmup}`,
    ]);
}

const optional = [
  "members",
  "threads",
  "clip_norm",
  "trainable",
  "batch_norm",
  "remainder",
  "accumulate",
  "ema",
  "patience",
  "checkpoint_minutes",
  "tensorboard",
  "selection_ema",
  "patches",
  "preparation",
  "infer",
] as const;

function givenOnnx(json: unknown): boolean {
  const model = isSection(json) ? json.model : undefined;
  return isSection(model) && "onnx" in model;
}

const isSection = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Returns the keys that have a value. */
function given<T extends object, K extends keyof T>(file: T, keys: readonly K[]): Pick<T, K> {
  const present = keys.filter((key) => file[key] !== undefined).map((key) => [key, file[key]]);
  return Object.fromEntries(present) as Pick<T, K>;
}

function chooseOne(json: unknown): string[] {
  if (!isSection(json)) return [];
  if ("method" in json && "loss" in json) return ["loss: expected either method or loss, got both"];
  if (!("method" in json) && !("loss" in json))
    return ["method: missing; expected a method or a loss section"];
  return [];
}

/** Returns the keys of the section at a path. */
function keysAt(root: z.ZodType, path: readonly string[]): readonly string[] {
  const section = path.reduce<unknown>((outer, key) => {
    if (outer instanceof z.ZodArray) return required(outer.element);
    return outer instanceof z.ZodObject ? required(outer.shape[key]) : undefined;
  }, root);
  return section instanceof z.ZodObject ? Object.keys(section.shape) : [];
}

/** Returns the schema of a section that may be absent. */
function required(section: unknown): unknown {
  const wrapped = section instanceof z.ZodOptional || section instanceof z.ZodPrefault;
  return wrapped ? required(section.unwrap()) : section;
}
