import {
  type CalibrationCases,
  type CalibratorFit,
  type CalibratorName,
  type CalibratorSelection,
  type FitOptions,
  fitCalibrator,
  type SignalOption,
  selectCalibrator,
} from "@pixelcal/core";

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

/** Fits the calibrator that the options name, or compares several, `known` at most. */
export function fitMethod(
  cases: CalibrationCases,
  { method = "auto", allowLabelChanges = false, fit = {}, ignore, signal }: MethodOptions,
  known?: readonly CalibratorName[],
): Promise<AnyFit> {
  const options = { ...fit, ...(ignore !== undefined && { ignore }), ...(signal && { signal }) };
  if (method !== "auto") return fitCalibrator(method, cases, options);
  const candidates = known?.map((name) => ({ name, floor: false }));
  const { floor: _, ...rest } = options;
  return selectCalibrator(cases, { ...rest, allowLabelChanges, ...(candidates && { candidates }) });
}
