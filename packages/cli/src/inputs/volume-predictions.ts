import { mkdir } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import type { Tensor } from "@pixelcal/core";
import { openVolumeFolder, openVolumePredictions } from "@pixelcal/evaluate";
import { predictionEnding, readVolume, writeVolume } from "@pixelcal/io";
import {
  hardLabels,
  type LabelPlace,
  type PredictionTarget,
  type StoredPredictions,
} from "./prediction-types.js";

/** Opens predicted volumes of probabilities, such as a MONAI bundle's, beside a folder of label maps. */
export async function volumePredictions(folder: string, place: LabelPlace): Promise<StoredPredictions> {
  const opened = await openVolumeFolder({ predictions: folder, ...place });
  const { layout, cases, missing, probabilities } = opened;
  if (!probabilities) throw hardLabels(folder);
  return {
    layout,
    names: cases.filter((name) => !missing.includes(name)),
    missing,
    async read(name) {
      const { probs, labels, spacing } = await opened.read(name);
      return { probabilities: probs as Tensor<"float32">, labels, ...(spacing && { spacing }) };
    },
  };
}

/** Opens predicted volumes, and writes others beside the same names: in their format, on their grid. */
export async function volumeTarget(folder: string, place: LabelPlace): Promise<PredictionTarget> {
  const { names, path, read } = await openVolumePredictions(folder, place);
  return {
    names,
    async probabilities(name) {
      const { dims, ...rest } = await read(name);
      // Formats of volumes give an image a third axis of one slice.
      return { ...rest, dims: dims.length === 4 && dims[1] === 1 ? [dims[0]!, ...dims.slice(2)] : dims };
    },
    async write(target, name, { data }) {
      const from = path(name);
      const stored = await readVolume(from, { spacingFrom: place.spacingFrom });
      const [ending = ""] = /(\.nii)?(\.gz)?$|\.\w+$/i.exec(from) ?? [];
      const file = relative(folder, from).slice(0, -ending.length);
      const to = join(target, `${file}${predictionEnding(ending.toLowerCase())}`);
      await mkdir(dirname(to), { recursive: true });
      const nifti = /\.nii(\.gz)?$/i.test(from);
      await writeVolume(to, { ...stored, type: "float32", data }, nifti ? { image: from } : {});
    },
  };
}
