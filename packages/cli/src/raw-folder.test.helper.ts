import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { tensor } from "@pixelcal/core";
import { type Grid, listCases, readCase, volumeOf, writeVolume } from "@pixelcal/io";
import { straightGrid } from "./grid.test.helper.js";
import { at, data } from "./toy.test.helper.js";

/** Returns a grid whose spacings differ, so that an order of axes that is wrong shows. */
export const gridOf = (shape: readonly number[]): Grid => straightGrid(shape, [0.5, 0.75], [-3, 4, 5]);

interface RawFolderOptions {
  /** The splits of the phantoms to write, "test" as imagesTs and labelsTs; all by default. */
  readonly splits?: readonly ("train" | "val" | "test")[];
  /** The names of the cases; SPLIT_NAME by default, as the splits number their own. */
  readonly nameOf?: (split: string, name: string) => string;
  /** Changes the labels of a case, in place. */
  readonly change?: (labels: Uint8Array) => void;
}

/** Writes the phantoms as nnU-Net's raw folder `raw`, with this dataset.json; returns the cases' names. */
export async function writeRawFolder(json: object, options: RawFolderOptions = {}): Promise<string[]> {
  const { splits = ["train", "val", "test"], nameOf = (split, name) => `${split}_${name}`, change } = options;
  const names: string[] = [];
  for (const split of splits) {
    const kind = split === "test" ? "Ts" : "Tr";
    for (const folder of ["images", "labels"])
      await mkdir(at("raw", `${folder}${kind}`), { recursive: true });
    for (const stored of await listCases(join(data, split))) {
      const { image, labels } = await readCase(join(data, split, `${stored}.npz`));
      const name = nameOf(split, stored);
      const grid = gridOf(labels.dims.toReversed());
      const map = tensor("uint8", Uint8Array.from(labels.data, Number), labels.dims);
      change?.(map.data);
      const plane = volumeOf({ ...image, dims: labels.dims }, grid);
      await writeVolume(at("raw", `images${kind}`, `${name}_0000.nii.gz`), plane);
      await writeVolume(at("raw", `labels${kind}`, `${name}.nii.gz`), volumeOf(map, grid));
      names.push(name);
    }
  }
  await writeFile(at("raw", "dataset.json"), JSON.stringify({ file_ending: ".nii.gz", ...json }));
  return names;
}
