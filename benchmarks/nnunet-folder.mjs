// Makes nnU-Net's raw folder of an NPZ data set: images and labels as NIfTI, dataset.json, splits_final.json.
//
//   node benchmarks/nnunet-folder.mjs --data DATA --out Dataset004_Hippocampus [--labels anterior,posterior]
//
// `pixelcal train --data Dataset004_Hippocampus` then needs no configuration. The cases of train and val
// become imagesTr with one fold, which keeps the split; those of test become imagesTs.
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { listCases, readCase, volumeOf, writeVolume } from "@pixelcal/io";

const { values } = parseArgs({
  options: { data: { type: "string" }, out: { type: "string" }, labels: { type: "string" } },
});
if (!values.data || !values.out) throw new Error("needs --data and --out");

/** Returns the grid of a case: axes to the left, posterior and superior, spacing 1 where it has none. */
const gridOf = (dims, spacing = dims.map(() => 1)) => ({
  shape: [...dims].reverse(),
  spacing: [...spacing].reverse(),
  origin: [0, 0, 0],
  direction: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ].slice(0, dims.length),
});

const split = { train: [], val: [] };
const taken = new Map();
let classes = 2;
for (const part of ["train", "val", "test"]) {
  if (!existsSync(join(values.data, part))) continue;
  const kind = part === "test" ? "Ts" : "Tr";
  const [images, labelMaps] = [`images${kind}`, `labels${kind}`].map((name) => join(values.out, name));
  for (const folder of [images, labelMaps]) await mkdir(folder, { recursive: true });
  for (const name of await listCases(join(values.data, part))) {
    // One folder has them all: a second case of a name would replace the first.
    if (taken.has(name)) throw new Error(`${name}: a case of ${taken.get(name)} and of ${part}; rename one`);
    taken.set(name, part);
    const { image, labels, spacing } = await readCase(join(values.data, part, `${name}.npz`));
    const grid = gridOf(labels.dims, spacing);
    const pixels = labels.data.length;
    for (let c = 0; c < image.dims[0]; c++) {
      const channel = {
        ...image,
        dims: labels.dims,
        data: image.data.subarray(c * pixels, (c + 1) * pixels),
      };
      const file = `${name}_${String(c).padStart(4, "0")}.nii.gz`;
      await writeVolume(join(images, file), volumeOf(channel, grid));
    }
    const data = Uint8Array.from(labels.data, Number);
    for (const label of data) classes = Math.max(classes, label + 1);
    const map = { type: "uint8", dims: labels.dims, data };
    await writeVolume(join(labelMaps, `${name}.nii.gz`), volumeOf(map, grid));
    split[part]?.push(name);
  }
}
const names = values.labels?.split(",") ?? [];
const labels = { background: 0 };
for (let label = 1; label < classes; label++) labels[names[label - 1] ?? `class${label}`] = label;
const json = {
  channel_names: { 0: "image" },
  labels,
  numTraining: split.train.length + split.val.length,
  file_ending: ".nii.gz",
};
await writeFile(join(values.out, "dataset.json"), `${JSON.stringify(json, null, 2)}\n`);
await writeFile(join(values.out, "splits_final.json"), `${JSON.stringify([split], null, 2)}\n`);
console.log(`${values.out}: ${json.numTraining} cases to train with, ${classes} classes`);
