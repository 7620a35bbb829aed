import { z } from "zod";
import { ConfigError, problemsOf } from "./config-error.js";
import { type LossConfig, lossOfMethod, lossOfSection, methodSections, methods } from "./config-loss.js";

export { ConfigError } from "./config-error.js";
export type { LossConfig } from "./config-loss.js";

/**
 * A resolved training configuration, every default filled in. It keeps the spelling of the configuration file, so that a
 * run's `config.json` is itself a configuration that `parseConfig` accepts and returns unchanged.
 */
export interface TrainConfig {
  readonly run_name: string;
  readonly seed: number;
  /** `reference` follows the authors' repository; `consistent` takes every loss as its own authors define it. */
  readonly preset: "reference" | "consistent";
  readonly loss: LossConfig;
  readonly dataset: { readonly name?: string; readonly root: string };
  readonly model: {
    readonly arch: "unet2d" | "unet3d";
    readonly in_channels: number;
    readonly num_classes: number;
    readonly base: number;
  };
  readonly batch_size: number;
  /** How many batches, with their targets, are prepared ahead of the step. */
  readonly num_workers: number;
  readonly epochs: number;
  /** AdamW; `decay` says whether weight decay also touches biases and normalisation parameters. */
  readonly optim: { readonly lr: number; readonly weight_decay: number; readonly decay: "all" | "weights" };
  /** `cosine` goes from `optim.lr` to 0 over `epochs`, stepped after each epoch. */
  readonly scheduler: { readonly type: "cosine" | "constant" };
  readonly augment: { readonly flips: boolean; readonly rotations: boolean };
  readonly device: "cpu" | "webgpu" | "cuda";
  readonly threads?: number;
  readonly clip_norm?: number;
  /** What decides which epoch is `best`, on the validation split: the lowest loss or the highest Dice score. */
  readonly selection: "loss" | "dice";
}

const word = <const T extends readonly string[]>(values: T) => z.string().toLowerCase().pipe(z.enum(values));
const count = z.int().min(1);

const schema = z.strictObject({
  seed: z.int().min(0).default(42),
  run_name: z
    .string()
    .regex(/^(?!\.{1,2}$)[^/\\\0]+$/, "expected a plain folder name")
    .optional(),
  preset: word(["reference", "consistent"]).optional(),
  method: word(methods).optional(),
  loss: z.looseObject({ name: z.string() }).optional(),
  dataset: z.strictObject({ name: z.string().optional(), root: z.string().min(1) }),
  model: z.strictObject({
    arch: word(["unet2d", "unet3d"]).default("unet2d"),
    in_channels: count.default(1),
    num_classes: z.int().min(2),
    // A network of more channels fits no memory.
    base: count.max(1024).optional(),
  }),
  batch_size: count.default(4),
  num_workers: z.int().min(0).default(2),
  epochs: count.default(50),
  optim: z
    .strictObject({
      lr: z.number().gt(0).default(1e-4),
      weight_decay: z.number().min(0).default(1e-2),
      decay: word(["all", "weights"]).optional(),
    })
    .prefault({}),
  scheduler: z.strictObject({ type: word(["cosine", "constant", "none"]).default("cosine") }).prefault({}),
  augment: z
    .strictObject({ flips: z.boolean().default(false), rotations: z.boolean().default(false) })
    .prefault({}),
  device: word(["cpu", "webgpu", "cuda"]).default("cpu"),
  threads: count.optional(),
  clip_norm: z.number().gt(0).optional(),
  selection: word(["loss", "dice"]).default("loss"),
  ...methodSections,
});

/**
 * Checks a configuration read from YAML or JSON and fills in the defaults, which are those of the authors' repository
 * (EagleAdelaide/SDC-Loss), whose configurations are read unchanged. Throws `ConfigError` listing every problem.
 * `runName` is the name of a run whose configuration gives none: the stem of the configuration file.
 */
export function parseConfig(json: unknown, options: { runName?: string } = {}): TrainConfig {
  const problems: string[] = [];
  const parsed = schema.safeParse(json);
  if (!parsed.success)
    problems.push(...parsed.error.issues.flatMap((issue) => problemsOf(issue, json, keysAt)));
  problems.push(...chooseOne(json));
  if (!parsed.success || problems.length > 0) throw new ConfigError(problems);

  const { method, loss, run_name, preset: asked, model, optim, scheduler, dataset, ...file } = parsed.data;
  const preset = asked ?? (method === undefined ? "consistent" : "reference");
  const name = run_name ?? options.runName;
  if (name === undefined) throw new ConfigError(["run_name: expected a name, got nothing"]);
  return {
    run_name: name,
    seed: file.seed,
    preset,
    loss: method === undefined ? lossOfSection(loss!) : lossOfMethod(method, preset, file),
    dataset,
    model: { ...model, base: model.base ?? (model.arch === "unet2d" ? 32 : 16) },
    batch_size: file.batch_size,
    num_workers: file.num_workers,
    epochs: file.epochs,
    optim: { ...optim, decay: optim.decay ?? (preset === "reference" ? "all" : "weights") },
    scheduler: { type: scheduler.type === "none" ? "constant" : scheduler.type },
    augment: file.augment,
    device: file.device,
    ...(file.threads !== undefined && { threads: file.threads }),
    ...(file.clip_norm !== undefined && { clip_norm: file.clip_norm }),
    selection: file.selection,
  };
}

function chooseOne(json: unknown): string[] {
  if (typeof json !== "object" || json === null || Array.isArray(json)) return [];
  if ("method" in json && "loss" in json) return ["loss: expected either method or loss, got both"];
  if (!("method" in json) && !("loss" in json))
    return ["method: expected a method (or a loss section), got nothing"];
  return [];
}

const keysAt = (path: readonly string[]): readonly string[] => {
  if (path.length === 0) return Object.keys(schema.shape);
  let section: unknown = schema.shape[path[0] as keyof typeof schema.shape];
  while (section instanceof z.ZodOptional || section instanceof z.ZodPrefault) section = section.unwrap();
  return section instanceof z.ZodObject ? Object.keys(section.shape) : [];
};
