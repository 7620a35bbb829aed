import { join } from "node:path";
import { tensor } from "@pixelcal/core";
import { writeFileAtomic, writeNpz } from "@pixelcal/io";
import { generatePhantom, type PhantomOptions, Random } from "@pixelcal/train";
import { Interrupted } from "./command-error.js";
import { splits } from "./data-shape.js";
import type { Context } from "./program.js";
import { formatJson } from "./report/json.js";
import { type Replaceable, writeFolder } from "./staged-folder.js";

/** The array of a phantom's file that holds the true class probabilities, [classes, ...spatial]. */
export const truthKey = "probabilities";

/** A data set of phantoms: cases per split, and what all of them share. */
export interface PhantomData extends Omit<PhantomOptions, "observer"> {
  readonly cases: Readonly<Record<(typeof splits)[number], number>>;
}

/** Shares a number of cases out: an eighth for validation, a quarter for the test, at least one each. */
export function shareOut(count: number): PhantomData["cases"] {
  const val = Math.max(1, Math.round(count / 8));
  const test = Math.max(1, Math.round(count / 4));
  return { train: count - val - test, val, test };
}

/** Writes ROOT/{train,val,test}/*.npz, complete or not at all; the same options give the same bytes. */
export async function writePhantoms(
  root: string,
  data: PhantomData,
  { terminal, signal }: Pick<Context, "terminal" | "signal">,
): Promise<void> {
  const { cases, seed, ...options } = data;
  const total = splits.reduce((sum, split) => sum + cases[split], 0);
  let done = 0;
  await writeFolder(root, phantoms, async (staged) => {
    for (const split of splits) {
      const seeds = Random.fromSeed(seed).split(split);
      for (let index = 0; index < cases[split]; index++) {
        if (signal.aborted) throw new Interrupted(`stopped; ${root} was not written`);
        const { image, labels, probabilities, spacing } = generatePhantom({ ...options, seed: seeds.bits() });
        const arrays = {
          image,
          label: tensor("int64", BigInt64Array.from(labels.data, BigInt), labels.dims),
          [truthKey]: probabilities,
          spacing: tensor("float64", Float64Array.from(spacing), [spacing.length]),
        };
        await writeNpz(join(staged, split, `${split}_${String(index).padStart(3, "0")}.npz`), arrays);
        terminal.progress({ label: "phantoms", done: ++done, total });
      }
    }
    await writeFileAtomic(join(staged, marker), formatJson(data));
  });
  terminal.clear();
}

/** Says what a generated data set is, so that no other is ever replaced by one. */
const marker = "phantoms.json";
const phantoms: Replaceable = { what: "generated phantoms", matches: (names) => names.includes(marker) };
