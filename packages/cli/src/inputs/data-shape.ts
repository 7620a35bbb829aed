import { join } from "node:path";
import { labelNumbers, listCases, readCase } from "@pixelcal/io";

const splits = ["train", "val", "test"] as const;

/** The properties of a data set that a network must know, and the number of cases in each split. */
export interface DataShape {
  readonly channels: number;
  /** The number of spatial axes. */
  readonly rank: number;
  /** The number of classes, the largest label + 1. */
  readonly classes: number;
  readonly cases: Readonly<Record<(typeof splits)[number], number>>;
}

/**
 * Reads every case of `root/{train,val,test}` to find the properties of the data set; the label `ignore` is
 * no class.
 */
export async function describeData(root: string, ignore?: number): Promise<DataShape> {
  const cases: Record<string, number> = {};
  let largest = 0;
  let first: { channels: number; rank: number } | undefined;
  for (const split of splits) {
    const paths = await casePaths(root, split);
    cases[split] = paths.length;
    for (const path of paths) {
      const { image, labels } = await readCase(path);
      first ??= { channels: image.dims[0]!, rank: labels.dims.length };
      for (const label of labelNumbers(labels)) if (label > largest && label !== ignore) largest = label;
    }
  }
  return { ...first!, classes: Math.max(2, largest + 1), cases: cases as DataShape["cases"] };
}

/** Returns the shape [C, ...spatial] of the first image of a split. */
export async function firstImageDims(root: string, split: string): Promise<readonly number[]> {
  const [path] = await casePaths(root, split);
  return (await readCase(path!)).image.dims;
}

async function casePaths(root: string, split: string): Promise<readonly string[]> {
  const folder = join(root, split);
  const names = await listCases(folder, "a data set holds train/, val/ and test/ with .npz files");
  return names.map((name) => join(folder, `${name}.npz`));
}
