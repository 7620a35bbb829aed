import { basename, join } from "node:path";
import { nnunetSummary, nnunetSummaryCases } from "@pixelcal/evaluate";
import { listFolder, writeFileAtomic } from "@pixelcal/io";
import { CommandError, Interrupted } from "../command-error.js";
import type { Context } from "../context.js";
import { type NnunetOptions, type NnunetRun, nnunetRun } from "./run-sources.js";

/**
 * Opens the nnU-Net predictions of one run, a folder with files, or of the runs in its subfolders, and prints
 * what was recognised.
 */
export async function openNnunetRuns(
  predictions: string,
  options: NnunetOptions,
  { terminal }: Pick<Context, "terminal">,
): Promise<readonly NnunetRun[]> {
  const { files, folders } = await listFolder(predictions);
  const paths = files.length > 0 ? [predictions] : folders.map((name) => join(predictions, name));
  if (paths.length === 0)
    throw new CommandError(`${predictions}: expected predictions, or a folder of them per run`);
  const runs: NnunetRun[] = [];
  for (const path of paths) runs.push(await nnunetRun(path, options));
  for (const { run, layout } of runs) terminal.line(`${run}: ${layout}`);
  return runs;
}

/** Throws unless a summary can be written: nnU-Net's holds one run. */
export function checkOneRun(runs: readonly NnunetRun[]): NnunetRun {
  const [run, ...others] = runs;
  if (run && others.length === 0) return run;
  const what = run ? `got ${runs.map((each) => each.run).join(", ")}` : "which --labels describes";
  throw new CommandError(`--write nnunet: expected one run of nnU-Net predictions, ${what}`, { exitCode: 2 });
}

/** Writes nnU-Net's own summary.json from the label maps of a run. */
export async function writeNnunetSummary(
  { folder, cases }: NnunetRun,
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
