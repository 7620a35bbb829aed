import { basename, dirname, join, resolve } from "node:path";
import { labelsOfRegions } from "@pixelcal/core";
import { parseRegions } from "@pixelcal/evaluate";
import {
  groupsOf,
  openImageCases,
  readNnunetDataset,
  storedMasks,
  sweepTemporaries,
  temporaryName,
} from "@pixelcal/io";
import { calibrateModel, FileDataset, modelClasses, writeCalibrated } from "@pixelcal/train";
import { CommandError, Interrupted } from "../command-error.js";
import type { Context } from "../context.js";
import { firstImageDims } from "../inputs/data-shape.js";
import { fromFile, naming, readModel } from "../inputs/network.js";
import { carriedPreparation } from "../inputs/preparation.js";
import { readingOf } from "../options.js";
import { version } from "../version.js";
import { writeReport } from "../write-report.js";
import { type CalibrateOptions, settingError } from "./calibrate-options.js";
import { calibrateStored } from "./calibrate-predictions.js";
import { calibrationFacts, describeCalibration } from "./calibration-report.js";

/** Calibrates a model, or predictions of one. */
export async function calibrate(options: CalibrateOptions, context: Context): Promise<void> {
  const { model, fromProbabilities } = options;
  if (model !== undefined) return calibrateFile(options, model, context);
  if (fromProbabilities === undefined)
    throw new CommandError("needs --model or --from-probabilities", { exitCode: 2 });
  return calibrateStored(options, fromProbabilities, context);
}

async function calibrateFile(options: CalibrateOptions, path: string, context: Context): Promise<void> {
  const { terminal, signal } = context;
  const { split, fold, output, tile, out, method, fitOn, radius, sides } = options;
  if (options.data === undefined) throw new CommandError("--model needs --data", { exitCode: 2 });
  const root = resolve(options.data);
  const file = await readModel(path);
  const { dataset: described } = await openImageCases(root, split, fold);
  const known = described === undefined ? undefined : await readNnunetDataset(described);
  const ignore = options.ignore ?? known?.ignore;
  const { device, threads } = options;
  const externalData = dirname(path);
  const regions = options.regions === undefined ? undefined : parseRegions(options.regions);
  const heads = regions?.map(({ labels }) => labels);
  const masks = storedMasks(regions, ignore);
  const [channels, ...size] = await firstImageDims(root, split, { masks, fold });
  if (tile && tile.length !== size.length)
    throw new CommandError(`--tile: expected ${size.length} sizes, got ${tile.join("x")}`, { exitCode: 2 });
  const dims = [1, channels!, ...(tile ?? size)];
  const reading = { ...readingOf(options), externalData };
  const outputs = output === undefined ? {} : { outputs: [output] };
  const classes =
    regions === undefined
      ? naming(path, () => modelClasses(file, dims, { ...reading, ...outputs }))
      : Math.max(2, labelsOfRegions(regions));
  const preparation = carriedPreparation(path, { model: file });
  const reads = { classes, masks, ignore, fold, preparation, cacheBytes: 0 };
  const dataset = await FileDataset.open(root, split, reads);
  terminal.line(`recognised ${dataset.cases.layout}`);
  await sweepTemporaries(dirname(resolve(out)));
  const cache = options.cache ?? join(dirname(out), temporaryName(basename(out)));
  try {
    const calibration = await calibrateModel({
      ...reading,
      model: file,
      dataset,
      cache,
      keepCache: options.cache !== undefined,
      method,
      allowLabelChanges: options.allowLabelChanges,
      fit: { fitOn, sides, ...(radius !== undefined && { radius }) },
      ignore,
      heads,
      tile,
      output,
      device,
      threads,
      signal,
      keepLogits: options.keepLogits,
      version: version(),
      groupOf: await groupsOf(root, dataset.names),
      onProgress: (stage, done, total) => terminal.progress({ label: `calibrate: ${stage}`, done, total }),
    });
    terminal.clear();
    await writeCalibrated(out, calibration.model, externalData);
    const facts = calibrationFacts(calibration, { method, fitOn, cases: dataset.names.length });
    for (const warning of facts.warnings) terminal.warn(warning);
    const report = { command: "calibrate", model: path, out, split, ...facts } as const;
    await writeReport(context, options.json, report, describeCalibration(report));
  } catch (error) {
    if (signal.aborted) throw new Interrupted(`stopped; ${out} was not written`);
    throw settingError(error) ?? fromFile(path, error);
  }
}
