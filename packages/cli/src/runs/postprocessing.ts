import { readFile } from "node:fs/promises";
import type { Region } from "@pixelcal/core";
import { formatJson } from "@pixelcal/evaluate";
import { errorCode, FormatError, haveMasks, writeFileAtomic } from "@pixelcal/io";
import {
  choosePostprocessing,
  type FileDataset,
  type Postprocessing,
  type PostprocessingDice,
  type RegionHeads,
} from "@pixelcal/train";
import { CommandError } from "../command-error.js";

/** Throws `CommandError` unless an option about label maps has some: of volumes, without masks. */
export function checkLabelMaps(
  option: string,
  dataset: Pick<FileDataset, "cases">,
  heads: RegionHeads | undefined,
): void {
  if (dataset.cases.ending === undefined)
    throw new CommandError(`${option}: needs images that are volumes; .npz predictions hold no label maps`, {
      exitCode: 2,
    });
  if (haveMasks(heads?.regions))
    throw new CommandError(`${option}: is for label maps; masks of regions keep every component`, {
      exitCode: 2,
    });
}

/** Returns the labels or regions of a network's label maps, each of which may keep its largest component. */
export const partsOf = (classes: number, heads: RegionHeads | undefined): readonly Region[] =>
  heads?.regions ??
  Array.from({ length: classes - 1 }, (_, i) => ({ name: `label ${i + 1}`, labels: [i + 1] }));

/** Chooses the postprocessing by the scores of cases, and records it in a file; returns what it says. */
export async function recordPostprocessing(
  path: string,
  of: { readonly split: string; readonly folds?: readonly number[] | undefined },
  cases: readonly PostprocessingDice[],
  parts: readonly Region[],
): Promise<string> {
  const { keepLargest, parts: scores } = choosePostprocessing(cases, parts);
  await writeFileAtomic(path, formatJson({ ...of, cases: cases.length, keepLargest, parts: scores }));
  const rounded = (dice: number | null): string => dice?.toFixed(4) ?? "undefined";
  const raised = scores.filter(({ before, after }) => before !== after);
  const dice = raised.map(({ name, before, after }) => `${name} ${rounded(before)} to ${rounded(after)}`);
  return `${path}: ${inWords({ keepLargest })}${dice.length > 0 ? `; Dice of ${dice.join(", ")}` : ""}`;
}

/** Says in words what a postprocessing does. */
export const inWords = ({ keepLargest }: Postprocessing): string =>
  keepLargest.length === 0
    ? "every component stays, as none that is removed raises Dice"
    : `only the largest component of ${keepLargest.map((labels) => `labels ${labels.join("+")}`).join(", then of ")} stays`;

/** Reads what `recordPostprocessing` wrote, for label maps of `classes` labels. Throws FormatError. */
export async function readPostprocessing(path: string, classes: number): Promise<Postprocessing> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    if (errorCode(error) !== "ENOENT") throw error;
    throw new CommandError(
      `--postprocessing: ${path}: no such file; infer --split val --determine-postprocessing writes it`,
      { exitCode: 2, cause: error },
    );
  });
  const fail = (what: string, cause?: unknown): never => {
    throw new FormatError(path, "keepLargest", what, { cause });
  };
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    return fail("is not JSON", cause);
  }
  const { keepLargest } = (json ?? {}) as { readonly keepLargest?: unknown };
  const isLabel = (label: unknown): boolean => Number.isInteger(label) && (label as number) >= 0;
  const isSet = (set: unknown): boolean => Array.isArray(set) && set.length > 0 && set.every(isLabel);
  if (!Array.isArray(keepLargest) || !keepLargest.every(isSet)) return fail("expected lists of labels");
  const sets = keepLargest as readonly (readonly number[])[];
  const strange = sets.flat().find((label) => label >= classes);
  if (strange !== undefined)
    return fail(`expected labels below ${classes}, those of the network, got ${strange}`);
  return { keepLargest: sets };
}
