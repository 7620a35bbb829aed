import type { Region } from "@pixelcal/core";
import { type FileSource, sourcePath } from "../byte-source.js";
import { FormatError } from "../errors.js";
import { isObject, readJson } from "./json-file.js";

/** The facts of nnU-Net's dataset.json that decide what labels and predictions mean. */
export interface NnunetDataset {
  /** The foreground labels, or the regions if some entry has several labels, in the order of the file. */
  readonly regions: readonly (Region & {
    /** Whether the file gives the labels as a list. */
    readonly list: boolean;
  })[];
  /** Whether the network has one sigmoid head a region instead of a softmax over labels. */
  readonly hasRegions: boolean;
  /** The number of labels, background included and `ignore` not: that of a softmax's channels. */
  readonly classes: number;
  readonly ignore?: number;
  /** The labels that a head above one half writes into the label map, later heads over earlier ones. */
  readonly regionsClassOrder?: readonly number[];
  /** The ending of labels and predictions, for example ".nii.gz". */
  readonly fileEnding: string;
}

/** Reads nnU-Net v2's dataset.json from a path or from bytes. Throws FormatError naming the entry. */
export async function readNnunetDataset(source: FileSource): Promise<NnunetDataset> {
  return parseDataset(sourcePath(source, "dataset.json"), await readJson(source, "dataset.json"));
}

const isLabel = (value: unknown): value is number =>
  typeof value === "number" && Number.isInteger(value) && value >= 0 && value < 2 ** 31;

function parseDataset(path: string, json: unknown): NnunetDataset {
  const fail = (key: string, what: string): never => {
    throw new FormatError(path, key, what);
  };
  if (!isObject(json)) return fail("labels", "expected a JSON object with labels");
  const { labels, file_ending: ending, regions_class_order: order } = json;
  if (!isObject(labels)) return fail("labels", "expected an object of names and labels");
  if (typeof ending !== "string" || !/^\.[\w.]{1,20}$/.test(ending))
    return fail("file_ending", `expected an ending such as ".nii.gz", got ${JSON.stringify(ending)}`);
  const entries = Object.entries(labels).map(([name, value]) => {
    const list: readonly unknown[] = Array.isArray(value) ? value : [value];
    const found = list.filter(isLabel);
    if (list.length === 0 || found.length !== list.length)
      return fail(`labels.${name}`, `expected a label or a list of labels, got ${JSON.stringify(value)}`);
    return { name, labels: [...new Set(found)], list: Array.isArray(value) };
  });
  const single = (name: string): number | undefined =>
    entries.find((entry) => entry.name === name)?.labels[0];
  if (single("background") !== 0) fail("labels.background", `expected 0, got ${single("background")}`);
  const ignore = single("ignore");
  const regions = entries.filter(
    ({ name, labels: list }) => name !== "ignore" && list.some((label) => label !== 0),
  );
  if (regions.length === 0) fail("labels", "expected at least one label besides the background");
  const all = [...new Set(regions.flatMap((region) => region.labels))].sort((a, b) => a - b);
  const largest = all.at(-1)!;
  if (ignore !== undefined && ignore !== largest + 1)
    fail("labels.ignore", `expected ${largest + 1}, one above the largest label, got ${ignore}`);
  const hasRegions = regions.some((region) => region.labels.length > 1);
  const facts = { regions, hasRegions, classes: largest + 1, fileEnding: ending };
  const withIgnore = ignore === undefined ? facts : { ...facts, ignore };
  if (!hasRegions) {
    if (all.length !== largest)
      fail("labels", `expected the labels 0 to ${largest} without gaps, got 0, ${all.join(", ")}`);
    return { ...withIgnore, regions: [...regions].sort((a, b) => a.labels[0]! - b.labels[0]!) };
  }
  const heads = Array.isArray(order) ? order.filter(isLabel) : [];
  if (heads.length !== regions.length)
    fail(
      "regions_class_order",
      `expected ${regions.length} labels, one per region (${regions.map(({ name }) => name).join(", ")}), got ${JSON.stringify(order)}`,
    );
  return { ...withIgnore, regionsClassOrder: heads };
}
