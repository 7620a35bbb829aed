import { existsSync } from "node:fs";
import { join } from "node:path";
import { checkOptions, invalidArgument, optionNames, Random, tensor } from "@pixelcal/core";
import { listFolder, toInt64, writeNpz } from "@pixelcal/io";
import { generatePhantom, type Phantom, type PhantomOptions } from "./phantom.js";

export interface WritePhantomsOptions extends Omit<PhantomOptions, "seed" | "observer"> {
  /** The number of cases of each split. */
  readonly cases: { readonly train: number; readonly val: number; readonly test: number };
  readonly seed: number;
  /** A callback after each case; an error it throws stops the writing. */
  onCase?(done: number, total: number): void;
}

const names = optionNames<WritePhantomsOptions>({
  cases: true,
  seed: true,
  dimensions: true,
  size: true,
  spacing: true,
  onCase: true,
});
const casesNames = optionNames<WritePhantomsOptions["cases"]>({ train: true, val: true, test: true });

/** The array of a phantom's file that holds the known chances of the classes, [4, ...spatial]. */
export const truthKey = "truth";

const splits = ["train", "val", "test"] as const;

const fileName = (index: number): string => `case_${String(index).padStart(4, "0")}.npz`;

async function checkFolder(folder: string, count: number): Promise<void> {
  if (!existsSync(folder)) return;
  const { files } = await listFolder(folder);
  const ours = new Set(Array.from({ length: count }, (_, i) => fileName(i)));
  const foreign = files.find((name) => name.endsWith(".npz") && !ours.has(name));
  if (foreign !== undefined)
    throw invalidArgument("root", "a folder without other cases", join(folder, foreign));
}

/** Returns the arrays of a case file: `image`, `label`, the known chances as `truth`, and `spacing`. */
function arrays({ image, labels, probabilities, spacing }: Phantom): Parameters<typeof writeNpz>[1] {
  return {
    image,
    label: toInt64(labels),
    [truthKey]: probabilities,
    spacing: tensor("float32", Float32Array.from(spacing), [spacing.length]),
  };
}

/**
 * Writes a data set of phantoms as `root/{train,val,test}/case_XXXX.npz`; every case depends only on seed,
 * split and index, so adding cases keeps the earlier ones. Throws InvalidArgumentError if a folder holds
 * other cases.
 */
export async function writePhantoms(root: string, options: WritePhantomsOptions): Promise<void> {
  checkOptions("options", options, names);
  checkOptions("options.cases", options.cases, casesNames);
  const { cases, seed, onCase, ...rest } = options;
  for (const split of splits) {
    const count = cases[split];
    if (!Number.isInteger(count) || count < 0 || count > 10_000) {
      throw invalidArgument(`cases.${split}`, "an integer from 0 to 10000", count);
    }
    await checkFolder(join(root, split), count);
  }
  const total = splits.reduce((sum, split) => sum + cases[split], 0);
  let done = 0;
  for (const split of splits) {
    const seeds = Random.fromSeed(seed).split("phantoms").split(split);
    for (let i = 0; i < cases[split]; i++) {
      const phantom = generatePhantom({ ...rest, seed: Math.floor(seeds.split(i).uniform() * 2 ** 53) });
      await writeNpz(join(root, split, fileName(i)), arrays(phantom));
      onCase?.(++done, total);
    }
  }
}
