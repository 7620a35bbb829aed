import { checkOptions } from "@pixelcal/core";
import type { TiedWeights } from "@pixelcal/graph";
import { z } from "zod";
import { ConfigError, problemsOf } from "./errors.js";
import { shareIgnore } from "./ignore.js";
import { type LossConfig, lossOfMethod, lossOfSection, methodSections, methods } from "./loss.js";

import { forbiddenNames } from "./names.js";

export { ConfigError } from "./errors.js";
export type { LossConfig } from "./loss.js";

/** A network of this package, with fresh weights. */
export interface BuiltModelConfig {
  readonly arch: "unet2d" | "unet3d";
  readonly in_channels: number;
  readonly num_classes: number;
  readonly base: number;
}

/** An ONNX file to fine-tune; the keys mean what they do in `TrainerOptions`. */
export interface OnnxModelConfig {
  readonly onnx: string;
  /** Weight in the loss by output, the first being the prediction; needed where there are several. */
  readonly outputs?: Readonly<Record<string, number>>;
  readonly class_axis?: number;
  readonly channel_axis?: number;
  readonly tied_weights?: TiedWeights;
}

/**
 * A resolved training configuration, every default filled in. It keeps the spelling of the configuration
 * file, so that a run's `config.json` is itself a configuration that `parseConfig` accepts and returns
 * unchanged.
 */
export interface TrainConfig {
  readonly run_name: string;
  readonly seed: number;
  /**
   * `reference` follows the authors' repository; `consistent` takes every loss as its own authors define it.
   */
  readonly preset: "reference" | "consistent";
  readonly loss: LossConfig;
  /** `ignore` is the label of pixels without ground truth, which count nowhere; the loss has the same. */
  readonly dataset: { readonly name?: string; readonly root: string; readonly ignore?: number };
  readonly model: BuiltModelConfig | OnnxModelConfig;
  readonly batch_size: number;
  /** The number of batches to prefetch, with their targets. */
  readonly num_workers: number;
  readonly epochs: number;
  /**
   * AdamW; `decay` says whether weight decay also touches biases and normalisation parameters, `groups` gives
   * parameters whose names match a pattern another rate.
   */
  readonly optim: {
    readonly lr: number;
    readonly weight_decay: number;
    readonly decay: "all" | "weights";
    readonly groups?: readonly { readonly match: readonly string[]; readonly lr: number }[];
  };
  /**
   * `cosine` goes from `optim.lr` to `minimum` of it (0) over `epochs`, stepped after each epoch; `warmup`
   * epochs rise first, or the first `warmup_steps` updates.
   */
  readonly scheduler: {
    readonly type: "cosine" | "constant";
    readonly warmup?: number;
    readonly warmup_steps?: number;
    readonly minimum?: number;
  };
  /** The parameters to train, all by default; the others keep their values. */
  readonly trainable?: {
    readonly include?: readonly string[];
    readonly exclude?: readonly string[];
    readonly last_layers?: number;
    readonly only?: "norms";
  };
  readonly batch_norm?: "update" | "frozen";
  /** Batches whose gradients make one update. */
  readonly accumulate?: number;
  /** Decay of moving averages of the weights, which are then validated and exported. */
  readonly ema?: number;
  /** Epochs without improvement after which training stops. */
  readonly patience?: number;
  readonly augment: { readonly flips: boolean; readonly rotations: boolean };
  readonly device: "cpu" | "webgpu" | "cuda";
  readonly threads?: number;
  readonly clip_norm?: number;
  /** The criterion of the `best` epoch on the validation split: the lowest loss or the highest Dice score. */
  readonly selection: "loss" | "dice" | "nll";
}

const word = <const T extends readonly string[]>(values: T) => z.string().toLowerCase().pipe(z.enum(values));
const count = z.int().min(1);
/** More channels, classes or cases at once than any network has: a larger number is a mistake. */
const most = 65_536;
/** More processor threads than any machine has. */
const mostThreads = 1024;

const patterns = z.union(
  [
    z
      .string()
      .min(1)
      .transform((one) => [one]),
    z.array(z.string().min(1)).min(1),
  ],
  {
    error: "expected a pattern or a list of patterns",
  },
);

const builtModel = z.strictObject({
  arch: word(["unet2d", "unet3d"]).default("unet2d"),
  in_channels: count.max(most).default(1),
  num_classes: z.int().min(2).max(most),
  // A network with more channels would not fit in memory.
  base: count.max(1024).optional(),
});
const onnxModel = z.strictObject({
  onnx: z.string().min(1),
  outputs: z.record(z.string(), z.number().min(0)).optional(),
  class_axis: z.int().optional(),
  channel_axis: z.int().optional(),
  tied_weights: word(["named", "untie", "keep"]).optional(),
});

const schema = z.strictObject({
  seed: z.int().min(0).default(42),
  run_name: z
    .string()
    .regex(/^(?!\.{1,2}$)[^/\\\0]+$/, "expected a plain folder name")
    .optional(),
  preset: word(["reference", "consistent"]).optional(),
  method: word(methods).optional(),
  loss: z.looseObject({ name: z.string() }).optional(),
  dataset: z.strictObject({
    name: z.string().optional(),
    root: z.string().min(1),
    // Labels of losses are int32, above its smallest number.
    ignore: z
      .int()
      .min(1 - 2 ** 31)
      .max(2 ** 31 - 1)
      .optional(),
  }),
  model: builtModel,
  batch_size: count.max(most).default(4),
  num_workers: z.int().min(0).max(mostThreads).default(2),
  epochs: count.max(1e9).default(50),
  optim: z
    .strictObject({
      lr: z.number().gt(0).default(1e-4),
      weight_decay: z.number().min(0).default(1e-2),
      decay: word(["all", "weights"]).optional(),
      groups: z.array(z.strictObject({ match: patterns, lr: z.number().min(0) })).optional(),
    })
    .prefault({}),
  scheduler: z
    .strictObject({
      type: word(["cosine", "constant", "none"]).default("cosine"),
      warmup: z.int().min(0).optional(),
      warmup_steps: z.int().min(0).optional(),
      minimum: z.number().min(0).max(1).optional(),
    })
    .prefault({}),
  trainable: z
    .strictObject({
      include: patterns.optional(),
      exclude: patterns.optional(),
      last_layers: count.optional(),
      only: word(["norms"]).optional(),
    })
    .optional(),
  batch_norm: word(["update", "frozen"]).optional(),
  accumulate: count.max(1e6).optional(),
  ema: z.number().min(0).lt(1).optional(),
  patience: count.optional(),
  augment: z
    .strictObject({ flips: z.boolean().default(false), rotations: z.boolean().default(false) })
    .prefault({}),
  device: word(["cpu", "webgpu", "cuda"]).default("cpu"),
  threads: count.max(mostThreads).optional(),
  clip_norm: z.number().gt(0).optional(),
  selection: word(["loss", "dice", "nll"]).default("loss"),
  ...methodSections,
});
const fineTuning = schema.extend({ model: onnxModel });

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

  const { method, loss, run_name, preset: asked, model, optim, scheduler, dataset, ...file } = parsed.data;
  const preset = asked ?? (method === undefined ? "consistent" : "reference");
  const name = run_name ?? options.runName;
  if (name === undefined) throw new ConfigError(["run_name: missing; expected a name"]);
  const { warmup = 0, warmup_steps = 0 } = scheduler;
  if (warmup > 0 && warmup_steps > 0)
    throw new ConfigError(["scheduler.warmup_steps: expected either warmup or warmup_steps, got both"]);
  if (scheduler.type === "cosine" && warmup >= file.epochs)
    throw new ConfigError([
      `scheduler.warmup: expected less than the ${file.epochs} epochs, got number ${warmup}`,
    ]);
  const shared = shareIgnore(
    method === undefined ? lossOfSection(loss!) : lossOfMethod(method, preset, file),
    dataset.ignore,
  );
  return {
    run_name: name,
    seed: file.seed,
    preset,
    loss: shared.loss,
    dataset: { ...dataset, ...(shared.ignore !== undefined && { ignore: shared.ignore }) },
    model: "onnx" in model ? model : { ...model, base: model.base ?? (model.arch === "unet2d" ? 32 : 16) },
    batch_size: file.batch_size,
    num_workers: file.num_workers,
    epochs: file.epochs,
    optim: { ...optim, decay: optim.decay ?? (preset === "reference" ? "all" : "weights") },
    scheduler: { ...scheduler, type: scheduler.type === "none" ? "constant" : scheduler.type },
    augment: file.augment,
    device: file.device,
    ...given(file, ["threads", "clip_norm", "trainable", "batch_norm", "accumulate", "ema", "patience"]),
    selection: file.selection,
  };
}

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
