import { readFile } from "node:fs/promises";
import { basename, extname, join, resolve } from "node:path";
import { InvalidArgumentError, invalidArgument } from "@pixelcal/core";
import { GraphError, parseModel, UnsupportedOpError } from "@pixelcal/graph";
import { fileError } from "@pixelcal/io";
import {
  checkpointFiles,
  ModelPredictor,
  NpzDataset,
  readCheckpoint,
  type TrainConfig,
} from "@pixelcal/train";
import { type Command, Option } from "commander";
import { CommandError } from "./command-error.js";
import { dataRoot, readConfig } from "./config-file.js";
import { firstImageDims } from "./data-shape.js";
import { inferRun } from "./infer-run.js";
import { integer, number, sizes } from "./option.js";
import type { Context } from "./program.js";
import { deviceOption } from "./train.js";
import { checkFits, modelOf } from "./train-run.js";

interface Options {
  readonly config?: string;
  readonly model?: string;
  readonly checkpoint?: string;
  readonly runs: string;
  readonly data?: string;
  readonly split: string;
  readonly out?: string;
  readonly tile?: readonly number[];
  readonly overlap?: number;
  readonly device?: "cpu" | "webgpu" | "cuda";
  readonly threads?: number;
}

export function addInfer(program: Command, context: Context): void {
  program
    .command("infer")
    .description("Predict class probabilities of every case of a split, one .npz a case.")
    .addOption(new Option("--config <file>", "configuration of a trained run").conflicts("model"))
    .addOption(new Option("--model <file>", "ONNX model, in place of a run").conflicts("checkpoint"))
    .option("--checkpoint <file>", "in place of RUNS/RUN_NAME/best.safetensors")
    .option("--runs <folder>", "where runs are kept", "runs")
    .option("--data <root>", "data set, in place of dataset.root")
    .option("--split <name>", "sub-folder of the data set", "test")
    .option("--out <folder>", "where the predictions go (default: preds/RUN_NAME)")
    .option("--tile <sizes>", "predict overlapping tiles, for example 160x160", sizes)
    .option("--overlap <share>", "of neighbouring tiles (default: 0.5)", number(0, 1))
    .option("--threads <count>", "processor threads (default: all)", integer(1))
    .addOption(deviceOption())
    .action((options: Options) => infer(options, context));
}

async function infer(options: Options, context: Context): Promise<void> {
  const { terminal } = context;
  const { tile, overlap, split } = options;
  if (overlap !== undefined && tile === undefined)
    throw new CommandError("--overlap needs --tile", { exitCode: 2 });
  const { predictor, dataset, name, origin } = await (options.model === undefined
    ? fromConfig(options, terminal)
    : fromModel(options, options.model));
  if (tile && tile.length !== dataset.rank) {
    throw new CommandError(`--tile: expected ${dataset.rank} sizes, got ${tile.join("x")}`, { exitCode: 2 });
  }
  const folder = options.out ?? join("preds", name);
  try {
    await inferRun({ ...context, predictor, dataset, folder, tile, overlap, label: `${name} ${split}` });
  } catch (error) {
    throw fromFile(origin, error);
  } finally {
    await predictor.close();
  }
  context.output.write(`${folder}: ${dataset.names.length} predictions\n`);
}

interface Source {
  readonly predictor: ModelPredictor;
  readonly dataset: NpzDataset;
  readonly name: string;
  /** The file with the network. */
  readonly origin: string;
}

/** Says which file holds the network that does not fit. */
function fromFile(path: string, error: unknown): unknown {
  const graph = error instanceof GraphError || error instanceof UnsupportedOpError;
  if (!graph && !(error instanceof InvalidArgumentError)) return error;
  const { message } = error;
  if (message.startsWith("image: ")) return error;
  const what = message.startsWith("shapes: ")
    ? "expected a network of one input, the image"
    : message.replace(/^(model: |shapes\.)/, "");
  return new CommandError(`${path}: ${what}`, { cause: error });
}

async function fromConfig(options: Options, terminal: Context["terminal"]): Promise<Source> {
  if (options.config === undefined) throw new CommandError("--config or --model is needed", { exitCode: 2 });
  const config = readConfig(options.config);
  const root = dataRoot(config, options.config, options.data, (text) => terminal.line(text));
  const checkpoint = options.checkpoint ?? join(options.runs, config.run_name, checkpointFiles.best);
  const arrays = (await readCheckpoint(checkpoint)).model;
  const dataset = await NpzDataset.open(root, options.split, {
    classes: config.model.num_classes,
    cacheBytes: 0,
    check: "first",
  });
  checkFits(config, dataset);
  return { predictor: trained(config, arrays, options), dataset, name: config.run_name, origin: checkpoint };
}

function trained(
  config: TrainConfig,
  arrays: NonNullable<ConstructorParameters<typeof ModelPredictor>[0]["arrays"]>,
  { device = config.device, threads = config.threads }: Options,
): ModelPredictor {
  return new ModelPredictor({
    model: modelOf(config),
    arrays,
    device,
    threads,
  });
}

async function fromModel(options: Options, path: string): Promise<Source> {
  if (options.data === undefined) throw new CommandError("--model needs --data", { exitCode: 2 });
  const bytes = await readFile(path).catch((error: unknown) => {
    throw fileError(path, error);
  });
  const root = resolve(options.data);
  // Laid out for what it will be given, so that sizes left open in the file are no obstacle.
  const [channels, ...size] = await firstImageDims(root, options.split);
  const classes = classesOf(path, bytes, [1, channels!, ...(options.tile ?? size)]);
  const dataset = await NpzDataset.open(root, options.split, {
    classes,
    cacheBytes: 0,
    check: "first",
  });
  const { device, threads } = options;
  const predictor = new ModelPredictor({
    model: bytes,
    device,
    threads,
  });
  return { predictor, dataset, name: basename(path, extname(path)), origin: path };
}

function classesOf(path: string, bytes: Uint8Array, dims: readonly number[]): number {
  try {
    const [logits] = [...parseModel(bytes, { shapes: { "": dims } }).outputs.values()];
    const classes = logits?.dims[1] ?? 0;
    if (logits?.dims.length === dims.length && classes >= 2) return classes;
    const expected = "an output [N, classes, ...spatial] of at least 2 classes";
    throw invalidArgument("model", expected, logits === undefined ? "none" : `[${logits.dims}]`);
  } catch (error) {
    throw fromFile(path, error);
  }
}
