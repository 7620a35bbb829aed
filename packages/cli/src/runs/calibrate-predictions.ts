import { resolve } from "node:path";
import { parseRegions } from "@pixelcal/evaluate";
import { calibratePredictions } from "@pixelcal/train";
import { CommandError, Interrupted } from "../command-error.js";
import type { Context } from "../context.js";
import { groupsOf } from "../inputs/case-groups.js";
import { nnunetPredictions, ownPredictions, type StoredPredictions } from "../inputs/stored-predictions.js";
import { type Replaceable, writeFolder } from "../replace-folder.js";
import { writeReport } from "../write-report.js";
import { type CalibrateOptions, settingError } from "./calibrate-options.js";
import { calibrationFacts, describeCalibration } from "./calibration-report.js";

/** Fits a calibrator to stored predictions and writes calibrated ones into another folder. */
export async function calibrateStored(
  options: CalibrateOptions,
  folder: string,
  context: Context,
): Promise<void> {
  const { terminal, signal } = context;
  const { out, method, fitOn, radius, sides, labels, applyTo = folder, regions } = options;
  if (resolve(out) === resolve(applyTo) || resolve(out) === resolve(folder))
    throw new CommandError("--out: expected another folder than that of the predictions", { exitCode: 2 });
  const open = (path: string): Promise<StoredPredictions> =>
    labels === undefined ? ownPredictions(path) : nnunetPredictions(path, labels);
  const fitted = await open(folder);
  const target = applyTo === folder ? fitted : await open(applyTo);
  terminal.line(`${folder}: ${fitted.layout}`);
  const heads = regions === undefined ? fitted.heads : parseRegions(regions).map((each) => each.labels);
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
      ignore: options.ignore ?? fitted.ignore,
      heads,
      signal,
      onProgress: (stage, done, total) => terminal.progress({ label: `calibrate: ${stage}`, done, total }),
    });
    await writeFolder(out, predictions, async (staged) => {
      for (const [index, name] of target.names.entries()) {
        if (signal.aborted) throw stopped();
        const { probabilities } = await target.read(name);
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

const predictions: Replaceable = {
  what: "predictions",
  matches: (names) => names.length > 0 && names.every((name) => name.endsWith(".npz")),
};
