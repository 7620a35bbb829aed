import { existsSync } from "node:fs";
import { join } from "node:path";
import { FormatError } from "../errors.js";
import { listFolder } from "../folder.js";
import { filesEach } from "./data-list.js";
import type { ImageCases } from "./image-case.js";
import { readNnunetDataset } from "./nnunet-dataset.js";
import { volumeMaskCount } from "./read-mask-volumes.js";
import { type Fold, foldOf, knownSplit } from "./split.js";
import { readVolumeCase } from "./volume-case.js";

/** Opens the images of nnU-Net's raw folder: `CASE_0000.nii.gz`, and one file per further channel. */
export async function openNnunetImages(root: string, given: string, fold?: Fold): Promise<ImageCases> {
  const split = knownSplit(root, given);
  const dataset = join(root, "dataset.json");
  const { fileEnding, regions, hasRegions } = await readNnunetDataset(dataset);
  const kind = split === "test" ? "Ts" : "Tr";
  const [folder, labelFolder] = [join(root, `images${kind}`), join(root, `labels${kind}`)];
  const { files } = await listFolder(folder, `expected nnU-Net's images, CASE_0000${fileEnding}`);
  const channels = new Map<string, string[]>();
  for (const file of files) {
    const match = file.endsWith(fileEnding) && /^(.+)_(\d{4})$/.exec(file.slice(0, -fileEnding.length));
    if (!match) continue;
    const list = channels.get(match[1]!) ?? [];
    if (Number(match[2]) !== list.length)
      throw new FormatError(
        join(folder, file),
        undefined,
        `channel ${list.length} of ${match[1]} is missing`,
      );
    list.push(join(folder, file));
    channels.set(match[1]!, list);
  }
  const all = [...channels.keys()].sort();
  if (all.length === 0)
    throw new FormatError(
      folder,
      undefined,
      `no *_0000${fileEnding} files, as dataset.json names the ending`,
    );
  const chosen = split === "test" ? { cases: all, how: "" } : await foldOf(root, all, split, fold);
  const { cases: names, how } = chosen;
  const labelled = existsSync(labelFolder);
  const labelsOf = (name: string): string => join(labelFolder, `${name}${fileEnding}`);
  const meaning = `${hasRegions ? "regions" : "labels"} ${regions.map(({ name }) => name).join(", ")}`;
  return {
    layout: `nnU-Net v2 raw data, ${names.length} cases of ${split}${how}, ${filesEach(channels.get(all[0]!)!.length)}, ${meaning}`,
    names,
    ending: fileEnding,
    dataset,
    source: (name) => channels.get(name)![0]!,
    files: (name) => [...channels.get(name)!, ...(labelled ? [labelsOf(name)] : [])],
    read: (name, options) => readVolumeCase(channels.get(name)!, labelled ? [labelsOf(name)] : [], options),
    maskCount: (name) => volumeMaskCount(labelled ? [labelsOf(name)] : []),
  };
}
