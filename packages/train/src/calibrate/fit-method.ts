import {
  type CalibrationCases,
  type CalibratorFit,
  type CalibratorName,
  type FitOptions,
  fitCalibrator,
  type SignalOption,
} from "@pixelcal/core";

/** A fit of one calibrator, or the choice among several. */
export type AnyFit = CalibratorFit;

/** What is fitted: one calibrator, or the best of several. */
export interface MethodOptions extends SignalOption {
  /** The calibrator; "distance-temperature" by default. */
  readonly method?: CalibratorName;
  /** The pixels that count, and how distance methods see them. */
  readonly fit?: Omit<FitOptions, "signal" | "ignore">;
  /** The label of pixels that count in nothing. */
  readonly ignore?: number;
}

/** Fits the calibrator that the options name. */
export function fitMethod(
  cases: CalibrationCases,
  { method = "distance-temperature", fit, ignore, signal }: MethodOptions,
): Promise<AnyFit> {
  const options = { ...fit, ...(ignore !== undefined && { ignore }), ...(signal && { signal }) };
  return fitCalibrator(method, cases, options);
}
