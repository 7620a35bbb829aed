import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { formatJson } from "@pixelcal/evaluate";
import { FormatError, lockFolder, writeFileAtomic } from "@pixelcal/io";
import { checkpointFiles, type LossConfig, type TrainConfig, TrainingAbortedError } from "@pixelcal/train";
import { CommandError, Interrupted } from "../command-error.js";
import type { TuningTrial } from "../reports.js";
import { duration } from "../terminal.js";
import { type MembersOutcome, trainNetworks } from "./members.js";
import { readJson, warnOfDifferences } from "./resume.js";
import { roundsOf, successiveHalving } from "./successive-halving.js";
import { checkNew, type TrainOutcome, trainRun } from "./train.js";
import { isBegun, runFiles, type TrainRun, tellTakenOver } from "./train-run.js";

/** The folder, in that of the run, of short trainings that are not finished. */
const trialsFolder = "tuning";
const dices = [0, 0.1, 0.25, 1];
const scales = [0, 0.35, 0.5, 1];

type Candidate = Pick<TuningTrial, "dice" | "scale">;

type Tuning = NonNullable<TrainOutcome["tuning"]>;

/**
 * Chooses `dice` and `scale` of the loss by the validation labels' NLL in short trainings of the run's seed,
 * then trains the run with them. Options that the configuration gives are kept. Finished short trainings are
 * in tuning.json of the run's folder, so that a run that was stopped resumes with the next.
 */
export async function tuneRun(run: TrainRun): Promise<TrainOutcome | MembersOutcome> {
  const { config, folder, overwrite } = run;
  checkTunable(config);
  const tuning = await searchLocked(run);
  const { dice, scale } = tuning.chosen;
  run.terminal.line(`tuned: dice ${dice}, scale ${scale}`);
  const { one, several } = isBegun(folder);
  const resume = !overwrite && (one || several);
  const chosen = tuned(config, tuning.chosen, config.epochs);
  return { ...(await trainNetworks({ ...run, config: chosen, resume, tuned: true })), tuning };
}

async function searchLocked(run: TrainRun): Promise<Tuning> {
  const { folder, overwrite } = run;
  const lock = await lockFolder(folder);
  tellTakenOver(run, lock);
  try {
    checkNew(run);
    if (overwrite) await removeTuning(folder);
    return await search(run);
  } finally {
    run.terminal.clear();
    await lock.release();
  }
}

const isTunable = ({ name, preset }: LossConfig): boolean =>
  name === "signedDistanceCalibration" && preset === "proper";

/** Returns which of the losses has the options, the last one first. */
function tunedPlace({ finish }: TrainConfig): "loss" | "finish" {
  return finish !== undefined && isTunable(finish.loss) ? "finish" : "loss";
}

/** Throws `CommandError` unless a loss of the configuration is the one that has the options. */
export function checkTunable(config: TrainConfig): void {
  const { loss } = config;
  if (tunedPlace(config) === "finish" || isTunable(loss)) return;
  throw new CommandError(
    `--tune: expected the loss { name: signedDistanceCalibration, preset: proper }, got ${loss.name}` +
      `${loss.preset === undefined ? "" : ` (${loss.preset})`}`,
    { exitCode: 2 },
  );
}

/** Returns the options to choose from: all pairs, of those that the loss does not give. */
export function candidatesOf(loss: Partial<Candidate>): readonly Candidate[] {
  const weights = loss.dice === undefined ? dices : [loss.dice];
  const widths = loss.scale === undefined ? scales : [loss.scale];
  return weights.flatMap((dice) => widths.map((scale) => ({ dice, scale })));
}

async function search(run: TrainRun): Promise<Tuning> {
  const { config, folder, terminal, signal } = run;
  const path = join(folder, runFiles.tuning);
  const trials: TuningTrial[] = [];
  if (run.resume && existsSync(path)) {
    const kept = readJson(path);
    if (!isTuning(kept))
      throw new FormatError(
        path,
        "trials",
        "expected the scores that --tune records; --overwrite starts over",
      );
    warnOfDifferences(terminal, kept.config, config);
    trials.push(...kept.trials);
  }
  const record = (): Promise<void> => writeFileAtomic(path, formatJson({ config, trials }));
  await record();
  const rounds = roundsOf(config.epochs);
  const chosen = await successiveHalving(
    candidatesOf((tunedPlace(config) === "finish" ? config.finish!.loss : config.loss) as Partial<Candidate>),
    rounds,
    async (candidate, epochs) => {
      const same = (trial: TuningTrial): boolean =>
        trial.dice === candidate.dice && trial.scale === candidate.scale && trial.epochs === epochs;
      const known = trials.find(same);
      if (known !== undefined) return scoreOf(known);
      if (signal.aborted) throw new Interrupted(`stopped; ${path} holds what is done, --resume continues`);
      const trial = await trainShortly(run, candidate, epochs);
      trials.push(trial);
      await record();
      return scoreOf(trial);
    },
  );
  if (trials.length > 0 && trials.every(({ nll }) => nll === null))
    throw new CommandError(`${folder}: every short training ended with a loss that is not finite`);
  await rm(join(folder, trialsFolder), { recursive: true, force: true });
  return { chosen, trials };
}

const isTuning = (
  value: unknown,
): value is { readonly config: unknown; readonly trials: readonly TuningTrial[] } =>
  typeof value === "object" &&
  value !== null &&
  "config" in value &&
  "trials" in value &&
  Array.isArray(value.trials) &&
  value.trials.every(
    (trial: Partial<TuningTrial> | null) =>
      [trial?.dice, trial?.scale, trial?.epochs].every((one) => typeof one === "number") &&
      (trial?.nll === null || typeof trial?.nll === "number"),
  );

/** A training whose loss was not finite is worse than any other. */
const scoreOf = ({ nll }: TuningTrial): number => nll ?? Number.POSITIVE_INFINITY;

/** Trains a candidate in a folder of its own, which is removed when its score is known. */
async function trainShortly(run: TrainRun, candidate: Candidate, epochs: number): Promise<TuningTrial> {
  const { folder, terminal } = run;
  const { members: _, ...config } = run.config;
  const { dice, scale } = candidate;
  const own = join(folder, trialsFolder, `dice-${dice}-scale-${scale}-epochs-${epochs}`);
  const label = `dice ${dice}, scale ${scale}`;
  const score = async (): Promise<{ nll: number | null; seconds?: number }> => {
    try {
      const resume = existsSync(join(own, checkpointFiles.last));
      const short = {
        ...run,
        config: tuned(config, candidate, epochs),
        folder: own,
        resume,
        overwrite: false,
      };
      const { history, bestEpoch, seconds } = await trainRun({ ...short, label, logEvery: epochs + 1 });
      return { nll: history[bestEpoch - 1]!.validationNll!, seconds };
    } catch (error) {
      if (error instanceof TrainingAbortedError) return { nll: null };
      throw error;
    }
  };
  const { nll, seconds } = await score();
  const text = nll === null ? "the loss is not finite" : `nll ${nll.toFixed(4)}, ${duration(seconds!)}`;
  terminal.line(`${label}, ${epochs} ${epochs === 1 ? "epoch" : "epochs"}: ${text}`);
  await rm(own, { recursive: true, force: true });
  return { dice, scale, epochs, nll };
}

/** Returns the configuration of a candidate's training of `epochs` epochs. */
function tuned(config: TrainConfig, { dice, scale }: Candidate, epochs: number): TrainConfig {
  const { warmup = 0, ...scheduler } = config.scheduler;
  const rise = Math.floor((warmup * epochs) / config.epochs);
  return {
    ...config,
    ...(tunedPlace(config) === "finish"
      ? { finish: { ...config.finish!, loss: { ...config.finish!.loss, dice, scale } } }
      : { loss: { ...config.loss, dice, scale } }),
    // Two losses need an epoch each.
    epochs: config.finish === undefined ? epochs : Math.max(2, epochs),
    scheduler: { ...scheduler, ...(warmup > 0 && { warmup: rise }) },
    selection: "nll",
  };
}

async function removeTuning(folder: string): Promise<void> {
  await rm(join(folder, runFiles.tuning), { force: true });
  await rm(join(folder, trialsFolder), { recursive: true, force: true });
}
