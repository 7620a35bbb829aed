import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { readCase } from "../case.js";
import { listCases } from "../folder.js";
import { isDataList, openDataList } from "./data-list.js";
import type { ImageCases } from "./image-case.js";
import { openNnunetImages } from "./nnunet-images.js";

const expected =
  "expected ROOT/{train,val,test}/*.npz, each with image float32 (C, ...) and label int64 (...), " +
  "nnU-Net's raw folder (imagesTr, labelsTr, dataset.json) or a MONAI data list (datalist.json)";

/**
 * Opens the images of a split and recognises their layout: our own and the authors' `root/split/*.npz`;
 * nnU-Net's raw folder, whose split is that of `splits_final.json` or else every fifth case for validation;
 * MONAI's and the Decathlon's data list, a JSON file or a folder that holds `datalist.json`. Throws
 * FormatError.
 */
export async function openImageCases(root: string, split: string): Promise<ImageCases> {
  const folder = join(root, split);
  if (!existsSync(folder)) {
    const isFile = statSync(root, { throwIfNoEntry: false })?.isFile() === true;
    if (isFile && /\.json$/i.test(root)) return openDataList(root, split);
    const [list, dataset] = [join(root, "datalist.json"), join(root, "dataset.json")];
    if (existsSync(list)) return openDataList(list, split);
    if (existsSync(dataset))
      return (await isDataList(dataset)) ? openDataList(dataset, split) : openNnunetImages(root, split);
  }
  const names = await listCases(folder, expected);
  const source = (name: string): string => join(folder, `${name}.npz`);
  return {
    layout: `.npz data set, ${names.length} cases of ${split}`,
    names,
    source,
    read: (name, options) => readCase(source(name), options),
  };
}
