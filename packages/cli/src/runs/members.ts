import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { formatJson } from "@pixelcal/evaluate";
import { lockFolder, readRegularFile, removeFolders, sweepTemporaries, writeFileAtomic } from "@pixelcal/io";
import {
  checkpointFiles,
  Loader,
  meanModel,
  Network,
  regionHeads,
  type Scores,
  scoreNetwork,
} from "@pixelcal/train";
import { CommandError } from "../command-error.js";
import { networkOf } from "../inputs/network.js";
import { openValidationSplit } from "../inputs/training-splits.js";
import { memberFolder } from "./member-folders.js";
import { checkNew, removeStale, type TrainOutcome, trainRun } from "./train.js";
import { isBegun, memberCount, runFiles, type TrainRun, tellTakenOver } from "./train-run.js";
import { validationTemperature } from "./validation-temperature.js";

/** The outcome of a run of several networks. */
export interface MembersOutcome
  extends Pick<TrainOutcome, "temperature" | "seconds" | "parameters" | "trained" | "tuning">,
    Pick<Scores, "dice" | "nll"> {
  /** Their own outcomes, in the order of their seeds. */
  readonly members: readonly TrainOutcome[];
}

/** Trains the network of a run, or its networks one after another. */
export const trainNetworks = (run: TrainRun): Promise<TrainOutcome | MembersOutcome> =>
  memberCount(run.config) > 1 ? trainMembers(run) : trainRun(run);

/**
 * Trains the networks of a run, each in a folder of its own, and writes one model.onnx that predicts the mean
 * of their probabilities. A run that was stopped resumes with the network that was being trained. Throws as
 * `trainRun` does.
 */
async function trainMembers(run: TrainRun): Promise<MembersOutcome> {
  const { folder, resume, world } = run;
  if (typeof resume === "string")
    throw new CommandError("--resume: no checkpoint can be named for a run of several networks", {
      exitCode: 2,
    });
  if ((world?.rank ?? 0) > 0) return trainLocked(run);
  const lock = await lockFolder(folder);
  tellTakenOver(run, lock);
  try {
    checkNew(run);
    await sweepTemporaries(folder);
    return await trainLocked(run);
  } finally {
    run.terminal.clear();
    await lock.release();
    const { one, several } = isBegun(folder);
    if (!one && !several) {
      await rm(join(folder, runFiles.config), { force: true });
      await removeFolders([folder]);
    }
  }
}

async function trainLocked(run: TrainRun): Promise<MembersOutcome> {
  const { folder, overwrite, terminal, world } = run;
  const begun = terminal.now();
  const writes = (world?.rank ?? 0) === 0;
  let { config } = run;
  const count = memberCount(config);
  const members: TrainOutcome[] = [];
  for (let number = 1; number <= count; number++) {
    const own = memberFolder(folder, number);
    const { members: _, ...one } = config;
    const resume = !overwrite && existsSync(join(own, checkpointFiles.last));
    const outcome = await trainRun({
      ...run,
      config: { ...one, seed: config.seed + number - 1 },
      folder: own,
      resume,
      overwrite: overwrite === true && number === 1,
      tuned: false,
      member: { number, count },
      label: `${run.label === undefined ? "" : `${run.label} `}network ${number}/${count}`,
      async onReady({ preparation }) {
        if (number > 1) return;
        config = { ...config, ...(preparation && { preparation }) };
        if (!writes) return;
        if (!resume) await removeStale(run, own);
        await writeFileAtomic(join(folder, runFiles.config), formatJson(config));
      },
    });
    members.push(outcome);
  }
  await world?.barrier();
  const files = members.map((__, k) => join(memberFolder(folder, k + 1), runFiles.model));
  const model = meanModel(await Promise.all(files.map((file) => readRegularFile(file))));
  if (writes) await writeFileAtomic(join(folder, runFiles.model), model);
  const scores = await validated({ ...run, config }, model);
  const sumOf = (key: "parameters" | "trained"): number =>
    members.reduce((sum, member) => sum + member[key], 0);
  return {
    ...scores,
    members,
    parameters: sumOf("parameters"),
    trained: sumOf("trained"),
    seconds: (terminal.now() - begun) / 1000,
  };
}

/** Returns the scores of a run's model on its validation split. */
async function validated(
  { config, root, store, world }: TrainRun,
  model: Uint8Array,
): Promise<Pick<MembersOutcome, "dice" | "nll" | "temperature">> {
  const { device, threads } = config;
  const validation = await openValidationSplit(config, await networkOf(config), { root, store });
  const cases = new Loader(validation, { batchSize: 1, cover: config.patches?.size });
  const regions = regionHeads(config.dataset)?.regions;
  const { ignore } = config.dataset;
  const network = new Network({ model, device, threads });
  try {
    const options = { regions, ignore, exchange: world };
    const { classes } = validation;
    return {
      ...(await scoreNetwork(network, cases, { ...options, classes })),
      temperature: await validationTemperature(network, cases, options),
    };
  } finally {
    await network.close();
  }
}
