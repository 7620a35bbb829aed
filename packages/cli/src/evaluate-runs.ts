import { basename, join } from "node:path";
import { FormatError, listCases, listFolder, writeFileAtomic } from "@pixelcal/io";
import { type EvaluateOptions, type Evaluation, evaluate, expectedPredictions } from "@pixelcal/train";
import { Interrupted } from "./command-error.js";
import type { Context } from "./program.js";
import { type RunResult, ranked, resultsCsv, resultsJson } from "./report/results.js";

/** One run's predictions. */
export interface RunFolder {
  readonly run: string;
  readonly path: string;
}

/**
 * Lists prediction folders by run: `folder` itself where it holds predictions, else each of its sub-folders. Links are
 * followed, and one that leads nowhere is an error; `warn` hears of sub-folders beside predictions, which are not runs.
 */
export async function predictionFolders(
  folder: string,
  warn: (text: string) => void,
): Promise<readonly RunFolder[]> {
  const { files, folders, others } = await listFolder(folder);
  if (files.some((name) => name.endsWith(".npz"))) {
    if (folders.length > 0)
      warn(`${folder}: scored as one run; its folders are left out: ${someOf(folders, 5)}`);
    return [{ run: basename(folder), path: folder }];
  }
  for (const [name, what] of others) throw new FormatError(join(folder, name), undefined, what);
  if (folders.length === 0)
    throw new FormatError(folder, undefined, "expected predictions (*.npz) or a folder of them per run");
  return folders.map((run) => ({ run, path: join(folder, run) }));
}

/** The first names of a list, and how many follow. */
export function someOf(names: readonly string[], most: number): string {
  const rest = names.length - most;
  return `${names.slice(0, most).join(", ")}${rest > 0 ? ` and ${rest} more` : ""}`;
}

/** Everything that decides a table's numbers. */
export type ScoreSettings = Omit<EvaluateOptions, "onCase" | "cases">;

/** Scores the predictions of several runs, the best DSC first. */
export async function evaluateRuns(
  runs: readonly { run: string; path: string }[],
  settings: ScoreSettings,
  { terminal, signal }: Pick<Context, "terminal" | "signal">,
): Promise<readonly RunResult[]> {
  const results: RunResult[] = [];
  for (const { run, path } of runs) {
    const names = await listCases(path, expectedPredictions);
    let done = 0;
    const onCase = (): void => {
      if (signal.aborted) throw new Interrupted("stopped; nothing was written");
      terminal.progress({ label: `evaluate ${run}`, done: ++done, total: names.length });
    };
    const evaluation: Evaluation = await evaluate(path, { ...settings, cases: names, onCase });
    results.push({ run, evaluation });
  }
  terminal.clear();
  return ranked(results);
}

/** Writes a table as CSV and, with every case, as JSON. */
export async function writeResults(
  results: readonly RunResult[],
  settings: Readonly<Record<string, unknown>>,
  files: { readonly csv: string; readonly json: string },
): Promise<void> {
  await writeFileAtomic(files.csv, resultsCsv(results));
  await writeFileAtomic(files.json, resultsJson(results, settings));
}
