import { basename, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import {
  caseSets,
  type Evaluation,
  formatResults,
  otherLabels,
  type RunCases,
  type RunResult,
  ranked,
  resultsCsv,
  someOf,
  summaryOf,
  withMissingAsWorst,
} from "@pixelcal/evaluate";
import { FormatError, type Lock, LockedError, listFolder, lockBeside, writeFilesAtomic } from "@pixelcal/io";
import { CommandError, Interrupted } from "../command-error.js";
import type { Context } from "../context.js";
import { version } from "../version.js";
import { scoreDealt } from "./dealt-scores.js";
import type { RunSource, ScoreSettings } from "./run-sources.js";

/** The predictions of one run. */
export interface RunFolder {
  readonly run: string;
  readonly path: string;
}

/**
 * Lists prediction folders by run: `folder` itself if it holds predictions, else each of its subfolders.
 * Follows links; a broken link is an error. Calls `warn` for subfolders beside predictions, which are not
 * runs.
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
    throw new FormatError(
      folder,
      undefined,
      "expected predictions (*.npz) or a folder of them per run; those of other tools need --labels FOLDER",
    );
  return folders.map((run) => ({ run, path: join(folder, run) }));
}

/**
 * Scores the predictions of several runs: the best DSC first, runs that lack cases of others or have other
 * labels last. `common` scores only the cases that all runs have with the same labels; `worst` gives cases
 * that a run lacks the worst scores. Nothing is written before all is scored: an error names a file that
 * cannot be scored. The processes of a job share the cases, and the first has the results; undefined in the
 * others.
 */
export async function evaluateRuns(
  runs: readonly RunSource[],
  settings: ScoreSettings,
  { terminal, signal, world }: Pick<Context, "terminal" | "signal" | "world">,
  { common = false, worst = false }: { readonly common?: boolean; readonly worst?: boolean } = {},
): Promise<readonly RunResult[] | undefined> {
  const expected = runs.map(({ run, cases, missing }) => ({ run, cases: [...cases, ...missing] }));
  const { all } = caseSets(expected);
  const scored = common ? commonCases(runs) : undefined;
  const evaluations: {
    readonly run: string;
    readonly region: string;
    readonly lacks: readonly string[];
    readonly evaluation: Evaluation;
  }[] = [];
  for (const source of runs) {
    const { run } = source;
    const cases = scored ?? source.cases;
    const onCase = (done: number): void => {
      if (signal.aborted) throw new Interrupted("stopped; nothing was written");
      terminal.progress({ label: `evaluate ${run}`, done, total: cases.length });
    };
    const own = new Set(source.cases);
    const lacks = all.filter((name) => !own.has(name));
    const found = await scoreDealt({ source, cases }, settings, onCase, world);
    for (const [region, evaluation] of found ?? [])
      evaluations.push({ run: region === "" ? run : `${run} ${region}`, region, lacks, evaluation });
  }
  terminal.clear();
  if ((world?.rank ?? 0) > 0) return undefined;
  const others = otherLabelsOf(evaluations);
  const results = evaluations.map(({ run, region, lacks, evaluation }) => {
    const whole = worst ? withMissingAsWorst(evaluation, lacks) : evaluation;
    return {
      run,
      ...(region === "" ? {} : { region }),
      evaluation: whole,
      missing: worst ? [] : lacks,
      relabelled: others.get(run)!,
    };
  });
  return ranked(common ? sameLabels(results) : results);
}

/** Returns for every row the cases whose labels differ from those of an earlier run in the same region. */
function otherLabelsOf(
  evaluations: readonly { readonly run: string; readonly region: string; readonly evaluation: Evaluation }[],
): ReadonlyMap<string, readonly string[]> {
  const regions = [...new Set(evaluations.map(({ region }) => region))];
  return new Map(
    regions.flatMap((region) => [
      ...otherLabels(
        evaluations
          .filter((each) => each.region === region)
          .map(({ run, evaluation }) => ({ run, cases: evaluation.rows })),
      ),
    ]),
  );
}

/** Returns the runs without the cases whose labels differ between them. */
function sameLabels(results: readonly RunResult[]): readonly RunResult[] {
  const differing = new Set(results.flatMap(({ relabelled }) => relabelled));
  if (differing.size === 0) return results;
  return results.map((result) => {
    const rows = result.evaluation.rows.filter(({ name }) => !differing.has(name));
    if (rows.length === 0)
      throw new CommandError(
        `--common: no case has the same labels in every run: ${someOf([...differing], 5)}`,
      );
    return { ...result, evaluation: summaryOf(rows) };
  });
}

/** Returns the versions of the programs that score. */
export const software = (): Readonly<Record<string, string>> => ({
  pixelcal: version(),
  node: process.versions.node,
});

/**
 * Writes a table as CSV and, with every case, as JSON: both from one evaluation, even if other processes
 * write there.
 */
export async function writeResults(
  results: readonly RunResult[],
  settings: Readonly<Record<string, unknown>>,
  files: { readonly csv: string; readonly json: string },
): Promise<void> {
  const lock = await waitFor(files.csv);
  try {
    await writeFilesAtomic([
      [files.csv, resultsCsv(results)],
      [files.json, formatResults({ software: software(), settings, runs: results })],
    ]);
  } finally {
    await lock.release();
  }
}

/**
 * Waits for a lock: another evaluation writes for milliseconds, so a lock that stays is refused after some
 * seconds.
 */
async function waitFor(path: string): Promise<Lock> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await lockBeside(path);
    } catch (error) {
      if (!(error instanceof LockedError) || attempt === 50) throw error;
      await setTimeout(100);
    }
  }
}

/** Returns the cases that every run has; throws `CommandError` if there are none. */
function commonCases(runs: readonly RunCases[]): readonly string[] {
  const { common } = caseSets(runs);
  if (common.length > 0) return common;
  const held = runs.map(({ run, cases }) => `${run} has ${someOf(cases, 3)}`);
  throw new CommandError(`--common: no case is in every run: ${held.join("; ")}`);
}
