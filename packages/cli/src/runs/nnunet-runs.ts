import { basename, join } from "node:path";
import { holdsCases, type NnunetFolder, nnunetSummary, nnunetSummaryCases } from "@pixelcal/evaluate";
import { listFolder, writeFileAtomic } from "@pixelcal/io";
import { CommandError, Interrupted } from "../command-error.js";
import type { Context } from "../context.js";
import { type LabelledRun, labelledRun, type NnunetOptions } from "./run-sources.js";

/**
 * Opens the predictions of one run, a folder with files or cases, or of the runs in its subfolders, beside
 * their labels, and prints what was recognised.
 */
export async function openLabelledRuns(
  predictions: string,
  options: NnunetOptions,
  { terminal }: Pick<Context, "terminal">,
): Promise<readonly LabelledRun[]> {
  const { files, folders } = await listFolder(predictions);
  const single = files.length > 0 || (await holdsCases(predictions, options.labels));
  const paths = single ? [predictions] : folders.map((name) => join(predictions, name));
  if (paths.length === 0)
    throw new CommandError(`${predictions}: expected predictions, or a folder of them per run`);
  const runs: LabelledRun[] = [];
  for (const path of paths) runs.push(await labelledRun(path, options));
  for (const { run, layout } of runs) terminal.line(`${run}: ${layout}`);
  return runs;
}

/** The label maps that a summary counts. */
interface SummarizedRun {
  readonly folder: NnunetFolder;
  readonly cases: readonly string[];
}

/** Throws unless a summary can be written: nnU-Net's holds one run. */
export function checkOneRun(runs: readonly LabelledRun[]): SummarizedRun {
  const [run, ...others] = runs;
  if (run?.folder && others.length === 0) return { folder: run.folder, cases: run.cases };
  const what = run ? `got ${runs.map((each) => each.run).join(", ")}` : "which --labels describes";
  throw new CommandError(`--write nnunet: expected one run of nnU-Net predictions, ${what}`, { exitCode: 2 });
}

/** Writes nnU-Net's own summary.json from the label maps of a run. */
export async function writeNnunetSummary(
  { folder, cases }: SummarizedRun,
  path: string,
  { terminal, signal }: Pick<Context, "terminal" | "signal">,
): Promise<void> {
  const counted = [];
  for await (const item of nnunetSummaryCases(folder, cases)) {
    if (signal.aborted) throw new Interrupted("stopped; nothing was written");
    counted.push(item);
    terminal.progress({ label: basename(path), done: counted.length, total: cases.length });
  }
  terminal.clear();
  await writeFileAtomic(path, nnunetSummary(counted, folder.dataset));
}
