import { existsSync } from "node:fs";
import { basename, extname, join, resolve } from "node:path";
import { formatJson } from "@pixelcal/evaluate";
import { type Fold, writeFileAtomic } from "@pixelcal/io";
import { CommandError } from "../command-error.js";
import type { Context } from "../context.js";
import { type Fingerprint, takeFingerprint } from "./fingerprint.js";
import { planText, usualMemory } from "./plan-text.js";

/** The options of `pixelcal prepare`. */
export interface PrepareOptions {
  readonly data: string;
  readonly out: string;
  readonly fold?: Fold;
  /** GiB that a step may take. */
  readonly memory?: number;
  readonly overwrite?: true;
}

/** Reads a data set and writes its plan, a configuration, and its fingerprint; returns the plan's path. */
export async function prepare(
  { data, out, fold, memory, overwrite }: PrepareOptions,
  { terminal }: Pick<Context, "terminal">,
): Promise<string> {
  const root = resolve(data);
  const path = planPath(data, out);
  if (existsSync(path) && !overwrite)
    throw new CommandError(`${path}: exists already; train --config takes it, --overwrite plans anew`);
  const fingerprint = await takeFingerprint(root, fold);
  for (const remark of fingerprint.remarks) terminal.warn(remark);
  const bytes = memory === undefined ? usualMemory : memory * 2 ** 30;
  await writeFileAtomic(join(out, `${planName(data)}.fingerprint.json`), formatJson(fingerprint));
  await writeFileAtomic(path, planText(root, fingerprint, bytes));
  terminal.line(`${path}: ${described(fingerprint)}`);
  return path;
}

/** Returns the plan's name, which the run gets too: that of the folder or of the data list. */
const planName = (data: string): string => basename(resolve(data), extname(data) === ".json" ? ".json" : "");

/** Returns the path of a data set's plan. */
export const planPath = (data: string, out: string): string => join(out, `${planName(data)}.yaml`);

function described({ cases, channels, classes, rank }: Fingerprint): string {
  const { train, val } = cases;
  return `plan for ${train} cases to train, ${val} to validate, ${rank} axes, ${channels} channels, ${classes} classes`;
}
