import { basename, extname, join, resolve } from "node:path";
import {
  type Checkpoint,
  checkpointFiles,
  DamagedCheckpointError,
  ModelPredictor,
  modelClasses,
  NpzDataset,
  predictionWeights,
  readRunCheckpoint,
} from "@pixelcal/train";
import { type Command, Option } from "commander";
import { CommandError } from "../command-error.js";
import type { Context } from "../context.js";
import { dataRoot, locateModel, readConfig } from "../inputs/config-file.js";
import { firstImageDims } from "../inputs/data-shape.js";
import { checkFits, classesOf, fromFile, naming, networkOf, readNetwork } from "../inputs/network.js";
import { integer, label, number, sizes } from "../options.js";
import { inferRun } from "../runs/infer.js";
import { deviceOption } from "./train.js";

interface Options {
  readonly config?: string;
  readonly model?: string;
  readonly output?: string;
  readonly checkpoint?: string;
  readonly runs: string;
  readonly data?: string;
  readonly split: string;
  readonly out?: string;
  readonly tile?: readonly number[];
  readonly overlap?: number;
  readonly device?: "cpu" | "webgpu" | "cuda";
  readonly threads?: number;
  readonly ignore?: number;
}

export function addInfer(program: Command, context: Context): void {
  program
    .command("infer")
    .description("Predict class probabilities of every case of a split, one .npz a case.")
    .addOption(new Option("--config <file>", "configuration of a trained run").conflicts("model"))
    .addOption(new Option("--model <file>", "ONNX model, in place of a run").conflicts("checkpoint"))
    .addOption(new Option("--output <name>", "of the model, where it has several").conflicts("config"))
    .option("--checkpoint <file>", "in place of RUNS/RUN_NAME/best.safetensors")
    .option("--runs <folder>", "where runs are kept", "runs")
    .option("--data <root>", "data set, in place of dataset.root")
    .option("--split <name>", "sub-folder of the data set", "test")
    .option("--out <folder>", "where the predictions go (default: preds/RUN_NAME)")
    .option("--tile <sizes>", "predict overlapping tiles, for example 160x160", sizes)
    .option("--overlap <share>", "of neighbouring tiles (default: 0.5)", number(0, 1))
    .option("--ignore <label>", "label that is passed through (default: dataset.ignore)", label)
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

function readWeights(path: string): Promise<Checkpoint> {
  return readRunCheckpoint(path).catch((error: unknown) => {
    if (!(error instanceof DamagedCheckpointError) || error.intact[0] === undefined) throw error;
    const advice = `--checkpoint ${error.intact[0].path} predicts with it`;
    throw new CommandError(`${error.message}; ${advice}`, { cause: error });
  });
}

interface Source {
  readonly predictor: ModelPredictor;
  readonly dataset: NpzDataset;
  readonly name: string;
  /** The file with the network. */
  readonly origin: string;
}

async function fromConfig(options: Options, terminal: Context["terminal"]): Promise<Source> {
  if (options.config === undefined) throw new CommandError("--config or --model is needed", { exitCode: 2 });
  const report = (text: string): void => terminal.line(text);
  const config = locateModel(readConfig(options.config), options.config, report);
  const root = dataRoot(config, options.config, options.data, report);
  const checkpoint = options.checkpoint ?? join(options.runs, config.run_name, checkpointFiles.best);
  const arrays = predictionWeights(await readWeights(checkpoint));
  const network = await networkOf(config);
  const classes = await classesOf(config, network, root, options.split);
  const dataset = await openCases(root, options.split, classes, options.ignore ?? config.dataset.ignore);
  checkFits(config, dataset);
  const { device = config.device, threads = config.threads } = options;
  const predictor = new ModelPredictor({ ...network, arrays, device, threads });
  return { predictor, dataset, name: config.run_name, origin: checkpoint };
}

async function fromModel(options: Options, path: string): Promise<Source> {
  if (options.data === undefined) throw new CommandError("--model needs --data", { exitCode: 2 });
  const { output, device, threads } = options;
  const network = { ...(await readNetwork(path)), ...(output !== undefined && { outputs: [output] }) };
  const root = resolve(options.data);
  // Laid out for what it will be given, so that sizes left open in the file are no obstacle.
  const [channels, ...size] = await firstImageDims(root, options.split);
  const dims = [1, channels!, ...(options.tile ?? size)];
  const { model, ...reading } = network;
  const classes = naming(path, () => modelClasses(model, dims, reading));
  const dataset = await openCases(root, options.split, classes, options.ignore);
  const predictor = new ModelPredictor({ ...network, device, threads });
  return { predictor, dataset, name: basename(path, extname(path)), origin: path };
}

const openCases = (root: string, split: string, classes: number, ignore?: number): Promise<NpzDataset> =>
  NpzDataset.open(root, split, { classes, ignore, cacheBytes: 0, check: "first" });
