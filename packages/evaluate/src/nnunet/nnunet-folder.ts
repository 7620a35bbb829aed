import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Labels } from "@pixelcal/core";
import { sameDims, type Tensor } from "@pixelcal/core";
import {
  checkSameGrid,
  FormatError,
  labelTensor,
  listFolder,
  type NnunetDataset,
  readNnunetDataset,
  readNpz,
  readVolume,
  type Volume,
} from "@pixelcal/io";

/** Predictions of nnU-Net v2 beside the labels that they are scored against. */
export interface NnunetFolder {
  readonly dataset: NnunetDataset;
  /** The names of the cases with labels, sorted. */
  readonly cases: readonly string[];
  /** The cases without a prediction. */
  readonly missing: readonly string[];
  /** Whether probabilities lie beside the label maps (`--save_probabilities`). */
  readonly probabilities: boolean;
  labelPath(name: string): string;
  predictionPath(name: string): string;
}

/** Returns the dataset.json of predictions or labels: in the first, beside it, or above the second. */
function datasetPath(predictions: string, labels: string): string {
  const places = [predictions, dirname(predictions), labels, dirname(labels)];
  const found = places.map((folder) => join(folder, "dataset.json")).find((path) => existsSync(path));
  if (found) return found;
  throw new FormatError(
    predictions,
    "dataset.json",
    `is in none of ${places.join(", ")}; it says what labels and endings mean`,
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
}: {
  readonly predictions: string;
  readonly labels: string;
  /** The path of dataset.json; by default it is looked for in and above both folders. */
  readonly dataset?: string;
}): Promise<NnunetFolder> {
  const dataset = await readNnunetDataset(given ?? datasetPath(predictions, labels));
  const { fileEnding } = dataset;
  const { files } = await listFolder(labels, `expected label maps, *${fileEnding}`);
  const names = files
    .filter((file) => file.endsWith(fileEnding))
    .map((file) => file.slice(0, -fileEnding.length));
  if (names.length === 0)
    throw new FormatError(
      labels,
      undefined,
      `no *${fileEnding} files, which dataset.json names as the ending`,
    );
  const predicted = await listFolder(predictions, `expected predictions, *${fileEnding}`);
  const held = new Set(predicted.files);
  const probabilities = predicted.files.some((file) => file.endsWith(".npz"));
  const ending = probabilities ? ".npz" : fileEnding;
  const missing = names.filter((name) => !held.has(`${name}${ending}`));
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
    labelPath: (name) => join(labels, `${name}${fileEnding}`),
    predictionPath: (name) => join(predictions, `${name}${fileEnding}`),
  };
}

/** A case as stored: labels and, if asked for, probabilities, on the grid of the labels. */
export interface NnunetCase {
  readonly grid: Volume;
  readonly labels: Labels;
}

/** Reads the labels of a case. Throws FormatError. */
export async function readNnunetLabels(folder: NnunetFolder, name: string): Promise<NnunetCase> {
  const path = folder.labelPath(name);
  const grid = await readVolume(path);
  return { grid, labels: await labelTensor(path, grid) };
}

/** Reads the predicted label map of a case, which must lie on the grid of its labels. Throws FormatError. */
export async function readNnunetPrediction(
  folder: NnunetFolder,
  name: string,
  { grid }: NnunetCase,
): Promise<Labels> {
  const path = folder.predictionPath(name);
  const predicted = await readVolume(path);
  checkSameGrid(path, predicted, folder.labelPath(name), grid);
  return labelTensor(path, predicted);
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
  const { probabilities: found } = await readNpz(path, { keys: ["probabilities"] });
  const fail = (what: string): never => {
    throw new FormatError(path, "probabilities", what);
  };
  if (found === undefined)
    return fail("no such array in the file; nnU-Net writes it with --save_probabilities");
  if (found.type !== "float32" && found.type !== "float16")
    return fail(`expected float32, got ${found.type}`);
  const { hasRegions, regions, classes } = folder.dataset;
  const heads = hasRegions ? regions.length : classes;
  const [channels, ...stored] = found.dims;
  // nnU-Net gives 2-D images a leading axis of 1.
  const spatial = stored.length === labels.dims.length + 1 && stored[0] === 1 ? stored.slice(1) : stored;
  if (channels !== heads)
    return fail(
      `expected ${heads} channels (${hasRegions ? "one per region" : "background and labels"}), got shape [${found.dims}]`,
    );
  if (!sameDims(spatial, labels.dims)) {
    const swapped = sameDims([...spatial].reverse(), labels.dims);
    const hint = swapped ? "; this looks like (x,y,z), expected (z,y,x)" : "";
    return fail(`expected shape [${heads},${labels.dims}] of the labels' axes, got [${found.dims}]${hint}`);
  }
  return { ...found, dims: [heads, ...spatial] } as Tensor<"float32">;
}
