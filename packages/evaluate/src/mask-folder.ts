import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import {
  FormatError,
  type Grid,
  listFolder,
  readMaskVolumes,
  readVolume,
  type StoredMasks,
  sliceOf,
} from "@pixelcal/io";
import type { EvaluationCase } from "./evaluate.js";
import { ofHeads, propertiesGrid, storedProbabilities } from "./nnunet/nnunet-folder.js";
import { truthFiles } from "./truth-files.js";
import { listVolumes, volumeEnding } from "./volume-files.js";
import { probabilitiesOf } from "./volume-predictions.js";

/** Predictions of sigmoid heads beside the masks that they are scored against, both volumes. */
export interface MaskFolder {
  /** The names of the cases with masks, sorted. */
  readonly cases: readonly string[];
  /** The cases without a prediction. */
  readonly missing: readonly string[];
  /** Whether there are probabilities, and not predicted masks or label maps alone. */
  readonly probabilities: boolean;
  /** Reads a case; its labels are the label map of the masks' overlaps. */
  read(name: string, masks: StoredMasks): Promise<EvaluationCase>;
}

/**
 * Pairs predictions with masks by the name of the case: `CASE.npz` with `probabilities` [regions, ...], as
 * `pixelcal infer` writes, or volumes with a float32 channel for each region; masks in one file with a
 * channel for each, or in a folder `CASE` with a file for each, named by the region. One slice is an image.
 * Throws FormatError if no masks have a prediction.
 */
export async function openMaskFolder({
  predictions,
  labels,
  spacingFrom,
}: {
  readonly predictions: string;
  readonly labels: string;
  /** The source of the spacing where a NIfTI file's sform and pixdim disagree; by default an error. */
  readonly spacingFrom?: "sform" | "pixdim" | undefined;
}): Promise<MaskFolder> {
  const { paths } = await listVolumes(predictions, "expected predictions");
  const archive = (name: string): string => join(predictions, `${name}.npz`);
  const isPredicted = (name: string): boolean => paths.has(name) || existsSync(archive(name));
  const truth = await truthFiles(labels, isPredicted);
  const cases = [...truth.keys()];
  if (cases.length === 0)
    throw new FormatError(
      labels,
      undefined,
      "holds no masks; expected CASE.nii.gz with a channel for each region, or CASE/REGION.nii.gz",
    );
  const missing = cases.filter((name) => !isPredicted(name));
  if (missing.length === cases.length)
    throw new FormatError(predictions, undefined, `no prediction of a case that ${labels} has masks of`);

  const first = cases.find(isPredicted)!;
  const sample = existsSync(archive(first))
    ? undefined
    : await readVolume(paths.get(first)!, { spacingFrom });

  /** Reads the probabilities of a case, and their grid: that of its volume, or else CASE.json or CASE.pkl. */
  const prediction = async (name: string) => {
    const volumePath = paths.get(name);
    const volume = volumePath === undefined ? undefined : await readVolume(volumePath, { spacingFrom });
    const path = archive(name);
    if (!existsSync(path))
      return { path: volumePath!, grid: volume!, probs: probabilitiesOf(volumePath!, volume!) };
    const probs = await storedProbabilities(path);
    const shape = probs.dims.slice(1).reverse();
    const grid = volume ?? (await propertiesGrid(join(predictions, name), shape))[1];
    if (grid === undefined)
      throw new FormatError(
        path,
        undefined,
        `needs ${name}.json or a volume beside it, which say where it lies`,
      );
    return { path, grid, probs };
  };
  return {
    cases,
    missing,
    probabilities: sample === undefined || (sample.channels !== undefined && sample.type === "float32"),
    async read(name, masks) {
      const { path, grid, probs } = await prediction(name);
      const place = { path, grid: sliceOf<Grid>(grid, 2) };
      const files = await maskFiles(truth.get(name)!, masks.names);
      const found = await readMaskVolumes(files, place, masks, { spacingFrom });
      const heads = { heads: masks.names.length, what: "one per region" };
      return {
        name,
        probs: ofHeads(path, probs, heads, found.dims),
        labels: found,
        spacing: [...place.grid.spacing].reverse(),
      };
    },
  };
}

/** Returns files of masks, those of a folder in the order of their regions. Throws FormatError. */
async function maskFiles(paths: readonly string[], names: readonly string[]): Promise<readonly string[]> {
  const [path = ""] = paths;
  if (paths.length > 1 || !statSync(path).isDirectory()) return paths;
  const { files } = await listFolder(path);
  return names.map((name) => {
    const file = files.find((each) => volumeEnding.test(each) && each.replace(volumeEnding, "") === name);
    if (file === undefined)
      throw new FormatError(
        path,
        name,
        `no file of that region; expected one for each of ${names.join(", ")}`,
      );
    return join(path, file);
  });
}
