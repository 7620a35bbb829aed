import { existsSync } from "node:fs";
import { join } from "node:path";
import { formatJson } from "@pixelcal/evaluate";
import { FormatError, readRegularFileSync } from "@pixelcal/io";
import { checkpointFiles, DamagedCheckpointError, type TrainConfig } from "@pixelcal/train";
import { CommandError } from "../command-error.js";
import { largestConfig } from "../inputs/config-file.js";
import type { Terminal } from "../terminal.js";
import { leafDifferences } from "./leaf-differences.js";
import { runFiles, type TrainRun } from "./train-run.js";

/**
 * Returns the checkpoint to continue from, if any; warns if the configuration has changed since. Throws
 * `CommandError` for other regions: its heads would be trained to mean something else.
 */
export function resumeFrom({ folder, config, terminal, resume }: TrainRun): string | undefined {
  if (typeof resume === "string" && !existsSync(resume))
    throw new CommandError(`--resume: ${resume}: no such checkpoint`);
  const path = typeof resume === "string" ? resume : join(folder, checkpointFiles.last);
  if (!resume) return undefined;
  if (!existsSync(path)) {
    terminal.line(`${folder} holds no ${checkpointFiles.last}: starting from the beginning`);
    return undefined;
  }
  const begun = join(folder, runFiles.config);
  if (!existsSync(begun)) return path;
  const before = readJson(begun);
  const [were, are] = [before as Begun, config].map(labelsOfHeads);
  if (were !== are)
    throw new CommandError(
      `dataset.regions: the run was begun with ${were}, got ${are}; --resume needs the same, --overwrite starts over`,
      { exitCode: 2 },
    );
  warnOfDifferences(terminal, before, config);
  return path;
}

/** A configuration as a file holds it, which need not be whole. */
type Begun = { readonly dataset?: Pick<TrainConfig["dataset"], "regions"> } | null;

/** Describes what the heads of a run's network mean, but for their names. */
function labelsOfHeads(config: Begun): string {
  const regions = config?.dataset?.regions;
  if (regions === undefined) return "none";
  if (regions.some(({ labels }) => labels === undefined)) return `${regions.length} masks`;
  return `the labels ${regions.map(({ labels }) => `[${labels!.join(", ")}]`).join(", ")}`;
}

/** Warns of every value in which a configuration differs from the one that a run was begun with. */
export function warnOfDifferences(terminal: Terminal, before: unknown, config: TrainConfig): void {
  for (const { path, ...value } of leafDifferences(before, JSON.parse(formatJson(config))))
    terminal.warn(
      `the run was begun with another configuration: ${path} was ${value.before}, is ${value.after}`,
    );
}

/** Reads a JSON file of a run's folder. */
export function readJson(path: string): unknown {
  const text = Buffer.from(readRegularFileSync(path, { maxFile: largestConfig })).toString("utf8");
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new FormatError(
      path,
      undefined,
      "is not JSON; remove it to resume without comparing configurations",
      {
        cause: error,
      },
    );
  }
}

/** Reads a checkpoint by `read`; the error of a damaged one names another to continue from, and how. */
export async function orAdvise<T>({ folder }: TrainRun, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof DamagedCheckpointError)) throw error;
    const [other] = error.intact;
    const advice =
      other === undefined
        ? `no other checkpoint of ${folder} is intact; --overwrite starts over`
        : `continue with --resume ${other.path}`;
    throw new CommandError(`${error.message}; ${advice}`, { cause: error });
  }
}
