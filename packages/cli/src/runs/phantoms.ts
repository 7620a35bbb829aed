import { join } from "node:path";
import { formatJson } from "@pixelcal/evaluate";
import { writeFileAtomic } from "@pixelcal/io";
import { type WritePhantomsOptions, writePhantoms } from "@pixelcal/phantom";
import { Interrupted } from "../command-error.js";
import type { Context } from "../context.js";
import { type Replaceable, writeFolder } from "../replace-folder.js";

/** A data set of phantoms: cases per split, and the options that all of them share. */
export type PhantomData = Omit<WritePhantomsOptions, "onCase">;

/** Splits a number of cases: an eighth for validation, a quarter for the test, at least one each. */
export function shareOut(count: number): PhantomData["cases"] {
  const val = Math.max(1, Math.round(count / 8));
  const test = Math.max(1, Math.round(count / 4));
  return { train: count - val - test, val, test };
}

/** Writes ROOT/{train,val,test}/*.npz, completely or not at all; the same options give the same bytes. */
export async function writePhantomData(
  root: string,
  data: PhantomData,
  { terminal, signal }: Pick<Context, "terminal" | "signal">,
): Promise<void> {
  await writeFolder(root, phantoms, async (staged) => {
    await writePhantoms(staged, {
      ...data,
      onCase(done, total) {
        if (signal.aborted) throw new Interrupted(`stopped; ${root} was not written`);
        terminal.progress({ label: "phantoms", done, total });
      },
    });
    await writeFileAtomic(join(staged, marker), formatJson(data));
  });
  terminal.clear();
}

/** The file that marks a generated data set, so that no other data set is ever replaced by one. */
const marker = "phantoms.json";
const phantoms: Replaceable = { what: "generated phantoms", matches: (names) => names.includes(marker) };
