import { join } from "node:path";
import type { Tensor } from "@pixelcal/core";
import { nnunetCases, openNnunetFolder } from "@pixelcal/evaluate";
import {
  FormatError,
  float16ToFloat32,
  listCases,
  readNpz,
  readPrediction,
  writeNpz,
  writePrediction,
} from "@pixelcal/io";
import type { LabelledPrediction } from "@pixelcal/train";

/** Predictions of one layout. */
export interface StoredPredictions {
  /** The layout in words. */
  readonly layout: string;
  /** The cases with labels. */
  readonly names: readonly string[];
  readonly ignore?: number;
  /** The labels of each channel, where channels are sigmoids of their own. */
  readonly heads?: readonly (readonly number[])[];
  read(name: string): Promise<LabelledPrediction>;
  /** Writes a case with other probabilities into a folder, as the layout stores it. */
  write(folder: string, name: string, probabilities: Tensor<"float32">): Promise<void>;
}

const expected = "expected predictions, *.npz with probs and label";

/** Opens predictions as `pixelcal infer` writes them, which hold their labels. */
export async function ownPredictions(folder: string): Promise<StoredPredictions> {
  const names = await listCases(folder, expected);
  const pathOf = (name: string): string => join(folder, `${name}.npz`);
  return {
    layout: `predictions with labels, ${names.length} cases`,
    names,
    async read(name) {
      const { probs, ...rest } = await readPrediction(pathOf(name));
      return { ...rest, probabilities: probs };
    },
    async write(target, name, probs) {
      const { labels, spacing } = await readPrediction(pathOf(name));
      await writePrediction(join(target, `${name}.npz`), { probs, labels, ...(spacing && { spacing }) });
    },
  };
}

/** Opens nnU-Net's predictions with probabilities beside a folder of label maps. */
export async function nnunetPredictions(folder: string, labels: string): Promise<StoredPredictions> {
  const opened = await openNnunetFolder({ predictions: folder, labels });
  const { cases, missing, dataset } = opened;
  const absent = new Set(missing);
  const names = cases.filter((name) => !absent.has(name));
  return {
    layout: `nnU-Net's predictions with probabilities, ${names.length} cases`,
    names,
    ...(dataset.ignore !== undefined && { ignore: dataset.ignore }),
    ...(dataset.hasRegions && { heads: dataset.regions.map((region) => region.labels) }),
    async read(name) {
      for await (const { probs, labels, spacing } of nnunetCases(opened, [name]))
        return {
          probabilities: wide(probs as Tensor<"float32"> | Tensor<"float16">),
          labels,
          ...(spacing && { spacing }),
        };
      throw new FormatError(join(folder, `${name}.npz`), undefined, "is no case of this folder");
    },
    async write(target, name, { type, data }) {
      // The shape is the stored one: of a 2-D image it has another axis.
      const { probabilities } = await readNpz(join(folder, `${name}.npz`), { keys: ["probabilities"] });
      const path = join(target, `${name}.npz`);
      await writeNpz(path, { probabilities: { type, dims: probabilities!.dims, data } });
    },
  };
}

const wide = (probs: Tensor<"float32"> | Tensor<"float16">): Tensor<"float32"> =>
  probs.type === "float32" ? probs : { ...probs, type: "float32", data: float16ToFloat32(probs.data) };
