import { join } from "node:path";
import { FormatError, listFolder } from "@pixelcal/io";

/** The endings of volumes. */
export const volumeEnding: RegExp = /(\.seg)?\.(nii(\.gz)?|nrrd|mha|mhd|png|tiff?|dcm)$/i;
/** The endings that MONAI's bundles append to the names of cases. */
const postfix = /_(trans|seg|pred)$/;

/** Volumes by the name of their case; a folder of masks, one a class, is one. */
export interface Listed {
  readonly paths: ReadonlyMap<string, string>;
  readonly tool: "MONAI bundle outputs" | "TotalSegmentator masks" | undefined;
}

/** Lists the volumes of a folder. Throws FormatError for two of one case, and with `what` for no folder. */
export async function listVolumes(folder: string, what: string): Promise<Listed> {
  const { files, folders } = await listFolder(folder, what);
  const paths = new Map<string, string>();
  let tool: Listed["tool"];
  const add = (name: string, path: string): void => {
    const other = paths.get(name);
    if (other !== undefined) throw new FormatError(path, undefined, `is of case ${name}, as ${other} is`);
    paths.set(name, path);
  };
  for (const file of files.filter((each) => volumeEnding.test(each))) {
    const stem = file.replace(volumeEnding, "");
    if (postfix.test(stem)) tool = "MONAI bundle outputs";
    add(stem.replace(postfix, ""), join(folder, file));
  }
  for (const name of folders) {
    const inner = (await listFolder(join(folder, name))).files.filter((each) => volumeEnding.test(each));
    const own = inner.filter((each) => each.replace(volumeEnding, "").replace(postfix, "") === name);
    if (own.length > 0) {
      tool = "MONAI bundle outputs";
      for (const file of own) add(name, join(folder, name, file));
    } else if (inner.length > 0) {
      tool = "TotalSegmentator masks";
      add(name, join(folder, name));
    }
  }
  return { paths, tool };
}

/** Returns the error of several files where one label map is meant. */
export const severalFiles = (path: string, count: number): FormatError =>
  new FormatError(path, "labels", `is one of ${count} files; masks need --regions "NAME=mask,..."`);
