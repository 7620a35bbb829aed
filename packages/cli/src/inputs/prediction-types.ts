import type { Tensor } from "@pixelcal/core";
import type { NnunetReading } from "@pixelcal/evaluate";
import type { LabelledPrediction } from "@pixelcal/train";
import { CommandError } from "../command-error.js";

/** Predictions of one layout, to calibrate. */
export interface PredictionTarget {
  readonly names: readonly string[];
  /** Reads the probabilities [C, ...spatial] of a case. */
  probabilities(name: string): Promise<Tensor<"float32">>;
  /** Writes a case with other probabilities into a folder, as the layout stores it. */
  write(folder: string, name: string, probabilities: Tensor<"float32">): Promise<void>;
}

/** Predictions of one layout beside their labels, to fit to. */
export interface StoredPredictions {
  /** The layout in words. */
  readonly layout: string;
  /** The cases with labels and a prediction. */
  readonly names: readonly string[];
  /** The cases with labels but without a prediction. */
  readonly missing: readonly string[];
  readonly ignore?: number;
  /** The labels of each channel, where channels are sigmoids of their own. */
  readonly heads?: readonly (readonly number[])[];
  read(name: string): Promise<LabelledPrediction>;
}

/** The place of labels that predictions do not hold themselves, and how label maps are read. */
export interface LabelPlace extends NnunetReading {
  readonly labels: string;
  /** The path of nnU-Net's dataset.json; by default it is looked for in and above both folders. */
  readonly dataset?: string;
}

/** Returns the error of predictions that are label maps alone. */
export const hardLabels = (run: string): CommandError =>
  new CommandError(
    `${run}: holds label maps without probabilities, which have no calibration; nnU-Net writes them with --save_probabilities, infer without --save labels`,
  );
