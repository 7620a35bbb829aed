import { readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { errorCode, FormatError, fileError, readPrediction, writeFileAtomic } from "@pixelcal/io";
import { type EvaluateOptions, type Evaluation, evaluate } from "@pixelcal/train";
import { Interrupted } from "./command-error.js";
import type { Context } from "./program.js";
import { type RunResult, ranked, resultsCsv, resultsJson } from "./report/results.js";

/** Prediction folders by run: `folder` itself where it holds predictions, else each of its sub-folders. */
export async function predictionFolders(folder: string): Promise<readonly { run: string; path: string }[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    const code = errorCode(error);
    if (code === "ENOENT") throw new FormatError(folder, undefined, "no such folder", { cause: error });
    if (code === "ENOTDIR") throw new FormatError(folder, undefined, "expected a folder, found a file");
    throw fileError(folder, error);
  });
  if (entries.some((entry) => entry.isFile() && entry.name.endsWith(".npz"))) {
    return [{ run: basename(folder), path: folder }];
  }
  const runs = entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith("."))
    .map((entry) => entry.name)
    .sort();
  if (runs.length === 0)
    throw new FormatError(folder, undefined, "expected predictions (*.npz) or a folder of them per run");
  return runs.map((run) => ({ run, path: join(folder, run) }));
}

/** Everything that decides a table's numbers. */
export type ScoreSettings = Omit<EvaluateOptions, "onCase" | "classes"> & { readonly classes?: number };

/** Scores the predictions of several runs, the best DSC first. */
export async function evaluateRuns(
  runs: readonly { run: string; path: string }[],
  settings: ScoreSettings,
  { terminal, signal }: Pick<Context, "terminal" | "signal">,
): Promise<readonly RunResult[]> {
  const results: RunResult[] = [];
  for (const { run, path } of runs) {
    const names = (await readdir(path)).filter((name) => name.endsWith(".npz")).sort();
    const classes = settings.classes ?? (await classesOf(path, names));
    let done = 0;
    const onCase = (): void => {
      if (signal.aborted) throw new Interrupted("stopped; nothing was written");
      terminal.progress({ label: `evaluate ${run}`, done: ++done, total: names.length });
    };
    const evaluation: Evaluation = await evaluate(path, { ...settings, classes, onCase });
    results.push({ run, evaluation });
  }
  terminal.clear();
  return ranked(results);
}

async function classesOf(folder: string, names: readonly string[]): Promise<number> {
  const [first] = names;
  if (first === undefined) throw new FormatError(folder, undefined, "holds no predictions (*.npz)");
  return (await readPrediction(join(folder, first))).probs.dims[0]!;
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
