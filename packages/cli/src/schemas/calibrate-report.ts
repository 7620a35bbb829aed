import type { CalibratorJson } from "@pixelcal/core";
import type { CalibrateReport, CalibrationTable } from "../reports.js";
import {
  anyObject,
  array,
  constant,
  count,
  flag,
  integer,
  object,
  oneOf,
  optional,
  real,
  type Schema,
  text,
} from "./schema.js";

type Fit = CalibrateReport["fits"][number];

/** A calibrator as files and reports hold it. */
export const calibratorJson: Schema = object<CalibratorJson>({
  kind: constant("calibrator"),
  version: integer,
  name: text,
  classes: count,
  parameters: anyObject,
  checksum: count,
});

const table = object<CalibrationTable>({
  columns: array(
    object<CalibrationTable["columns"][number]>({ name: text, better: oneOf("lower", "higher") }),
  ),
  rows: array(
    object<CalibrationTable["rows"][number]>({
      method: text,
      values: array(real),
      best: flag,
      difference: real,
      interval: array(real),
      labelsChanged: flag,
    }),
  ),
});

/** The report of `pixelcal calibrate`. */
export const calibrateReport: Schema = object<CalibrateReport>({
  command: constant("calibrate"),
  model: optional(text),
  predictions: optional(text),
  out: text,
  split: optional(text),
  output: optional(text),
  clipped: optional(real),
  requested: text,
  method: text,
  fitOn: text,
  cases: count,
  data: text,
  fits: array(
    object<Fit>({
      method: text,
      keepsLabels: flag,
      pixels: count,
      nll: object<Fit["nll"]>({ before: real, after: real }),
      calibrator: calibratorJson,
      table: optional(table),
      folds: optional(count),
      groups: optional(count),
    }),
  ),
  warnings: array(text),
});
