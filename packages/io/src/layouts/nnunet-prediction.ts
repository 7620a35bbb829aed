import { join } from "node:path";
import { InvalidArgumentError, type Region, sameDims, type Tensor } from "@pixelcal/core";
import { writeFileAtomic } from "../file.js";
import { writeNpz } from "../npz.js";
import type { Grid } from "../volume/volume.js";
import { volumeOf } from "../volume/volume-of.js";
import { writeVolume } from "../volume/write-volume.js";
import { readNnunetDataset } from "./nnunet-dataset.js";

/** A prediction of a volume. */
export interface VolumePrediction {
  /**
   * The probabilities [C, ...spatial] in the axes of the image, (z, y, x); without them no archive is
   * written.
   */
  readonly probabilities?: Tensor<"float32"> | Tensor<"float16">;
  /** The predicted labels [...spatial], uint8 or uint16, or masks [C, ...spatial]. */
  readonly labels: Tensor<"uint8"> | Tensor<"uint16">;
  readonly grid: Grid;
  /** The image, if it is a NIfTI file: the label map keeps its header. */
  readonly image?: string;
}

/** The endings of images that predictions can have too. */
const writable = [".nii.gz", ".nii", ".nrrd", ".mha", ".png"];

/** Returns the ending of predictions: that of their images, or .nii.gz if it cannot be written. */
export const predictionEnding = (ending: string): string => (writable.includes(ending) ? ending : ".nii.gz");

/**
 * Writes a prediction as nnU-Net v2 does: the label map, or a channel for each mask, the array
 * `probabilities` in an .npz archive if given, and JSON of spacing, origin and direction in place of a
 * pickle.
 */
export async function writeNnunetPrediction(
  folder: string,
  name: string,
  ending: string,
  { probabilities, labels, grid, image }: VolumePrediction,
): Promise<void> {
  const isMasks = labels.dims.length > grid.shape.length;
  const [heads, ...spatial] = probabilities?.dims ?? (isMasks ? labels.dims : [0, ...labels.dims]);
  if (!sameDims(isMasks ? [heads!, ...spatial] : spatial, labels.dims))
    throw new InvalidArgumentError(
      "labels",
      `labels: expected shape [${spatial}] of the probabilities, got [${labels.dims}]`,
    );
  const nifti = image !== undefined && /\.nii(\.gz)?$/.test(ending) && /\.nii(\.gz)?$/i.test(image);
  await writeVolume(join(folder, `${name}${ending}`), volumeOf(labels, grid), nifti ? { image } : {});
  if (probabilities !== undefined) {
    // nnU-Net gives 2-D images a leading axis of 1.
    const dims = spatial.length === 2 ? [heads!, 1, ...spatial] : probabilities.dims;
    await writeNpz(join(folder, `${name}.npz`), { probabilities: { ...probabilities, dims } });
  }
  await writeFileAtomic(join(folder, `${name}.json`), `${JSON.stringify(properties(grid), null, 2)}\n`);
}

/** Returns the properties by the names of nnU-Net's pickle: spacing also as (z, y, x), directions by row. */
function properties({ shape, spacing, origin, direction }: Grid): object {
  const rows = shape.map((_, row) => direction.map((column) => column[row as 0]));
  return {
    sitk_stuff: { spacing, origin: origin.slice(0, shape.length), direction: rows.flat() },
    spacing: [...spacing].reverse(),
    shape: [...shape].reverse(),
  };
}

/**
 * Writes the dataset.json of a folder of predictions: the names of labels from that of the images, if it has
 * no regions, or the regions of the predictions, the number of classes and the ending.
 */
export async function writeNnunetDataset(
  folder: string,
  {
    classes,
    ending,
    ignore,
    regions,
    classOrder,
    from,
  }: {
    readonly classes: number;
    readonly ending: string;
    readonly ignore?: number;
    /** The regions of the channels, and the label that each writes; classes by default. */
    readonly regions?: readonly Region[];
    readonly classOrder?: readonly number[];
    readonly from?: string;
  },
): Promise<void> {
  const known = from === undefined ? undefined : await readNnunetDataset(from);
  const names = new Map(
    known?.hasRegions ? [] : known?.regions.map(({ name, labels }) => [labels[0]!, name]),
  );
  const labels: Record<string, number | readonly number[]> = Object.create(null);
  labels.background = 0;
  if (regions === undefined)
    for (let label = 1; label < classes; label++) labels[names.get(label) ?? `${label}`] = label;
  else for (const region of regions) labels[region.name] = region.labels;
  const left = ignore ?? known?.ignore;
  if (left === classes) labels.ignore = left;
  const order = classOrder && { regions_class_order: classOrder };
  const json = { channel_names: {}, labels, ...order, file_ending: ending };
  await writeFileAtomic(join(folder, "dataset.json"), `${JSON.stringify(json, null, 4)}\n`);
}
