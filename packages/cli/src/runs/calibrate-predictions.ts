import { resolve } from "node:path";
import { parseRegions, someOf } from "@pixelcal/evaluate";
import { groupsOf } from "@pixelcal/io";
import { calibratePredictions } from "@pixelcal/train";
import { CommandError, Interrupted } from "../command-error.js";
import type { Context } from "../context.js";
import type { LabelPlace } from "../inputs/prediction-types.js";
import { predictionTarget, storedPredictions } from "../inputs/stored-predictions.js";
import { writeFolder } from "../replace-folder.js";
import { writeReport } from "../write-report.js";
import { type CalibrateOptions, settingError } from "./calibrate-options.js";
import { calibrationFacts, describeCalibration } from "./calibration-report.js";
import { maskRegionsIn, predictionFolder } from "./stored-folder.js";

/** Fits a calibrator to stored predictions and writes calibrated ones into another folder. */
export async function calibrateStored(
  options: CalibrateOptions,
  folder: string,
  context: Context,
): Promise<void> {
  const { terminal, signal } = context;
  const { out, method, fitOn, radius, sides, applyTo = folder, ignore } = options;
  if (resolve(out) === resolve(applyTo) || resolve(out) === resolve(folder))
    throw new CommandError("--out: expected another folder than that of the predictions", { exitCode: 2 });
  const place = labelPlace(options);
  const given = options.regions === undefined ? undefined : parseRegions(options.regions);
  const regions = given ?? (place && (await maskRegionsIn(folder)));
  const reading = { regions, ignore };
  const fitted = await storedPredictions(folder, place, reading);
  terminal.line(`${folder}: ${fitted.layout}`);
  const { missing } = fitted;
  if (missing.length > 0) {
    const lacks = `${folder}: no predictions of ${missing.length} cases with labels: ${someOf(missing, 10)}`;
    if (options.missing !== "skip") throw new CommandError(`${lacks}; --missing skip fits to the others`);
    terminal.warn(lacks);
  }
  const target = await predictionTarget(applyTo, place, reading);
  const heads = regions === undefined ? fitted.heads : regions.map((each) => each.labels);
  const groupOf = await groupsOf(folder, fitted.names);
  const stopped = (): Interrupted => new Interrupted(`stopped; ${out} was not written`);
  try {
    const calibration = await calibratePredictions({
      names: fitted.names,
      groups: fitted.names.map((name) => groupOf(name) ?? name),
      read: (name) => fitted.read(name),
      method,
      allowLabelChanges: options.allowLabelChanges,
      fit: { fitOn, sides, ...(radius !== undefined && { radius }) },
      ignore: ignore ?? fitted.ignore,
      heads,
      signal,
      onProgress: (stage, done, total) => terminal.progress({ label: `calibrate: ${stage}`, done, total }),
    });
    await writeFolder(out, predictionFolder, async (staged) => {
      for (const [index, name] of target.names.entries()) {
        if (signal.aborted) throw stopped();
        const probabilities = await target.probabilities(name);
        await target.write(staged, name, await calibration.apply(probabilities, { signal }));
        const progress = { label: "calibrate: write", done: index + 1, total: target.names.length };
        terminal.progress(progress);
      }
    });
    terminal.clear();
    const facts = calibrationFacts(calibration, { method, fitOn, cases: fitted.names.length });
    for (const warning of facts.warnings) terminal.warn(warning);
    const { clipped } = calibration;
    const report = { command: "calibrate", predictions: folder, out, clipped, ...facts } as const;
    await writeReport(context, options.json, report, describeCalibration(report));
  } catch (error) {
    throw signal.aborted ? stopped() : (settingError(error) ?? error);
  }
}

/** Returns the place of the labels, if the predictions hold none. */
function labelPlace({ labels, dataset, spacingFrom, reorient }: CalibrateOptions): LabelPlace | undefined {
  if (labels !== undefined) {
    const given = dataset === undefined ? {} : { dataset: resolve(dataset) };
    return { labels: resolve(labels), ...given, spacingFrom, reorient };
  }
  const needs = Object.entries({ dataset, "spacing-from": spacingFrom, reorient: reorient || undefined });
  const [needing] = needs.filter(([, value]) => value !== undefined);
  if (needing === undefined) return undefined;
  throw new CommandError(`--${needing[0]}: needs --labels, the folder of label maps`, { exitCode: 2 });
}
