import type { Tensor } from "@pixelcal/core";
import {
  checkSameGrid,
  FormatError,
  labelTensor,
  listFolder,
  readLabelMap,
  readVolume,
  reorient,
  sliceOf,
  type Volume,
} from "@pixelcal/io";
import type { EvaluationCase } from "./evaluate.js";
import type { NnunetReading } from "./nnunet/nnunet-folder.js";
import { truthFiles } from "./truth-files.js";
import { listVolumes, severalFiles } from "./volume-files.js";

/** Predictions that are volumes beside the labels they are scored against, of a tool without dataset.json. */
export interface VolumeFolder {
  /** A line that says what was recognised. */
  readonly layout: string;
  /** The names of the cases with labels, sorted. */
  readonly cases: readonly string[];
  /** The cases without a prediction. */
  readonly missing: readonly string[];
  /** Whether the predictions are probabilities, a channel per class, and not label maps. */
  readonly probabilities: boolean;
  /** Reads a case of probabilities. */
  read(name: string): Promise<EvaluationCase>;
}

/** Returns whether folders in a folder of predictions are cases, as their names are those of labels. */
export async function holdsCases(predictions: string, labels: string): Promise<boolean> {
  const { folders } = await listFolder(predictions);
  const truth = await truthFiles(labels, (name) => folders.includes(name));
  return folders.some((name) => truth.has(name));
}

/**
 * Pairs predicted volumes with label maps by the name of the case: outputs of MONAI's bundles
 * (`CASE/CASE_trans.nii.gz`), TotalSegmentator's folders of masks and label maps, or any `CASE.nii.gz`.
 * Throws FormatError if no label has a prediction.
 */
export async function openVolumeFolder({
  predictions,
  labels,
  spacingFrom,
  reorient: turn = false,
}: NnunetReading & { readonly predictions: string; readonly labels: string }): Promise<VolumeFolder> {
  const { paths, tool } = await listVolumes(predictions, "expected predicted volumes");
  const truth = await truthFiles(labels, (name) => paths.has(name));
  const cases = [...truth.keys()];
  const missing = cases.filter((name) => !paths.has(name));
  const first = cases.find((name) => paths.has(name));
  if (first === undefined) {
    const held = cases.length === 0 ? "no label maps" : `label maps of ${cases.slice(0, 3).join(", ")}`;
    throw new FormatError(
      predictions,
      undefined,
      `no volume of a case that ${labels} has (${held}), and no dataset.json of nnU-Net`,
    );
  }
  const sample = await readVolume(paths.get(first)!, { spacingFrom });
  const probabilities = sample.channels !== undefined;
  const named = tool ?? (sample.names ? "TotalSegmentator label maps" : "predicted volumes");
  const classes = probabilities
    ? `${sample.channels} classes`
    : `labels ${sample.names ? [...sample.names.values()].slice(0, 20).join(", ") : "without names"}`;
  return {
    layout: `${named} ${probabilities ? "with" : "without"} probabilities, ${cases.length} cases, ${classes}`,
    cases,
    missing,
    probabilities,
    async read(name) {
      const [path, [labelPath, ...more] = []] = [paths.get(name), truth.get(name)];
      if (more.length > 0) throw severalFiles(labelPath!, 1 + more.length);
      if (path === undefined || labelPath === undefined)
        throw new FormatError(predictions, name, "no such case");
      const first = await readVolume(path, { spacingFrom });
      const second = await readLabelMap(labelPath, { path, grid: first }, { spacingFrom, turned: true });
      const rank = Math.min(first.shape.length, second.shape.length);
      const [prediction, stored] = [sliceOf(first, rank), sliceOf(second, rank)];
      if (!turn) checkSameGrid(path, prediction, labelPath, stored);
      const turned = turn ? await reorient(stored, prediction, labelPath) : stored;
      return {
        name,
        probs: probabilitiesOf(path, prediction),
        labels: await labelTensor(labelPath, turned),
        spacing: [...prediction.spacing].reverse(),
      };
    },
  };
}

/** Predicted volumes of probabilities, without labels. */
export interface VolumePredictions {
  /** The names of the cases, sorted. */
  readonly names: readonly string[];
  /** Returns the file of a case. */
  path(name: string): string;
  /** Reads the probabilities [C, ...spatial] of a case. */
  read(name: string): Promise<Tensor<"float32">>;
}

/** Opens the volumes that a folder of predictions holds, by the name of the case. Throws FormatError. */
export async function openVolumePredictions(
  folder: string,
  { spacingFrom }: Pick<NnunetReading, "spacingFrom"> = {},
): Promise<VolumePredictions> {
  const { paths } = await listVolumes(folder, "expected predicted volumes");
  if (paths.size === 0) throw new FormatError(folder, undefined, "holds no predicted volumes");
  const path = (name: string): string => {
    const found = paths.get(name);
    if (found === undefined) throw new FormatError(folder, name, "no such case");
    return found;
  };
  return {
    names: [...paths.keys()].sort(),
    path,
    read: async (name) => probabilitiesOf(path(name), await readVolume(path(name), { spacingFrom })),
  };
}

export function probabilitiesOf(
  path: string,
  { channels, shape, type, data, scaled }: Volume,
): Tensor<"float32"> {
  if (channels === undefined)
    throw new FormatError(path, "channels", "expected a channel of probabilities per class, got one value");
  if (!(data instanceof Float32Array) || scaled)
    throw new FormatError(
      path,
      "channels",
      `expected float32 probabilities, got ${type}${scaled ? ", scaled" : ""}`,
    );
  return { type: "float32", dims: [channels, ...[...shape].reverse()], data };
}
