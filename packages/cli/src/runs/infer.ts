import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { argMax, InvalidArgumentError, inspectValues, type Region, type Tensor } from "@pixelcal/core";
import { formatJson } from "@pixelcal/evaluate";
import {
  float32ToFloat16,
  haveMasks,
  predictionEnding,
  prefetch,
  storedMasks,
  writeFileAtomic,
  writeNnunetDataset,
  writeNnunetPrediction,
  writePrediction,
} from "@pixelcal/io";
import {
  type DatasetImage,
  type FileDataset,
  inTurns,
  type LabelMap,
  type Postprocessing,
  type PostprocessingDice,
  type PreparedModel,
  partsOfAll,
  postprocessed,
  postprocessingDice,
  predictCase,
  predictCaseLabels,
  predictsLabels,
  type RegionHeads,
  regionLabels,
} from "@pixelcal/train";
import { CommandError, Interrupted } from "../command-error.js";
import type { Context } from "../context.js";
import { writeFolder } from "../replace-folder.js";
import { masksFile, predictionFolder } from "./stored-folder.js";

/** Cases as stored, with the networks that predict them. */
export interface CaseGroup {
  /** The networks, whose probabilities are averaged. */
  readonly models: readonly PreparedModel[];
  readonly dataset: FileDataset;
  readonly label: string;
}

/** The predictions to make, and the output folder. */
export interface InferRun extends Pick<Context, "terminal" | "signal" | "world"> {
  /** All cases in one group, or those of a cross-validation in one for each fold. */
  readonly groups: readonly CaseGroup[];
  /** The regions of the networks' channels; undefined for classes that exclude each other. */
  readonly heads?: RegionHeads | undefined;
  /** The folder preds/NAME, which is either complete or absent. */
  readonly folder: string;
  /** The sizes of overlapping tiles; by default each image is taken whole. */
  readonly tile?: readonly number[];
  /** The share of a tile that neighbours have in common. */
  readonly overlap?: number;
  /** The spatial axes to mirror along; probabilities of all mirror images are averaged. */
  readonly flips?: readonly number[];
  /** The form of the probabilities; "labels" keeps label maps alone, which only volumes have. */
  readonly save?: SavedForm;
  /** The change that label maps get. */
  readonly postprocessing?: Postprocessing | undefined;
  /** The parts to score predicted label maps by, in search of a postprocessing; no scores by default. */
  readonly parts?: readonly Region[] | undefined;
}

/** The predictions to make of one group. */
type GroupRun = InferRun & CaseGroup;

/** The forms in which probabilities can be kept. */
export type SavedForm = "float32" | "float16" | "labels";

/**
 * Writes the predictions of every case: of .npz files `probs` and `label` as the authors' repository does, of
 * volumes the label map in their format and geometry and the probabilities, as nnU-Net does. Each case goes
 * to the process of a job that is free next. Returns the scores by `parts` of the label maps of all cases.
 */
export async function inferRun(run: InferRun): Promise<readonly PostprocessingDice[]> {
  const { groups, heads, folder, terminal, world, save = "float32" } = run;
  const { dataset } = groups[0]!;
  if (save === "labels" && dataset.cases.ending === undefined)
    throw new CommandError(
      "--save labels: needs images that are volumes; .npz predictions hold probabilities",
      {
        exitCode: 2,
      },
    );
  const { ending } = dataset.cases;
  if (ending !== undefined && heads !== undefined && heads.classOrder === undefined) {
    const needs = "dataset.regions_class_order: missing;";
    if (!haveMasks(heads.regions))
      throw new CommandError(`${needs} label maps of volumes need the label that each region writes`, {
        exitCode: 2,
      });
    if (predictionEnding(ending) === ".png")
      throw new CommandError(`${needs} ${ending} files hold no masks that overlap`, { exitCode: 2 });
  }
  if (world !== undefined && world.rank > 0) {
    const [staged] = await partsOfAll(world, "");
    if (!existsSync(staged!))
      throw new CommandError(`${staged}: the folder of rank 0 is not here; ranks need the same file system`);
    return predictGroups(run, staged!);
  }
  let scores: readonly PostprocessingDice[] = [];
  await writeFolder(folder, predictionFolder, async (staged) => {
    await partsOfAll(world, resolve(staged));
    scores = await predictGroups(run, staged);
    // nnU-Net has no words for masks that overlap.
    if (ending !== undefined && heads !== undefined && haveMasks(heads.regions)) {
      const described = { regions: heads.regions.map(({ name }) => name), classOrder: heads.classOrder };
      await writeFileAtomic(join(staged, masksFile), formatJson(described));
    } else if (ending !== undefined)
      await writeNnunetDataset(staged, {
        classes: dataset.classes,
        ending: predictionEnding(ending),
        ignore: dataset.labelRange.ignore,
        regions: heads?.regions,
        classOrder: heads?.classOrder,
        from: dataset.cases.dataset,
      });
  });
  terminal.clear();
  return scores;
}

/** A case's place among the cases, and its scores. */
type ScoredCase = readonly [index: number, dice: PostprocessingDice];

const inOrderOfCases = (parts: readonly (readonly ScoredCase[])[]): readonly PostprocessingDice[] =>
  parts
    .flat()
    .sort(([a], [b]) => a - b)
    .map(([, dice]) => dice);

/** Predicts the cases of all groups; returns their scores once every process has written its cases. */
async function predictGroups(run: InferRun, folder: string): Promise<readonly PostprocessingDice[]> {
  const scores: PostprocessingDice[] = [];
  for (const group of run.groups) {
    const own = await predictCases({ ...run, ...group }, folder);
    scores.push(...inOrderOfCases(await partsOfAll(run.world, own)));
  }
  return scores;
}

/** Predicts this process's cases of a group into a folder; returns their scores by the run's parts. */
async function predictCases(run: GroupRun, folder: string): Promise<readonly ScoredCase[]> {
  const { dataset, terminal, signal, world, label, parts } = run;
  const scores: ScoredCase[] = [];
  const total = dataset.names.length;
  let writing: Promise<void> = Promise.resolve();
  const chosen = world?.deal(total) ?? dataset.names.keys();
  const read = async (index: number) => ({ index, ...(await dataset.readImage(index)) });
  // Label maps alone are for volumes that fill the memory, and take much longer than to read one.
  const cases = mapsAlone(run) ? inOrder(chosen, read) : prefetch(chosen, 1, read);
  try {
    for await (const { index, ...item } of cases) {
      if (signal.aborted) throw new Interrupted(`stopped; ${run.folder} was not written`);
      const work = (): Promise<Predicted> => predictOne(run, index, item);
      const predicted = await (world === undefined ? work() : world.working(work));
      if (parts !== undefined) scores.push([index, await scored(run, index, item, predicted.labels!)]);
      // One case is written while the next is predicted.
      await writing;
      writing = writeOne(folder, run, index, item, predicted).then(() =>
        terminal.progress({ label, done: index + 1, total }),
      );
      writing.catch(() => undefined);
    }
    await writing;
    return scores;
  } finally {
    // The folder is removed after a failure, so no write to it may still be running.
    await Promise.allSettled([writing]);
  }
}

/** Tells whether label maps are made without the probabilities of whole cases. */
const mapsAlone = ({ save, tile, models, heads }: GroupRun): boolean =>
  save === "labels" &&
  tile !== undefined &&
  !(heads && heads.classOrder === undefined) &&
  predictsLabels(models);

/** Scores a predicted label map by the run's parts. */
function scored(
  { dataset, parts }: GroupRun,
  index: number,
  { labels }: DatasetImage,
  map: LabelMap,
): Promise<PostprocessingDice> {
  if (labels === undefined)
    throw new CommandError(`${dataset.source(index)}: has no labels, which --determine-postprocessing needs`);
  return postprocessingDice(map, labels, parts!, dataset.labelRange.ignore);
}

async function* inOrder<T>(
  indices: AsyncIterable<number> | Iterable<number>,
  read: (index: number) => Promise<T>,
): AsyncGenerator<T> {
  for await (const index of indices) yield await read(index);
}

/** The probabilities of a case, its label map if the images are volumes, or that alone. */
interface Predicted {
  readonly probs?: Tensor<"float32">;
  readonly labels?: LabelMap;
}

/** Predicts a case; throws `CommandError` naming its file for outputs that are not finite. */
async function predictOne(run: GroupRun, index: number, item: DatasetImage): Promise<Predicted> {
  const { labels, ...rest } = await predictedMap(run, index, item);
  const { postprocessing } = run;
  if (labels === undefined || postprocessing === undefined) return { ...rest, ...(labels && { labels }) };
  return { ...rest, labels: await postprocessed(labels, postprocessing) };
}

async function predictedMap(run: GroupRun, index: number, item: DatasetImage): Promise<Predicted> {
  const { models, dataset, heads, tile, overlap, flips, save } = run;
  const notFinite = (cause?: unknown): Error =>
    new CommandError(`${dataset.source(index)}: the network's outputs are not finite`, { cause });
  if (mapsAlone(run)) {
    const classOrder = heads?.classOrder;
    const options = { tile: tile!, overlap, flips, ...(classOrder && { classOrder }) };
    const labels = await predictCaseLabels(models, item, options).catch((error: unknown) => {
      throw error instanceof InvalidArgumentError && error.message.endsWith("not finite")
        ? notFinite(error)
        : error;
    });
    return { labels };
  }
  const probs = await predictCase(models, item, { tile, overlap, flips });
  if (await hasNaN(probs)) throw notFinite();
  const volumes = dataset.cases.ending !== undefined;
  return { ...(save !== "labels" && { probs }), ...(volumes && { labels: await labelMap(probs, heads) }) };
}

async function writeOne(
  folder: string,
  { dataset, heads, save }: GroupRun,
  index: number,
  { labels, spacing, grid }: DatasetImage,
  { probs, labels: map }: Predicted,
): Promise<void> {
  const stored = probs && save === "float16" ? await inHalfPrecision(probs) : probs;
  const name = dataset.names[index]!;
  const { ending } = dataset.cases;
  if (ending !== undefined && grid) {
    const image = dataset.source(index);
    const prediction = { ...(stored && { probabilities: stored }), labels: map!, grid, image };
    return writeNnunetPrediction(folder, name, predictionEnding(ending), prediction);
  }
  if (!labels) throw new CommandError(`${dataset.source(index)}: has no labels, which predictions hold too`);
  const masks = storedMasks(heads?.regions, dataset.labelRange.ignore);
  await writePrediction(join(folder, `${name}.npz`), { probs: stored!, labels, masks, spacing });
}

/**
 * Returns the likeliest class of each voxel, or its region's label, in the smallest type of label maps; of
 * regions without an order the masks [regions, ...spatial].
 */
async function labelMap(map: Tensor<"float32">, heads: RegionHeads | undefined): Promise<LabelMap> {
  if (heads !== undefined && heads.classOrder === undefined) return overOneHalf(map);
  if (heads !== undefined) return regionLabels(map, heads.classOrder!);
  const { dims, ...probs } = map;
  const { data } = await argMax({ ...probs, dims: [1, ...dims] });
  const spatial = dims.slice(1);
  if (data instanceof Uint8Array) return { type: "uint8", dims: spatial, data };
  return { type: "uint16", dims: spatial, data: Uint16Array.from(data as Int32Array) };
}

async function overOneHalf({ dims, data }: Tensor<"float32">): Promise<Tensor<"uint8">> {
  const masks = new Uint8Array(data.length);
  await inTurns(data.length, (begin, end) => {
    for (let i = begin; i < end; i++) masks[i] = Number(data[i]! > 0.5);
  });
  return { type: "uint8", dims, data: masks };
}

/** Rounds probabilities to half precision. */
async function inHalfPrecision({ dims, data }: Tensor<"float32">): Promise<Tensor<"float16">> {
  const bits = new Uint16Array(data.length);
  await inTurns(data.length, (begin, end) => bits.set(float32ToFloat16(data.subarray(begin, end)), begin));
  return { type: "float16", dims, data: bits };
}

async function hasNaN({ dims, ...probs }: Tensor<"float32">): Promise<boolean> {
  const { values } = await inspectValues({ ...probs, dims: [1, ...dims] });
  return values.count > 0;
}
