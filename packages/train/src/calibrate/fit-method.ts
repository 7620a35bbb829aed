import {
  type CalibrationCases,
  type CalibratorFit,
  type CalibratorName,
  type FitOptions,
  fitCalibrator,
  type SignalOption,
} from "@pixelcal/core";
import { type CalibratorSelection, selectCalibrator } from "./select-calibrator.js";

/** A fit of one calibrator, or the choice among several. */
export type AnyFit = CalibratorFit | CalibratorSelection;

/** The calibrator to fit, or that the best of several is to be found. */
export interface MethodOptions extends SignalOption {
  /** The calibrator, or "auto" (default), which compares them; see {@link selectCalibrator}. */
  readonly method?: "auto" | CalibratorName;
  /** Whether "auto" may choose calibrators that change labels; default false. */
  readonly allowLabelChanges?: boolean;
  /** The pixels that count, and how distance methods see them. */
  readonly fit?: Omit<FitOptions, "signal" | "ignore">;
  /** The label of pixels that count in nothing. */
  readonly ignore?: number;
}

/** Facts about the cases that decide how they are compared. */
export interface FittedCases {
  /** The patient of each case. */
  readonly groups: readonly string[];
  /** The only calibrators that may be used. */
  readonly candidates?: readonly CalibratorName[];
}

/** Fits the calibrator that the options name, or compares them. */
export function fitMethod(
  cases: CalibrationCases,
  { method = "auto", allowLabelChanges = false, fit, ignore, signal }: MethodOptions,
  { groups, candidates }: FittedCases,
): Promise<AnyFit> {
  const options = { ...fit, ...(ignore !== undefined && { ignore }), ...(signal && { signal }) };
  if (method !== "auto") return fitCalibrator(method, cases, options);
  return selectCalibrator(cases, {
    ...options,
    groups,
    allowLabelChanges,
    ...(candidates && { candidates }),
  });
}
