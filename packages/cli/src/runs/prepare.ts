import { existsSync } from "node:fs";
import { basename, extname, join, resolve } from "node:path";
import { formatJson } from "@pixelcal/evaluate";
import { type Fold, writeFileAtomic } from "@pixelcal/io";
import {
  type MeasuredPlan,
  measuredPlan,
  measureStep,
  networkFor,
  type Plan,
  type PlannedCases,
  type PlannedNetwork,
  planFor,
  StepMemoryError,
  type TrainConfig,
  usualCacheBytes,
} from "@pixelcal/train";
import { parse } from "yaml";
import { CommandError } from "../command-error.js";
import type { Context } from "../context.js";
import { readConfig } from "../inputs/config-file.js";
import { networkOf } from "../inputs/network.js";
import { openTrainingSplits, type SplitsPlace } from "../inputs/training-splits.js";
import { type DataRead, type Fingerprint, readData } from "./fingerprint.js";
import { planText, usualMemory } from "./plan-text.js";

/** The options of `pixelcal prepare`. */
export interface PrepareOptions {
  readonly data: string;
  readonly out: string;
  readonly fold?: Fold;
  /** GiB that a step may take. */
  readonly memory?: number;
  /** Whether steps of the plan are trained to measure their memory; true by default. */
  readonly measure?: boolean;
  readonly overwrite?: true;
}

/** A plan that was written, and what was read for it. */
export interface WrittenPlan {
  readonly path: string;
  readonly data: DataRead;
}

/** Reads a data set and writes its plan, a configuration, and its fingerprint. */
export async function prepare(
  { data, out, fold, memory, measure = true, overwrite }: PrepareOptions,
  { terminal }: Pick<Context, "terminal">,
): Promise<WrittenPlan> {
  const root = resolve(data);
  const path = planPath(data, out);
  if (existsSync(path) && !overwrite)
    throw new CommandError(`${path}: exists already; train --config takes it, --overwrite plans anew`);
  const read = await readData(root, fold);
  const { fingerprint } = read;
  for (const remark of fingerprint.remarks) terminal.warn(remark);
  const bytes = memory === undefined ? usualMemory : memory * 2 ** 30;
  await writeFileAtomic(join(out, `${planName(data)}.fingerprint.json`), formatJson(fingerprint));
  const plan = measure
    ? await planned(root, fingerprint, bytes, terminal)
    : { plan: estimated(fingerprint, bytes) };
  await writeFileAtomic(path, planText(root, fingerprint, plan, bytes));
  terminal.line(`${path}: ${described(fingerprint)}`);
  return { path, data: read };
}

/** Returns the cases and the network that a plan for steps of `memory` bytes is made for. */
function toPlan(
  { cropped, spacings, classes, regions }: Fingerprint,
  memory: number,
): { readonly cases: PlannedCases; readonly network: PlannedNetwork } {
  const cases = { sizes: cropped, spacings };
  return { cases, network: networkFor(cases, regions?.length ?? classes, memory) };
}

const estimated = (fingerprint: Fingerprint, memory: number): Plan => {
  const { cases, network } = toPlan(fingerprint, memory);
  return planFor(cases, { ...network, memory });
};

/** Plans with the measured memory of a step; where none can be measured, by estimate and with a warning. */
async function planned(
  root: string,
  fingerprint: Fingerprint,
  memory: number,
  terminal: Context["terminal"],
): Promise<MeasuredPlan> {
  const { cases, network } = toPlan(fingerprint, memory);
  const measure = async (plan: Plan): Promise<number> => {
    const { patch, batch } = plan;
    const size = `${batch} patches of ${patch.join(" x ")}`;
    terminal.line(`measuring a step of ${size}; prepare --no-measure plans without`);
    const config = parse(planText(root, fingerprint, { plan }, memory)) as Record<string, unknown>;
    return measureStep(config, [batch, fingerprint.channels, ...patch]);
  };
  try {
    return await measuredPlan(cases, { ...network, memory }, measure);
  } catch (error) {
    if (!(error instanceof StepMemoryError)) throw error;
    terminal.warn(`no step was measured, the plan is an estimate: ${error.message}`);
    return { plan: estimated(fingerprint, memory) };
  }
}

/**
 * Prepares the cases of a plan as its training does, which puts those that memory does not hold into the
 * store, where the training finds them. Reads nothing where memory holds all.
 */
export async function storeCases(
  { path, data: read }: WrittenPlan,
  {
    data,
    out,
    fold,
    cacheBytes = usualCacheBytes,
  }: Pick<PrepareOptions, "data" | "out" | "fold"> & Pick<SplitsPlace, "cacheBytes">,
  { terminal }: Pick<Context, "terminal">,
): Promise<void> {
  const plan = withNumbers(readConfig(path), read.fingerprint);
  if (read.splitBytes(plan.preparation?.spacing) <= cacheBytes) return;
  const config = { ...plan, dataset: { ...plan.dataset, ...(fold !== undefined && { fold }) } };
  const store = storePath(out);
  const { train, validation } = await openTrainingSplits(config, await networkOf(config), {
    root: resolve(data),
    store,
    cacheBytes,
  });
  const all = train.names.length + validation.names.length;
  const stored = train.stored + validation.stored;
  if (stored > 0) terminal.line(`${store}: ${stored} of ${all} cases, prepared; memory holds the others`);
}

/** Gives a plan for CT the numbers that its training would measure, and that were read for it. */
export function withNumbers({ preparation, ...plan }: TrainConfig, { foreground }: Fingerprint): TrainConfig {
  if (preparation === undefined) return plan;
  const isMeasured = preparation.normalization.every(({ scheme }) => scheme === "ct");
  const normalization = foreground.map(
    ({ low, high, mean, sd }) => ({ scheme: "ct", low, high, mean, sd }) as const,
  );
  // Data without numbers are refused where they are measured.
  const hasNumbers = foreground.length > 0 && foreground.every(({ sd }) => sd > 0);
  return { ...plan, preparation: { ...preparation, ...(isMeasured && hasNumbers && { normalization }) } };
}

/** Returns the folder of the prepared cases that memory does not hold. */
export const storePath = (out: string): string => join(out, "prepared");

/** Returns the plan's name, which the run gets too: that of the folder or of the data list. */
const planName = (data: string): string => basename(resolve(data), extname(data) === ".json" ? ".json" : "");

/** Returns the path of a data set's plan. */
export const planPath = (data: string, out: string): string => join(out, `${planName(data)}.yaml`);

function described({ cases, channels, classes, rank }: Fingerprint): string {
  const { train, val } = cases;
  return `plan for ${train} cases to train, ${val} to validate, ${rank} axes, ${channels} channels, ${classes} classes`;
}
