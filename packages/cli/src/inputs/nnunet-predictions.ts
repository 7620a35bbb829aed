import { existsSync } from "node:fs";
import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import type { Tensor } from "@pixelcal/core";
import { nnunetCases, openNnunetFolder } from "@pixelcal/evaluate";
import { FormatError, float16ToFloat32, listCases, readNpz, writeNpz } from "@pixelcal/io";
import {
  hardLabels,
  type LabelPlace,
  type PredictionTarget,
  type StoredPredictions,
} from "./prediction-types.js";

/** Opens nnU-Net's predictions with probabilities beside a folder of label maps. */
export async function nnunetPredictions(folder: string, place: LabelPlace): Promise<StoredPredictions> {
  const opened = await openNnunetFolder({ predictions: folder, ...place });
  const { cases, missing, dataset, probabilities } = opened;
  if (!probabilities) throw hardLabels(folder);
  const names = cases.filter((name) => !missing.includes(name));
  const what = dataset.hasRegions ? "regions" : "labels";
  return {
    layout: `nnU-Net v2 predictions with probabilities, ${cases.length} cases, ${what} ${dataset.regions.map(({ name }) => name).join(", ")}`,
    names,
    missing,
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
  };
}

/** Opens the probabilities of nnU-Net's predictions, and copies what says where they lie. */
export async function nnunetTarget(folder: string): Promise<PredictionTarget> {
  const names = await listCases(folder, "expected nnU-Net's predictions, *.npz with probabilities");
  const stored = async (name: string): Promise<Tensor<"float32">> => {
    const path = join(folder, `${name}.npz`);
    const { probabilities: found } = await readNpz(path, { keys: ["probabilities"] });
    if (found?.type !== "float32" && found?.type !== "float16")
      throw new FormatError(path, "probabilities", `expected float32, got ${found?.type ?? "no such array"}`);
    return wide(found as Tensor<"float32"> | Tensor<"float16">);
  };
  const copy = async (target: string, file: string): Promise<void> => {
    if (existsSync(join(folder, file))) await copyFile(join(folder, file), join(target, file));
  };
  return {
    names,
    async probabilities(name) {
      const { dims, ...rest } = await stored(name);
      // nnU-Net gives 2-D images a leading axis of 1.
      return { ...rest, dims: dims.length === 4 && dims[1] === 1 ? [dims[0]!, ...dims.slice(2)] : dims };
    },
    async write(target, name, { type, data }) {
      const { dims } = await stored(name);
      await writeNpz(join(target, `${name}.npz`), { probabilities: { type, dims, data } });
      for (const file of [`${name}.pkl`, `${name}.json`, "dataset.json", "masks.json"])
        await copy(target, file);
    },
  };
}

/** Returns probabilities as float32. */
export const wide = (probs: Tensor<"float32"> | Tensor<"float16">): Tensor<"float32"> =>
  probs.type === "float32" ? probs : { ...probs, type: "float32", data: float16ToFloat32(probs.data) };
