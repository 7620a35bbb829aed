import { readdir } from "node:fs/promises";
import { basename, dirname, extname, join, resolve } from "node:path";
import { labelsOfRegions } from "@pixelcal/core";
import { OnnxFile } from "@pixelcal/graph";
import { type Fold, readRegularFileSync, storedMasks } from "@pixelcal/io";
import {
  type AnyModel,
  type Checkpoint,
  carriedTile,
  checkpointFiles,
  DamagedCheckpointError,
  FileDataset,
  type FileDatasetOptions,
  modelClasses,
  Network,
  type Postprocessing,
  type Preparation,
  parsePreparation,
  predictionWeights,
  type RegionHeads,
  readRunCheckpoint,
  regionHeads,
  regionHeadsOf,
  type TrainConfig,
} from "@pixelcal/train";
import { CommandError } from "../command-error.js";
import type { Context } from "../context.js";
import { dataRoot, locateModel, readConfig } from "../inputs/config-file.js";
import { firstImageDims } from "../inputs/data-shape.js";
import { checkFits, classesOf, fromFile, naming, networkOf, readNetwork } from "../inputs/network.js";
import { carriedPreparation, warnOfRawCt } from "../inputs/preparation.js";
import { type ReadingOptions, readingOf } from "../options.js";
import { writeReport } from "../write-report.js";
import { agreed } from "./agreement.js";
import { hashOf, identityOf, versions } from "./identity.js";
import { type CaseGroup, inferRun, type SavedForm } from "./infer.js";
import { memberFolder } from "./member-folders.js";
import {
  checkLabelMaps,
  inWords,
  partsOf,
  readPostprocessing,
  recordPostprocessing,
} from "./postprocessing.js";
import { bestCheckpoints, memberCount, runFiles } from "./train-run.js";

/** The options of `pixelcal infer`. */
export interface InferOptions extends ReadingOptions {
  readonly config?: string;
  readonly model?: string;
  readonly output?: string;
  readonly checkpoint?: string;
  readonly folds?: readonly number[];
  readonly fold?: Fold;
  readonly runs: string;
  readonly data?: string;
  readonly split: string;
  readonly out?: string;
  readonly tile?: readonly number[];
  readonly overlap?: number;
  readonly flips?: readonly number[] | "all";
  readonly save?: SavedForm;
  readonly determinePostprocessing?: true;
  /** The file of a postprocessing, or true for the run's own. */
  readonly postprocessing?: true | string;
  readonly device?: "cpu" | "webgpu" | "cuda";
  readonly threads?: number;
  readonly ignore?: number;
  readonly json?: true;
}

/** Predicts every case of a split with a trained run or an ONNX model. */
export async function predictSplit(options: InferOptions, context: Context): Promise<void> {
  const { terminal } = context;
  const { overlap, split } = options;
  const { groups, folds, heads, home, name, files, tile, mirrored } = await (options.model === undefined
    ? fromConfig(options, terminal)
    : fromModel(options, options.model, terminal));
  const { dataset } = groups[0]!;
  const cases = casesOf(groups);
  if (tile && tile.length !== dataset.rank) {
    throw new CommandError(`--tile: expected ${dataset.rank} sizes, got ${tile.join("x")}`, { exitCode: 2 });
  }
  const axes = Array.from({ length: dataset.rank }, (_, at) => at);
  const flips = options.flips === "all" ? axes : (options.flips ?? mirrored);
  const strange = flips?.find((at) => !axes.includes(at));
  if (strange !== undefined)
    throw new CommandError(`--flips: expected axes from 0 to ${dataset.rank - 1}, got ${strange}`, {
      exitCode: 2,
    });
  const own = join(home, runFiles.postprocessing);
  const determines = options.determinePostprocessing === true;
  if (determines) checkLabelMaps("--determine-postprocessing", dataset, heads);
  const postprocessing = await postprocessingOf(options, own, dataset, heads);
  const parts = determines ? partsOf(dataset.classes, heads) : undefined;
  const folder = options.out ?? join("preds", name);
  const { config: _, model: __, data: ___, threads: ____, ...settings } = options;
  await agreed(
    context.world,
    async () => groups,
    async () => ({
      versions: await versions(),
      settings,
      used: { tile, flips, keepLargest: postprocessing?.keepLargest },
      files: files.map((file) => hashOf([readRegularFileSync(file, { maxFile: Number.POSITIVE_INFINITY })])),
      data: await Promise.all(groups.map((group) => identityOf(group.dataset))),
    }),
  );
  for (const group of groups) terminal.line(`recognised ${group.dataset.cases.layout}`);
  if (postprocessing) terminal.line(`postprocessing: ${inWords(postprocessing)}`);
  try {
    const { save } = options;
    const maps = { postprocessing, parts };
    const scores = await inferRun({ ...context, groups, heads, folder, tile, overlap, flips, save, ...maps });
    if (parts !== undefined && (context.world?.rank ?? 0) === 0)
      terminal.line(await recordPostprocessing(own, { split, folds }, scores, parts));
  } catch (error) {
    throw fromFile(files.join(", "), error);
  } finally {
    for (const { models } of groups) for (const { model } of models) await model.close();
  }
  const report = { command: "infer", folder, split, cases } as const;
  await writeReport(context, options.json, report, `${folder}: ${cases.length} predictions\n`);
}

/** Returns the names of all cases. Throws `CommandError` for a case of two groups, which has one file. */
function casesOf(groups: Source["groups"]): readonly string[] {
  const places = new Map<string, string>();
  for (const { dataset, label } of groups)
    for (const name of dataset.names) {
      const other = places.get(name);
      if (other !== undefined)
        throw new CommandError(`${name}: a case of ${other} and of ${label}; predict them one by one`);
      places.set(name, label);
    }
  return [...places.keys()];
}

/** Returns the postprocessing that the options ask for. */
async function postprocessingOf(
  { postprocessing: given }: InferOptions,
  own: string,
  dataset: FileDataset,
  heads: RegionHeads | undefined,
): Promise<Postprocessing | undefined> {
  if (given === undefined) return undefined;
  checkLabelMaps("--postprocessing", dataset, heads);
  return readPostprocessing(given === true ? own : given, dataset.classes);
}

/** Throws `CommandError` for a run that has trained folds, and no network of its own. */
async function adviseFolds(run: string): Promise<void> {
  const names: readonly string[] = await readdir(run).catch(() => []);
  const folds = names
    .flatMap((name) => /^fold_(\d+)$/.exec(name)?.[1] ?? [])
    .sort((a, b) => Number(a) - Number(b));
  const own = [checkpointFiles.best, memberFolder("", 1)];
  if (folds.length === 0 || own.some((name) => names.includes(name))) return;
  const advice = `--folds ${folds.join(",")} predicts with their mean, --fold ${folds[0]} with one`;
  throw new CommandError(`${run}: holds trained folds; ${advice}`, { exitCode: 2 });
}

function readWeights(path: string): Promise<Checkpoint> {
  return readRunCheckpoint(path).catch((error: unknown) => {
    if (!(error instanceof DamagedCheckpointError) || error.intact[0] === undefined) throw error;
    const advice = `--checkpoint ${error.intact[0].path} predicts with it`;
    throw new CommandError(`${error.message}; ${advice}`, { cause: error });
  });
}

interface Source {
  /** One network, or those of several folds; of a cross-validation one for the cases of each fold. */
  readonly groups: readonly (CaseGroup & { readonly models: readonly { readonly model: Network }[] })[];
  /** The folds of a cross-validation, each of which predicts the cases that it did not train with. */
  readonly folds?: readonly number[] | undefined;
  /** The regions of the networks' channels; undefined for classes that exclude each other. */
  readonly heads: RegionHeads | undefined;
  /** The folder of the run or of the file, which records its postprocessing. */
  readonly home: string;
  readonly name: string;
  /** The size of overlapping tiles, by default that of the patches which the network was trained with. */
  readonly tile: readonly number[] | undefined;
  /** The axes of the mirror images that the configuration asks for. */
  readonly mirrored?: readonly number[];
  /** The file with the network, or those with the weights of several folds. */
  readonly files: readonly string[];
}

/** Throws `CommandError` for an overlap of tiles where there are none. */
function checkOverlap({ overlap }: InferOptions, tile: readonly number[] | undefined): void {
  if (overlap !== undefined && tile === undefined)
    throw new CommandError("--overlap needs --tile", { exitCode: 2 });
}

async function fromConfig(options: InferOptions, terminal: Context["terminal"]): Promise<Source> {
  if (options.config === undefined) throw new CommandError("needs --config or --model", { exitCode: 2 });
  const report = (text: string): void => terminal.line(text);
  const config = locateModel(readConfig(options.config), options.config, report);
  const tile = options.tile ?? config.patches?.size;
  checkOverlap(options, tile);
  const root = dataRoot(config, options.config, options.data, report);
  const run = join(options.runs, config.run_name);
  const folderOf = (fold: Fold): string => join(run, `fold_${fold}`);
  const { fold = config.dataset.fold } = options;
  const own = fold === undefined ? run : folderOf(fold);
  const checkpoints =
    options.folds?.flatMap((one) => bestCheckpoints(folderOf(one), config)) ??
    (options.checkpoint === undefined ? bestCheckpoints(own, config) : [options.checkpoint]);
  const trained = [];
  if (options.folds === undefined && options.checkpoint === undefined && fold === undefined)
    await adviseFolds(run);
  for (const path of checkpoints) trained.push(await readWeights(path));
  const network = await networkOf(config);
  const classes = await classesOf(config, network, root, options.split);
  const heads = regionHeads(config.dataset);
  const ignore = options.ignore ?? config.dataset.ignore;
  const open = async (of: Fold | undefined): Promise<FileDataset> => {
    const dataset = await openCases(root, options.split, { classes, ignore, fold: of }, heads);
    checkFits(config, dataset);
    return dataset;
  };
  const { device = config.device, threads = config.threads } = options;
  const models = trained.map((checkpoint) => ({
    model: new Network({
      ...network,
      arrays: predictionWeights(checkpoint),
      regions: heads,
      device,
      threads,
    }),
    preparation: trainedPreparation(checkpoint),
  }));
  const { run_name: name } = config;
  const { split } = options;
  const folds = split === "val" ? options.folds : undefined;
  const groups = [];
  if (folds === undefined) groups.push({ models, dataset: await open(fold), label: `${name} ${split}` });
  const members = memberCount(config);
  for (const [i, one] of folds?.entries() ?? []) {
    const ofFold = models.slice(i * members, (i + 1) * members);
    groups.push({ models: ofFold, dataset: await open(one), label: `${name} fold ${one} ${split}` });
  }
  const { dataset } = groups[0]!;
  warnOfRawCt(dataset, models[0]!.preparation, terminal);
  const mirrored = mirroredAxes(config, dataset.rank);
  const home = options.folds === undefined ? own : run;
  return { groups, folds, heads, home, name, files: checkpoints, tile, mirrored };
}

/** Returns the axes to mirror along where the configuration says so: those that training mirrors. */
function mirroredAxes({ infer, augment: { flips } }: TrainConfig, rank: number): readonly number[] {
  if (!infer?.flips) return [];
  return typeof flips === "boolean" ? Array.from({ length: rank }, (_, axis) => axis) : flips;
}

/** Returns the preparation that a run records in its checkpoints, with the numbers of its training split. */
function trainedPreparation({ state }: Checkpoint): Preparation | undefined {
  const { config } = (state.extra ?? {}) as { readonly config?: { readonly preparation?: unknown } };
  return config?.preparation === undefined ? undefined : parsePreparation(config.preparation);
}

async function fromModel(
  options: InferOptions,
  path: string,
  terminal: Context["terminal"],
): Promise<Source> {
  if (options.data === undefined) throw new CommandError("--model needs --data", { exitCode: 2 });
  const { output, device, threads } = options;
  const outputs = output === undefined ? undefined : [output];
  const network = { ...(await readNetwork(path)), ...readingOf(options), outputs };
  const tile = options.tile ?? naming(path, () => tileIn(network.model));
  checkOverlap(options, tile);
  const root = resolve(options.data);
  const { model, ...reading } = network;
  const heads = naming(path, () => (model instanceof OnnxFile ? regionHeadsOf(model) : undefined));
  // The network is built for the actual size, so sizes left open in the file are no obstacle.
  const { ignore, split, fold } = options;
  const masks = storedMasks(heads?.regions, ignore);
  const [channels, ...size] = await firstImageDims(root, split, { masks, fold });
  const dims = [1, channels!, ...(tile ?? size)];
  const classes =
    heads === undefined
      ? naming(path, () => modelClasses(model, dims, reading))
      : labelsOfRegions(heads.regions);
  const dataset = await openCases(root, split, { classes, ignore, fold }, heads);
  const preparation = carriedPreparation(path, network);
  if (preparation === undefined)
    terminal.warn(`${path}: carries no normalization; images are predicted as they are stored`);
  const loaded = naming(path, () => new Network({ ...network, device, threads }));
  if (loaded.passThrough !== undefined)
    terminal.line(`${path}: predicted with as it is stored: ${loaded.passThrough}`);
  const models = [{ model: loaded, preparation }];
  const name = basename(path, extname(path));
  const groups = [{ models, dataset, label: `${name} ${split}` }];
  return { groups, heads, home: dirname(path), name, files: [path], tile };
}

const openCases = (
  root: string,
  split: string,
  labels: Pick<FileDatasetOptions, "classes" | "ignore" | "fold">,
  heads: RegionHeads | undefined,
): Promise<FileDataset> => {
  const masks = storedMasks(heads?.regions, labels.ignore);
  return FileDataset.open(root, split, { ...labels, masks, cacheBytes: 0, check: "first" });
};

const tileIn = (model: AnyModel): readonly number[] | undefined =>
  model instanceof OnnxFile ? carriedTile(model) : undefined;
