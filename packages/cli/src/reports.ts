import type { RunReport } from "@pixelcal/evaluate";
import type { ModelReport } from "@pixelcal/train";

// The objects that `--json` prints, one for each command. NaN is null and infinities are "inf" and "-inf".

/** The report of `pixelcal train`. */
export interface TrainReport {
  readonly command: "train";
  readonly run: string;
  readonly folder: string;
  readonly epochs: number;
  readonly bestEpoch: number;
  readonly stoppedEarly: boolean;
  /** The scores of the best epoch on the validation split. */
  readonly validation: { readonly loss: number; readonly dice: number; readonly nll: number };
  readonly parameters: number;
  /** The number of trained parameters among them. */
  readonly trained: number;
  readonly seconds: number;
  readonly model: string;
  readonly checkpoint: string;
}

/** The report of `pixelcal infer`. */
export interface InferReport {
  readonly command: "infer";
  readonly folder: string;
  readonly split: string;
  /** The names of the predicted cases. */
  readonly cases: readonly string[];
}

/** The report of `pixelcal evaluate`: what the JSON file holds, and the files. */
export interface EvaluateReport {
  readonly command: "evaluate";
  readonly files: { readonly csv: string; readonly json: string };
  readonly settings: Readonly<Record<string, unknown>>;
  /** The differences between the runs' cases, a sentence each; empty where all have the same. */
  readonly differences: readonly string[];
  readonly runs: readonly RunReport[];
}

/** The report of `pixelcal check`. */
export interface CheckReport extends ModelReport {
  readonly command: "check";
  readonly model: string;
  /** The size of the file in bytes. */
  readonly bytes: number;
}

/** The report of `pixelcal phantom`. */
export interface PhantomReport {
  readonly command: "phantom";
  readonly root: string;
  readonly cases: { readonly train: number; readonly val: number; readonly test: number };
  readonly seed: number;
  /** The name of the array that holds the true class probabilities. */
  readonly truth: string;
}

/** The report of `pixelcal demo`. */
export interface DemoReport {
  readonly command: "demo";
  readonly out: string;
  readonly seconds: number;
  readonly files: { readonly csv: string; readonly json: string };
  readonly settings: Readonly<Record<string, unknown>>;
  readonly runs: readonly RunReport[];
}

/** The object that a command prints with `--json`. */
export type Report = CheckReport | DemoReport | EvaluateReport | InferReport | PhantomReport | TrainReport;
