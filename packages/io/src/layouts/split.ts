import { existsSync } from "node:fs";
import { join } from "node:path";
import { FormatError } from "../errors.js";
import { groupsOf } from "./case-groups.js";
import { readJson } from "./json-file.js";

/** The fold of a cross-validation, counted from 0, or `all`: every case trains and validates. */
export type Fold = number | "all";

/** The cases of a split, and a remark that says how they were chosen. */
export interface ChosenCases<T> {
  readonly cases: readonly T[];
  readonly how: string;
}

/**
 * Returns every fifth case as the validation split, or the others: the same cases on every machine. Where
 * cases belong to a patient, every fifth patient validates with all of them, so that none is on both sides.
 */
export function everyFifth<T>(
  path: string,
  cases: readonly T[],
  split: "train" | "val",
  fold: Fold = 0,
  patientOf: (one: T) => string | undefined = () => undefined,
): ChosenCases<T> {
  if (fold === "all") return { cases, how: " (all cases train and validate)" };
  if (fold > 4)
    throw new FormatError(path, "fold", `expected 0 to 4, as there is no list of folds, got ${fold}`);
  const patients = cases.map((one, i) => patientOf(one) ?? i);
  const order = new Map([...new Set(patients)].map((patient, i) => [patient, i]));
  const what = order.size < cases.length ? "patient" : "case";
  const from =
    fold === 0 ? `every fifth ${what} validates` : `every fifth ${what} from number ${fold} on validates`;
  const chosen = cases.filter((_, i) => (order.get(patients[i]!)! % 5 === fold) === (split === "val"));
  if (chosen.length === 0 && cases.length > 0)
    throw new FormatError(path, "fold", `${order.size} ${what}(s) leave none for ${split} of fold ${fold}`);
  return { cases: chosen, how: ` (${from})` };
}

/**
 * Returns the cases of a fold of `root/splits_final.json`, nnU-Net's list of folds, or of our own split
 * without that file, which knows patients by their cases' `bare` names. Throws FormatError for a fold that
 * the file lacks, and for names without a case.
 */
export async function foldOf(
  root: string,
  all: readonly string[],
  split: "train" | "val",
  fold: Fold = 0,
  bare: (name: string) => string = (name) => name,
): Promise<ChosenCases<string>> {
  const path = join(root, "splits_final.json");
  if (fold === "all" || !existsSync(path)) {
    const patientOf = await groupsOf(root, all.map(bare));
    return everyFifth(root, all, split, fold, (name) => patientOf(bare(name)));
  }
  const folds = (await readJson(path)) as readonly Record<string, unknown>[];
  if (!Array.isArray(folds) || folds.length === 0)
    throw new FormatError(path, split, "expected a list of folds, each with lists of train and val");
  if (fold >= folds.length)
    throw new FormatError(
      path,
      "fold",
      `expected 0 to ${folds.length - 1}, the folds of the file, got ${fold}`,
    );
  const names: unknown = folds[fold]?.[split];
  if (!Array.isArray(names) || names.length === 0)
    throw new FormatError(path, split, "expected a list of folds, each with lists of train and val");
  const stray = names.find((name) => !all.includes(name));
  if (stray !== undefined)
    throw new FormatError(path, split, `names the case ${JSON.stringify(stray)}, which has no image`);
  return { cases: [...(names as string[])].sort(), how: ` (fold ${fold} of splits_final.json)` };
}

/** Returns the split by name; throws FormatError for one that these layouts lack. */
export function knownSplit(path: string, split: string): "train" | "val" | "test" {
  if (split === "train" || split === "val" || split === "test") return split;
  throw new FormatError(path, "split", `expected train, val or test, got ${JSON.stringify(split)}`);
}
