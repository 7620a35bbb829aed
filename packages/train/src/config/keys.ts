import type { NamedLoss } from "@pixelcal/losses";
import { z } from "zod";
import { classOrderSchema, regionsSchema } from "../model/region-heads.js";
import { augment, type FileAugment } from "./augmentation.js";
import { methodSections, methods } from "./loss.js";
import { preparation } from "./preparation.js";
import type { BuiltModelConfig, OnnxModelConfig, TrainConfig } from "./train-config.js";

// The table of a configuration's keys: what each accepts, its default, and the description that editors show.

/** Returns a schema of one of a few words, in any case. */
const word = <const T extends readonly string[]>(values: T) => z.string().toLowerCase().pipe(z.enum(values));
const count = z.int().min(1);
/** More channels, classes or cases at once than any network has: a larger number is a mistake. */
const most = 65_536;
/** More processor threads than any machine has. */
const mostThreads = 1024;
/** More networks than anybody averages: a larger number is a mistake. */
const mostMembers = 100;

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

/** Returns the schema of a list of numbers per axis for every stage of a network. */
const perStage = (description: string) =>
  z
    .array(z.array(z.int().min(1).max(3)).min(2).max(3))
    .min(1)
    .optional()
    .describe(description);

const builtModel = z.strictObject({
  arch: word(["unet2d", "unet3d", "plain2d", "plain3d", "residual2d", "residual3d"])
    .default("unet2d")
    .describe("the authors' network for 2 or 3 spatial axes, or nnU-Net's plain or residual one"),
  in_channels: count.max(most).default(1).describe("channels of the image"),
  num_classes: z.int().min(2).max(most).describe("classes, background included"),
  // A network with more channels would not fit in memory.
  base: count.max(1024).optional().describe("channels of the first level; default 32, of unet3d 16"),
  deep_supervision: z
    .boolean()
    .optional()
    .describe(
      "whether coarser levels have heads of their own in training; default true, of unet2d and unet3d false",
    ),
  strides: perStage("stride, 1 or 2, per spatial axis of every stage but the first; default by patches.size"),
  kernels: perStage("kernel size, 1 or 3, per spatial axis of every stage; default 3"),
  blocks: z
    .array(count.max(64))
    .min(1)
    .optional()
    .describe("encoder blocks of every stage; default 2 each, of residual networks 1, 3, 4, 6, 6, ..."),
});
const onnxModel = z.strictObject({
  onnx: z.string().min(1).describe("ONNX file to train further"),
  outputs: z
    .record(z.string(), z.number().min(0))
    .optional()
    .describe("weight in the loss by output, the first being the prediction"),
  class_axis: z.int().optional().describe("class axis of the outputs; default 1, -1 is the last"),
  channel_axis: z.int().optional().describe("channel axis of the image; default 1, -1 is the last"),
  channels: word(["repeat"])
    .optional()
    .describe("repeat: gives images of one channel to each channel of the network, as RGB networks need"),
  inputs: z
    .record(
      z.string(),
      z.union([z.number(), z.array(z.number()).min(1)], { error: "expected a number or a list of numbers" }),
    )
    .optional()
    .describe("values of the inputs beside the image, by name: one for every element, or all in order"),
  tied_weights: word(["named", "untie", "keep"])
    .optional()
    .describe("weights shared by layers: separate if both have names, always separate, or as stored"),
});

const optim = z.strictObject({
  name: word(["adamw", "sgd"]).optional().describe("optimizer; default adamw"),
  lr: z.number().gt(0).optional().describe("learning rate; default 1e-4, of sgd 1e-2"),
  weight_decay: z.number().min(0).optional().describe("weight decay; default 1e-2, of sgd 3e-5"),
  momentum: z.number().min(0).lt(1).optional().describe("momentum of sgd; default 0.99"),
  nesterov: z.boolean().optional().describe("Nesterov's momentum of sgd; default true"),
  decay: word(["all", "weights"])
    .optional()
    .describe("weight decay on all parameters, or not on biases and norms; by preset"),
  groups: z
    .array(
      z.strictObject({
        match: patterns.describe("patterns of parameters' names; * and ? stand for any text and any letter"),
        lr: z.number().min(0).describe("learning rate of these parameters"),
      }),
    )
    .optional()
    .describe("parameters with another learning rate"),
});

const scheduler = z.strictObject({
  type: word(["cosine", "poly", "constant", "none"])
    .default("cosine")
    .describe("course of the learning rate"),
  warmup: z.int().min(0).optional().describe("epochs in which the rate rises linearly"),
  warmup_steps: z.int().min(0).optional().describe("updates in which the rate rises, in place of warmup"),
  minimum: z.number().min(0).max(1).optional().describe("where cosine ends, as a share of optim.lr"),
  power: z.number().gt(0).optional().describe("exponent of poly; default 0.9"),
});

const trainable = z.strictObject({
  include: patterns.optional().describe("patterns of the parameters to train"),
  exclude: patterns.optional().describe("patterns of parameters that keep their values"),
  last_layers: count.optional().describe("number of last layers to train"),
  only: word(["norms"]).optional().describe("kind of parameters to train"),
});

const patches = z.strictObject({
  size: z.array(count.max(most)).min(1).describe("size in pixels per spatial axis, in the order of the axes"),
  per_epoch: count.max(1e9).optional().describe("patches of an epoch; default: one of each case"),
  foreground: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe("share of patches around a foreground pixel; default 0"),
});

const infer = z.strictObject({
  flips: z
    .boolean()
    .describe("whether infer averages over the mirror images along the axes of augment.flips; default false"),
});

const finish = z.strictObject({
  loss: z.looseObject({ name: z.string() }).describe("loss by name"),
  share: z
    .number()
    .gt(0)
    .lt(1)
    .default(1 / 3)
    .describe("share of the epochs that it trains, the last ones"),
});

const dataset = z.strictObject({
  name: z.string().optional().describe("name for people"),
  root: z.string().min(1).describe("folder with train, val and test"),
  fold: z
    .union([z.int().min(0), z.literal("all")], { error: "expected the number of a fold, from 0, or all" })
    .optional()
    .describe("fold that validates, of splits_final.json or every fifth case; all: every case does both"),
  // Labels of losses are int32, above its smallest number.
  ignore: z
    .int()
    .min(1 - 2 ** 31)
    .max(2 ** 31 - 1)
    .optional()
    .describe("label of pixels without a ground truth, which count nowhere"),
  regions: regionsSchema
    .optional()
    .describe("regions of labels, which may overlap, each with a sigmoid head; classes by default"),
  regions_class_order: classOrderSchema
    .optional()
    .describe("label that each region writes into label maps, later regions over earlier ones"),
});

const keys = {
  seed: z.int().min(0).default(42).describe("decides weights, order and augmentation"),
  members: count
    .max(mostMembers)
    .optional()
    .describe("networks of seed, seed + 1 and so on, whose mean probability is the model; 1 by default"),
  run_name: z
    .string()
    .regex(/^(?!\.{1,2}$)[^/\\\0]+$/, "expected a plain folder name")
    .optional()
    .describe("name of the run's folder; default: the file's name"),
  preset: word(["reference", "consistent"])
    .optional()
    .describe("the authors' code number for number, or corrected; reference with method, else consistent"),
  method: word(methods).optional().describe("method of the authors' repository; either this or loss"),
  loss: z.looseObject({ name: z.string() }).optional().describe("loss by name; either this or method"),
  finish: finish.optional().describe("loss of the last epochs; the first loss throughout by default"),
  dataset,
  batch_size: count.max(most).default(4).describe("cases per step"),
  remainder: word(["keep", "drop", "wrap"])
    .optional()
    .describe("cases after the last whole batch: a smaller batch, none, or filled up from the epoch's first"),
  num_workers: z.int().min(0).max(mostThreads).default(2).describe("batches prepared in advance"),
  epochs: count.max(1e9).default(50).describe("passes over the training split"),
  optim: optim.prefault({}),
  scheduler: scheduler.prefault({}),
  trainable: trainable.optional().describe("the parameters to train; all by default"),
  batch_norm: word(["update", "frozen"]).optional().describe("whether running statistics change"),
  accumulate: count.max(1e6).optional().describe("batches averaged into one update"),
  ema: z.number().min(0).lt(1).optional().describe("decay of moving averages of the weights"),
  patience: count.optional().describe("epochs without improvement after which training stops"),
  tensorboard: z.boolean().optional().describe("writes a TensorBoard event file to the run's folder"),
  checkpoint_minutes: z
    .number()
    .min(0)
    .optional()
    .describe("minutes between checkpoints inside an epoch; without it, one after every epoch"),
  preparation: preparation
    .optional()
    .describe("the way from stored images to the network; as stored by default"),
  augment: augment.describe("random changes of the items to train with"),
  patches: patches.optional().describe("patches to cut from the cases to train with; whole cases by default"),
  infer: infer.optional().describe("how a trained run predicts"),
  device: word(["cpu", "webgpu", "cuda"]).default("cpu").describe("device to run the network on"),
  threads: count.max(mostThreads).optional().describe("processor threads; all by default"),
  clip_norm: z.number().gt(0).optional().describe("limit of the gradient's norm"),
  selection: word(["loss", "dice", "ece", "pece", "nll"])
    .optional()
    .describe("the best epoch has the highest Dice, or the lowest of the others, on validation; by preset"),
  selection_ema: z
    .number()
    .min(0)
    .lt(1)
    .optional()
    .describe("decay of a moving average of the criterion over the epochs; default 0"),
  ...methodSections,
};

type Optional<T, K extends keyof T> = Omit<T, K> & Partial<Pick<T, K>>;

/** A configuration file's values, with the defaults that do not depend on other keys. */
export interface FileConfig
  extends Omit<
    TrainConfig,
    "augment" | "finish" | "loss" | "model" | "optim" | "preset" | "run_name" | "scheduler" | "selection"
  > {
  readonly run_name?: string;
  readonly preset?: TrainConfig["preset"];
  readonly method?: string;
  readonly augment: FileAugment;
  readonly loss?: NamedLoss;
  readonly finish?: { readonly loss: NamedLoss; readonly share: number };
  readonly selection?: TrainConfig["selection"];
  readonly model: Optional<BuiltModelConfig, "base"> | OnnxModelConfig;
  readonly optim: Optional<TrainConfig["optim"], "decay" | "lr" | "weight_decay">;
  readonly scheduler: Omit<TrainConfig["scheduler"], "type"> & {
    readonly type: TrainConfig["scheduler"]["type"] | "none";
  };
}

/** The schema of a configuration of a network of this package. */
export const schema: z.ZodType<FileConfig> = z.strictObject({ ...keys, model: builtModel });

/** The schema of a configuration that trains an ONNX file further. */
export const fineTuning: z.ZodType<FileConfig> = z.strictObject({ ...keys, model: onnxModel });

/** Returns the schema of any configuration, whose `loss` sections have the given one. */
export const anyConfig = (loss: z.ZodType): z.ZodType =>
  z.strictObject({
    ...keys,
    model: z.union([builtModel, onnxModel]),
    loss: loss.optional(),
    finish: finish
      .extend({ loss: loss.describe("loss by name") })
      .optional()
      .describe(keys.finish.description!),
  });
