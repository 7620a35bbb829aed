import { basename } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { FormatError } from "../errors.js";
import { checkSameGrid } from "./geometry.js";
import { hasEnding } from "./source.js";
import type { Volume } from "./volume.js";

/** The endings of files that hold one mask each. */
const endings = [".nii.gz", ".nii", ".nrrd", ".mha"] as const;

/** The number of voxels compared before other work on the event loop gets its turn. */
const turn = 2 ** 20;

/** Returns whether a folder's files are masks, as TotalSegmentator writes one for each class. */
export const areMasks = (files: readonly string[]): boolean =>
  files.length > 0 && files.every((file) => hasEnding(file, endings));

/** Returns the name of a mask's class, which is that of its file without the ending. */
function className(file: string): string {
  const name = basename(file);
  const ending = endings.find((each) => name.toLowerCase().endsWith(each))!;
  return name.slice(0, -ending.length);
}

/**
 * Reads masks on one grid, one file a class, as a label map: class i of the sorted files is label i, 0 is in
 * no mask, and the names are those of the files. A class whose mask is empty keeps its label. Throws
 * FormatError for masks that overlap, for other grids, and for values besides 0 and one more.
 */
export async function readMasks(
  path: string,
  files: readonly string[],
  read: (file: string) => Promise<Volume>,
): Promise<Volume> {
  if (files.length > 65535)
    throw new FormatError(path, undefined, `${files.length} masks; at most 65535 labels can be told apart`);
  let map: Volume | undefined;
  let labels: Uint8Array | Uint16Array = new Uint8Array(0);
  for (const [i, file] of files.entries()) {
    const mask = await read(file);
    if (mask.channels !== undefined)
      throw new FormatError(file, undefined, `expected one value per voxel, got ${mask.channels} channels`);
    if (map) checkSameGrid(file, mask, files[0]!, map);
    else labels = new (files.length > 255 ? Uint16Array : Uint8Array)(mask.data.length);
    map ??= mask;
    const { data } = mask;
    let inside: number | bigint | undefined;
    for (let from = 0; from < data.length; from += turn) {
      const until = Math.min(data.length, from + turn);
      for (let at = from; at < until; at++) {
        const value = data[at]!;
        if (Number(value) === 0) continue;
        inside ??= value;
        if (value !== inside)
          throw new FormatError(file, undefined, `is no mask: it holds ${inside} and ${value} (voxel ${at})`);
        const taken = labels[at]!;
        if (taken !== 0) {
          const both = `${className(files[taken - 1]!)} and ${className(file)}`;
          throw new FormatError(
            path,
            undefined,
            `the masks ${both} overlap (voxel ${at}): read them one by one`,
          );
        }
        labels[at] = i + 1;
      }
      if (until < data.length) await nextTurn();
    }
  }
  const { scaled: _, ...first } = map!;
  return {
    ...first,
    type: labels instanceof Uint8Array ? "uint8" : "uint16",
    data: labels,
    names: new Map(files.map((file, i) => [i + 1, className(file)])),
    notes: [`${files.length} masks are read as one label map`, ...first.notes],
  };
}
