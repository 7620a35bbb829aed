import { join } from "node:path";
import { listedLabels, listFolder } from "@pixelcal/io";
import { listVolumes } from "./volume-files.js";

/** Tells whether labels are those of a data list, and not the files of a folder. */
export const isLabelList = (labels: string): boolean => /\.json$/i.test(labels);

/**
 * Returns the files of labels by the name of their case, sorted: those of a folder, with an ending if some
 * have it, or those that a data list names of the cases that are predicted.
 */
export async function truthFiles(
  labels: string,
  isPredicted: (name: string) => boolean,
  ending?: string,
): Promise<ReadonlyMap<string, readonly string[]>> {
  if (isLabelList(labels)) return sorted(await listedLabels(labels, isPredicted));
  const named =
    ending === undefined ? [] : (await listFolder(labels)).files.filter((file) => file.endsWith(ending));
  if (named.length > 0)
    return new Map(named.map((file) => [file.slice(0, -ending!.length), [join(labels, file)]]));
  const { paths } = await listVolumes(labels, "expected label maps");
  return sorted(new Map([...paths].map(([name, path]) => [name, [path]])));
}

const sorted = <T>(map: ReadonlyMap<string, T>): ReadonlyMap<string, T> =>
  new Map([...map].sort(([a], [b]) => (a < b ? -1 : 1)));
