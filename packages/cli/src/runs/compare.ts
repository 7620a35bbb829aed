import { join } from "node:path";
import {
  checkpointFiles,
  FileDataset,
  Network,
  parseConfig,
  predictionWeights,
  readCheckpoint,
  type TrainConfig,
} from "@pixelcal/train";
import type { Context } from "../context.js";
import type { DataShape } from "../inputs/data-shape.js";
import { classesOf, networkOf } from "../inputs/network.js";
import { duration } from "../terminal.js";
import { comparisonLosses } from "./comparison-losses.js";
import { inferRun } from "./infer.js";
import { trainRun } from "./train.js";

/** The settings that all methods of a comparison share, so that only the loss differs. */
export interface ComparisonSettings {
  readonly methods: readonly string[];
  readonly base: number;
  readonly epochs: number;
  readonly batchSize: number;
  readonly learningRate: number;
  readonly seed: number;
  readonly threads?: number;
  /** The label of pixels that count in no loss and no score. */
  readonly ignore?: number;
}

/**
 * Trains and applies every method (OUT/runs/METHOD and OUT/preds/METHOD) and returns the prediction folders.
 */
export async function compare(
  root: string,
  shape: DataShape,
  settings: ComparisonSettings,
  out: string,
  context: Context,
): Promise<readonly { run: string; path: string }[]> {
  const { terminal } = context;
  const folders: { run: string; path: string }[] = [];
  const width = Math.max(...settings.methods.map((method) => method.length));
  const configs = comparisonConfigs(root, shape, settings);
  for (const [index, config] of configs.entries()) {
    const method = config.run_name;
    const folder = join(out, "runs", method);
    const label = `[${index + 1}/${settings.methods.length}] ${method.padEnd(width)}`;
    const logEvery = Math.ceil(settings.epochs / 4);
    const result = await trainRun({ ...context, config, root, folder, overwrite: true, label, logEvery });
    const { validationNll, validationDice } = result.history[result.bestEpoch - 1]!;
    terminal.line(
      `${label} best epoch ${result.bestEpoch} of ${settings.epochs}, validation NLL ` +
        `${validationNll!.toFixed(4)}, Dice ${validationDice!.toFixed(4)}, ${duration(result.seconds)}`,
    );
    const path = join(out, "preds", method);
    await inferTest(config, root, folder, path, label, context);
    folders.push({ run: method, path });
  }
  return folders;
}

/** Returns the configuration of every method; throws `ConfigError` if one does not support the settings. */
export function comparisonConfigs(
  root: string,
  shape: DataShape,
  settings: ComparisonSettings,
): readonly TrainConfig[] {
  return settings.methods.map((method) => configOf(method, root, shape, settings));
}

function configOf(
  method: string,
  root: string,
  { rank, channels, classes }: DataShape,
  { base, epochs, batchSize, learningRate, seed, threads, ignore }: ComparisonSettings,
): TrainConfig {
  return parseConfig({
    run_name: method,
    ...comparisonLosses[method],
    seed,
    dataset: { root, ignore },
    model: { arch: rank === 2 ? "unet2d" : "unet3d", in_channels: channels, num_classes: classes, base },
    batch_size: batchSize,
    epochs,
    optim: { lr: learningRate },
    // A proper score, the same for every method; a method's own loss would judge by what it asks for.
    selection: "nll",
    threads,
  });
}

async function inferTest(
  config: TrainConfig,
  root: string,
  runFolder: string,
  folder: string,
  label: string,
  context: Context,
): Promise<void> {
  const arrays = predictionWeights(await readCheckpoint(join(runFolder, checkpointFiles.best)));
  const { threads } = config;
  const network = await networkOf(config);
  const predictor = new Network({ ...network, arrays, threads });
  try {
    const classes = await classesOf(config, network, root, "test");
    const dataset = await FileDataset.open(root, "test", { classes, ignore: config.dataset.ignore });
    const group = { models: [{ model: predictor }], dataset, label: `${label} test` };
    await inferRun({ ...context, groups: [group], folder });
  } finally {
    await predictor.close();
  }
}
