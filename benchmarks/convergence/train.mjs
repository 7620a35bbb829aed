// One training of the comparison, from the weights of a seed to the sums of every test case.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fitCalibrator, tensor } from "@pixelcal/core";
import { lossFromConfig } from "@pixelcal/losses";
import {
  adamW,
  checkpointFiles,
  cosine,
  FileDataset,
  fit,
  Loader,
  Trainer,
  unet2d,
  unet3d,
} from "@pixelcal/train";
import { caseRow, columnsOf, fitTemperature } from "./scores.mjs";

/** Rounds to six digits, far beyond what two trainings have in common. */
const rounded = (value) => Number(value.toPrecision(6));

/** Returns a data set's methods alone, so that one can be replaced. */
const view = (dataset) => ({
  names: dataset.names,
  classes: dataset.classes,
  labelRange: dataset.labelRange,
  channels: dataset.channels,
  rank: dataset.rank,
  read: (index) => dataset.read(index),
  source: (index) => dataset.source(index),
});

/** Returns the first `count` cases of a data set. */
const firstOf = (dataset, count) => ({
  ...view(dataset),
  names: dataset.names.slice(0, count),
});

/**
 * Repeats the cases of a data set `times` times, so that an epoch of few cases has as many batches as any.
 */
const repeated = (dataset, times) => ({
  ...view(dataset),
  names: Array.from({ length: times }, () => dataset.names).flat(),
  read: (index) => dataset.read(index % dataset.names.length),
  source: (index) => dataset.source(index % dataset.names.length),
});

/** Opens the three splits, `cases` of the first. */
export async function openData({ root, classes, cases }) {
  const [train, val, test] = await Promise.all(
    ["train", "val", "test"].map((split) => FileDataset.open(root, split, { classes })),
  );
  return { train: cases === undefined ? view(train) : firstOf(train, cases), val, test };
}

/** Returns logits [1, C, ...] and labels [1, ...] of every case. */
async function logitsOf(trainer, dataset) {
  const found = [];
  for (const [index, name] of dataset.names.entries()) {
    const { image, labels } = await dataset.read(index);
    const logits = await trainer.logits(tensor("float32", image.data, [1, ...image.dims]));
    found.push({ name, logits, labels: { ...labels, dims: [1, ...labels.dims] } });
  }
  return found;
}

/** The calibrator that `calibrated` methods are scored with beside the fitted temperature. */
const calibrator = "distance-temperature";

/** Returns the rows of the test cases as calibrated by a fit to the validation cases. */
async function calibratedRows(validation, cases) {
  const { calibrator: fitted } = await fitCalibrator(calibrator, {
    count: validation.length,
    read: (index) => validation[index],
  });
  const mapped = [];
  for (const one of cases)
    mapped.push({ ...one, logits: await fitted.apply(one.logits, { output: "logits" }) });
  return tableOf(mapped, 1);
}

async function tableOf(cases, temperature) {
  const rows = {};
  for (const { name, logits, labels } of cases)
    rows[name] = (await caseRow(logits, labels, temperature)).map(rounded);
  return rows;
}

/** Returns the trainer of one stage, with the weights of a seed. */
function trainerOf({ data, stage, epochs, seed, settings, threads, further }) {
  const { crop, batch, rate, base } = settings;
  const { channels, classes, rank } = data.train;
  return Trainer.create({
    model: (rank === 2 ? unet2d : unet3d)({ channels, classes, base }),
    loss: lossFromConfig(stage.loss),
    optimizer: adamW({ learningRate: rate }),
    schedule: cosine({ epochs }),
    batch: [batch, channels, ...crop],
    seed,
    threads,
    ...further,
  });
}

/**
 * Returns the calibrated rows of a run that was stored without them, from its checkpoint in `folder`.
 */
export async function calibrateRun({ data, method, seed, settings, threads, folder }) {
  const { loss, stages = [{ until: 1, loss }], trainer: further = {} } = method;
  const trainer = await trainerOf({
    data,
    stage: stages.at(-1),
    epochs: 1,
    seed,
    settings,
    threads,
    further,
  });
  await trainer.restore(join(folder, checkpointFiles.best));
  const rows = await calibratedRows(await logitsOf(trainer, data.val), await logitsOf(trainer, data.test));
  await trainer.close();
  return rows;
}

/**
 * Trains a method for `steps` steps with the weights, batches and windows of a seed, goes back to the epoch
 * of the lowest validation NLL, and returns the result to be stored. `stages` name losses that follow one
 * another, each until a share of the epochs; `trainer` holds further options of the trainer.
 */
export async function trainAndScore({ data, method, seed, settings, threads, folder, onEpoch }) {
  const { crop, batch, steps } = settings;
  const { loss, stages = [{ until: 1, loss }], trainer: further = {}, scaled, calibrated } = method;
  const { classes } = data.train;
  // An epoch is some 140 windows, after which the validation split is looked at.
  const train = repeated(data.train, Math.max(1, Math.round(140 / data.train.names.length)));
  const perEpoch = Math.ceil(train.names.length / batch);
  const epochs = Math.ceil(steps / perEpoch);
  const last = join(folder, checkpointFiles.last);
  const begun = performance.now();
  let [trainer, result] = [];
  for (const stage of stages) {
    await trainer?.close();
    trainer = await trainerOf({ data, stage, epochs, seed, settings, threads, further });
    const current = trainer;
    const cached = { targets: (items) => current.targets(items), targetCacheBytes: 2 ** 30 };
    const loader = new Loader(train, {
      batchSize: batch,
      shuffle: true,
      seed,
      remainder: "wrap",
      augment: { flips: crop.map((_, axis) => axis) },
      patches: { size: crop },
      ...cached,
    });
    result = await fit(trainer, {
      train: loader,
      validation: new Loader(data.val, { batchSize: 1, ...cached }),
      epochs: Math.round(stage.until * epochs),
      selection: "nll",
      folder,
      resume: existsSync(last),
      onEpoch,
    });
  }
  const { history, bestEpoch } = result;
  const seconds = Math.round((performance.now() - begun) / 1000);
  await trainer.restore(join(folder, checkpointFiles.best));
  const validation = await logitsOf(trainer, data.val);
  const temperature = fitTemperature(validation);
  const cases = await logitsOf(trainer, data.test);
  const rows = await tableOf(cases, 1);
  const scaledRows = scaled ? await tableOf(cases, temperature) : undefined;
  await trainer.close();
  return {
    ...(method.stages ? { stages } : { loss }),
    ...(method.trainer && { trainer: further }),
    seed,
    settings,
    threads,
    seconds,
    bestEpoch,
    validationNll: history.map(({ validationNll }) => rounded(validationNll)),
    temperature: rounded(temperature),
    columns: columnsOf(classes).join(),
    rows,
    ...(scaledRows && { scaledRows }),
    ...(calibrated && { calibratedRows: await calibratedRows(validation, cases) }),
  };
}
