import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Labels, sameDims, type Tensor } from "@pixelcal/core";
import {
  checkSameGrid,
  FormatError,
  type Grid,
  labelTensor,
  listFolder,
  type NnunetDataset,
  readLabelMap,
  readNnunetDataset,
  readNnunetGrid,
  readNpz,
  readVolume,
  reorient,
} from "@pixelcal/io";
import { isLabelList, truthFiles } from "../truth-files.js";
import { severalFiles } from "../volume-files.js";

/** The options by which label maps are read. */
export interface NnunetReading {
  /** The source of the spacing where a NIfTI file's sform and pixdim disagree; by default an error. */
  readonly spacingFrom?: "sform" | "pixdim";
  /** Whether labels may be turned onto the prediction's grid where that moves values only; default false. */
  readonly reorient?: boolean;
}

/** Predictions of nnU-Net v2 beside the labels that they are scored against. */
export interface NnunetFolder {
  readonly dataset: NnunetDataset;
  /** The names of the cases with labels, sorted. */
  readonly cases: readonly string[];
  /** The cases without a prediction. */
  readonly missing: readonly string[];
  /** Whether probabilities lie beside the label maps (`--save_probabilities`). */
  readonly probabilities: boolean;
  readonly options: NnunetReading;
  labelPath(name: string): string;
  predictionPath(name: string): string;
}

// A dataset.json beside a data list is of other data, or the list itself.
const places = (predictions: string, labels: string): readonly string[] => [
  predictions,
  dirname(predictions),
  ...(isLabelList(labels) ? [] : [labels, dirname(labels)]),
];

/** Returns the dataset.json of predictions or labels, in or above either folder, if there is one. */
export const findNnunetDataset = (predictions: string, labels: string): string | undefined =>
  places(predictions, labels)
    .map((folder) => join(folder, "dataset.json"))
    .find((path) => existsSync(path));

function datasetPath(predictions: string, labels: string): string {
  const found = findNnunetDataset(predictions, labels);
  if (found !== undefined) return found;
  throw new FormatError(
    predictions,
    "dataset.json",
    `is in none of ${places(predictions, labels).join(", ")}; it says what labels and endings mean`,
  );
}

/**
 * Pairs nnU-Net's predictions with labels by the name of the case. Throws FormatError if there are no labels,
 * or no predictions for any of them.
 */
export async function openNnunetFolder({
  predictions,
  labels,
  dataset: given,
  ...options
}: NnunetReading & {
  readonly predictions: string;
  readonly labels: string;
  /** The path of dataset.json; by default it is looked for in and above both folders. */
  readonly dataset?: string;
}): Promise<NnunetFolder> {
  const dataset = await readNnunetDataset(given ?? datasetPath(predictions, labels));
  const { fileEnding } = dataset;
  const predicted = await listFolder(predictions, `expected predictions, *${fileEnding}`);
  const held = new Set(predicted.files);
  const probabilities = predicted.files.some((file) => file.endsWith(".npz"));
  const ending = probabilities ? ".npz" : fileEnding;
  const isPredicted = (name: string): boolean => held.has(`${name}${ending}`);
  const truth = await truthFiles(labels, isPredicted, fileEnding);
  const names = [...truth.keys()];
  if (names.length === 0)
    throw new FormatError(
      labels,
      undefined,
      isLabelList(labels)
        ? `lists no labels of a case that ${predictions} has`
        : `no *${fileEnding} files, which dataset.json names as the ending`,
    );
  const missing = names.filter((name) => !isPredicted(name));
  if (missing.length === names.length)
    throw new FormatError(
      predictions,
      undefined,
      `no prediction ${names[0]}${ending}, nor that of any other case of ${labels}`,
    );
  return {
    dataset,
    cases: names,
    missing,
    probabilities,
    options,
    labelPath(name) {
      const [path, ...more] = truth.get(name) ?? [];
      if (path === undefined) throw new FormatError(labels, name, "no such case");
      if (more.length > 0) throw severalFiles(path, 1 + more.length);
      return path;
    },
    predictionPath: (name) => join(predictions, `${name}${fileEnding}`),
  };
}

/** The label map and the predicted label map of a case, on the prediction's grid. */
export interface NnunetCase {
  readonly grid: Grid;
  readonly labels: Labels;
  /** The predicted label map; absent where only probabilities are stored. */
  readonly predicted?: Labels;
}

/**
 * Reads the label maps of a case. Both must lie on one grid; with `reorient` the labels may also have their
 * axes in another order or direction. Throws FormatError with both grids.
 */
export async function readNnunetCase(folder: NnunetFolder, name: string): Promise<NnunetCase> {
  const { spacingFrom, reorient: turn = false } = folder.options;
  const [path, predictionPath] = [folder.labelPath(name), folder.predictionPath(name)];
  const held = existsSync(predictionPath);
  const prediction = held ? await readVolume(predictionPath, { spacingFrom }) : undefined;
  const stored = prediction
    ? await readLabelMap(path, { path: predictionPath, grid: prediction }, { spacingFrom, turned: true })
    : await readVolume(path, { spacingFrom });
  const [place, grid] = prediction
    ? [predictionPath, prediction]
    : await propertiesGrid(predictionPath.slice(0, -folder.dataset.fileEnding.length), stored.shape);
  if (grid && !turn) checkSameGrid(place, grid, path, stored);
  const turned = grid && turn ? await reorient(stored, grid, path) : stored;
  return {
    grid: grid ?? stored,
    labels: await labelTensor(path, turned),
    ...(prediction && { predicted: await labelTensor(predictionPath, prediction) }),
  };
}

/** Returns the grid that lies beside probabilities without a label map, in CASE.pkl or CASE.json. */
export async function propertiesGrid(
  stem: string,
  shape: readonly number[],
): Promise<readonly [path: string, grid: Grid | undefined]> {
  const path = [".pkl", ".json"].map((ending) => `${stem}${ending}`).find((each) => existsSync(each));
  return [path ?? stem, path === undefined ? undefined : await readNnunetGrid(path, shape)];
}

/**
 * Reads the array `probabilities` of a case, [heads, ...spatial] in the axes of the labels, (z, y, x). Throws
 * FormatError for other shapes, naming axes that are only in another order.
 */
export async function readNnunetProbabilities(
  folder: NnunetFolder,
  name: string,
  { labels }: NnunetCase,
): Promise<Tensor<"float32"> | Tensor<"float16">> {
  const path = folder.predictionPath(name).slice(0, -folder.dataset.fileEnding.length).concat(".npz");
  const { hasRegions, regions, classes } = folder.dataset;
  const heads = hasRegions ? regions.length : classes;
  const what = hasRegions ? "one per region" : "background and labels";
  return ofHeads(path, await storedProbabilities(path), { heads, what }, labels.dims);
}

/** The probabilities that a file holds. */
type Stored = Tensor<"float32"> | Tensor<"float16">;

/** Reads the array `probabilities` of an archive. Throws FormatError. */
export async function storedProbabilities(path: string): Promise<Stored> {
  const { probabilities: found } = await readNpz(path, { keys: ["probabilities"] });
  if (found?.type === "float32" || found?.type === "float16") return found as Stored;
  const problem = found
    ? `expected float32, got ${found.type}`
    : "no such array in the file; nnU-Net writes it with --save_probabilities";
  throw new FormatError(path, "probabilities", problem);
}

/**
 * Returns stored probabilities as [heads, ...spatial] in the axes of labels of `dims`. Throws FormatError for
 * other shapes.
 */
export function ofHeads(
  path: string,
  found: Stored,
  { heads, what }: { readonly heads: number; readonly what: string },
  dims: readonly number[],
): Stored {
  const fail = (problem: string): never => {
    throw new FormatError(path, "probabilities", problem);
  };
  const [channels, ...stored] = found.dims;
  // nnU-Net gives 2-D images a leading axis of 1.
  const spatial = stored.length === dims.length + 1 && stored[0] === 1 ? stored.slice(1) : stored;
  if (channels !== heads) fail(`expected ${heads} channels (${what}), got shape [${found.dims}]`);
  if (!sameDims(spatial, dims)) {
    const hint = axisHint(spatial, dims);
    fail(`expected shape [${heads},${dims}] of the labels' axes, got [${found.dims}]${hint}`);
  }
  return { ...found, dims: [heads, ...spatial] } as Stored;
}

/** Says which order of axes stored sizes have, if they are those of `expected`, (z, y, x), in another one. */
function axisHint(stored: readonly number[], expected: readonly number[]): string {
  const names = expected.length === 3 ? ["z", "y", "x"] : ["y", "x"];
  const orders = names.length === 3 ? ["xyz", "xzy", "yxz", "yzx", "zxy"] : ["xy"];
  const order = orders.find((each) =>
    sameDims(
      [...each].map((name) => expected[names.indexOf(name)]!),
      stored,
    ),
  );
  return order === undefined ? "" : `; this looks like (${[...order]}), expected (${names})`;
}
