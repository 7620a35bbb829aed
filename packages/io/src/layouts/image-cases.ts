import { existsSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { maskCount, readCase } from "../case.js";
import { listCases } from "../folder.js";
import { isDataList, openDataList } from "./data-list.js";
import type { ImageCases } from "./image-case.js";
import { openNnunetImages } from "./nnunet-images.js";
import { type Fold, foldOf } from "./split.js";

const expected =
  "expected ROOT/{train,val,test}/*.npz, each with image float32 (C, ...) and label int64 (...), " +
  "nnU-Net's raw folder (imagesTr, labelsTr, dataset.json) or a MONAI data list (datalist.json)";

/**
 * Opens the images of a split and recognises their layout: our own and the authors' `root/split/*.npz`;
 * nnU-Net's raw folder, whose split is that of `splits_final.json` or else every fifth case for validation;
 * MONAI's and the Decathlon's data list, a JSON file or a folder that holds `datalist.json`. With `fold`, the
 * cases to train and validate with are those of that fold; other splits have none. Throws FormatError.
 */
export async function openImageCases(root: string, split: string, fold?: Fold): Promise<ImageCases> {
  const folder = join(root, split);
  if (!existsSync(folder)) {
    const isFile = statSync(root, { throwIfNoEntry: false })?.isFile() === true;
    if (isFile && /\.json$/i.test(root)) return openDataList(root, split, fold);
    const [list, dataset] = [join(root, "datalist.json"), join(root, "dataset.json")];
    if (existsSync(list)) return openDataList(list, split, fold);
    if (existsSync(dataset))
      return (await isDataList(dataset))
        ? openDataList(dataset, split, fold)
        : openNnunetImages(root, split, fold);
  }
  if (fold !== undefined && (split === "train" || split === "val")) return openFold(root, split, fold);
  const names = await listCases(folder, expected);
  const source = (name: string): string => join(folder, `${name}.npz`);
  return {
    layout: `.npz data set, ${names.length} cases of ${split}`,
    names,
    source,
    files: (name) => [source(name)],
    read: (name, options) => readCase(source(name), options),
    maskCount: (name) => maskCount(source(name)),
  };
}

/**
 * Opens a fold of the cases in train/ and val/ together, named `train_CASE` where both have a case of a
 * name.
 */
async function openFold(root: string, split: "train" | "val", fold: Fold): Promise<ImageCases> {
  const found: (readonly [part: string, name: string])[] = [];
  for (const part of ["train", "val"].filter((name) => existsSync(join(root, name))))
    for (const name of await listCases(join(root, part), expected)) found.push([part, name]);
  const shared = new Set(found.map(([, name]) => name)).size < found.length;
  const paths = new Map(
    found.map(([part, name]) => [shared ? `${part}_${name}` : name, join(root, part, `${name}.npz`)]),
  );
  const source = (name: string): string => paths.get(name)!;
  const bare = (name: string): string => basename(source(name), ".npz");
  const { cases: names, how } = await foldOf(root, [...paths.keys()].sort(), split, fold, bare);
  return {
    layout: `.npz data set, ${names.length} cases of ${split}${how}`,
    names,
    source,
    files: (name) => [source(name)],
    read: (name, options) => readCase(source(name), options),
    maskCount: (name) => maskCount(source(name)),
  };
}
