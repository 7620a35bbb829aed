import type { CalibratorJson } from "@pixelcal/core";
import type { RunReport } from "@pixelcal/evaluate";
import type { ModelReport, TrainDevice } from "@pixelcal/train";
import type { NamedComparison } from "./runs/statistics.js";

// The objects that `--json` prints, one for each command. NaN is null and infinities are "inf" and "-inf".

/** A short training of `pixelcal train --tune`. */
export interface TuningTrial {
  readonly dice: number;
  readonly scale: number;
  readonly epochs: number;
  /** The NLL of the validation labels at the best epoch; null where the loss was not finite. */
  readonly nll: number | null;
}

/** The training of one network. */
export interface NetworkReport {
  readonly folder: string;
  readonly epochs: number;
  readonly bestEpoch: number;
  readonly stoppedEarly: boolean;
  /** The scores of the best epoch on the validation split, and the temperature that its labels ask for. */
  readonly validation: {
    readonly loss: number;
    readonly dice: number;
    readonly nll: number;
    readonly temperature: number;
  };
  readonly parameters: number;
  /** The number of trained parameters among them. */
  readonly trained: number;
  readonly seconds: number;
  readonly model: string;
  readonly checkpoint: string;
}

/**
 * The report of `pixelcal train`. For a run of several networks it holds the scores of their mean, which has
 * no loss, epochs or checkpoint of its own, and beside them each network's report.
 */
export interface TrainReport
  extends Omit<NetworkReport, "bestEpoch" | "checkpoint" | "epochs" | "stoppedEarly" | "validation">,
    Partial<Pick<NetworkReport, "bestEpoch" | "checkpoint" | "epochs" | "stoppedEarly">> {
  readonly command: "train";
  readonly run: string;
  readonly validation: Omit<NetworkReport["validation"], "loss"> & { readonly loss?: number };
  readonly members?: readonly NetworkReport[];
  /** The options that `--tune` chose, and the short trainings that it chose them by. */
  readonly tuning?: {
    readonly chosen: { readonly dice: number; readonly scale: number };
    readonly trials: readonly TuningTrial[];
  };
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
  readonly files: {
    readonly csv: string;
    readonly json: string;
    /** nnU-Net's summary.json, with `--write nnunet`. */
    readonly summary?: string;
  };
  readonly settings: Readonly<Record<string, unknown>>;
  /** The differences between the runs' cases, a sentence each; empty where all have the same. */
  readonly differences: readonly string[];
  readonly runs: readonly RunReport[];
  /** The page, with `--report`. */
  readonly report?: { readonly file: string; readonly bytes: number; readonly pictures: number };
  /** The paired comparisons, with `--against`. */
  readonly comparisons?: readonly NamedComparison[];
}

/** The report of `pixelcal report`: the page that was written. */
interface PageReport {
  readonly command: "report";
  readonly file: string;
  /** The size of the page in bytes. */
  readonly bytes: number;
  /** The number of cases in pictures. */
  readonly pictures: number;
  readonly runs: readonly string[];
  /** The number of cases of either run. */
  readonly cases: number;
}

/** The report of `pixelcal check`. */
export interface CheckReport extends ModelReport {
  readonly command: "check";
  readonly model: string;
  /** The size of the file in bytes. */
  readonly bytes: number;
}

/** A table of calibrators and their scores. */
export interface CalibrationTable {
  readonly columns: readonly { readonly name: string; readonly better: "lower" | "higher" }[];
  readonly rows: readonly {
    readonly method: string;
    /** The scores in the order of the columns. */
    readonly values: readonly number[];
    /** Whether it was chosen. */
    readonly best: boolean;
    /** The mean difference of the cases' first score to that of the best, and its 95 % interval. */
    readonly difference: number;
    readonly interval: readonly [number, number];
    /** Whether it may change labels, so that it is chosen with `--allow-label-changes` only. */
    readonly labelsChanged: boolean;
  }[];
}

/** The report of `pixelcal calibrate`. */
export interface CalibrateReport {
  readonly command: "calibrate";
  /** The model, or the folder of predictions, that was calibrated. */
  readonly model?: string;
  readonly predictions?: string;
  readonly out: string;
  readonly split?: string;
  /** The output of the model. */
  readonly output?: string;
  /** The share of the predictions' probabilities that were below 1e-7 and count as 1e-7. */
  readonly clipped?: number;
  /** The method that `--method` asked for, and the calibrator that was fitted. */
  readonly requested: string;
  readonly method: string;
  readonly fitOn: string;
  readonly cases: number;
  /** The fingerprint of the cases (SHA-256), as the file records it. */
  readonly data: string;
  /** One fit, or one for each channel that is a sigmoid of its own. */
  readonly fits: readonly {
    readonly method: string;
    readonly keepsLabels: boolean;
    readonly pixels: number;
    /** The mean NLL of the pixels that were fitted. */
    readonly nll: { readonly before: number; readonly after: number };
    readonly calibrator: CalibratorJson;
    /** The comparison by cross-validation, with `--method auto`. */
    readonly table?: CalibrationTable;
    readonly folds?: number;
    readonly groups?: number;
  }[];
  readonly warnings: readonly string[];
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

/** A device, and the reason why it does not work, in one sentence. */
export interface DeviceReport {
  readonly device: TrainDevice;
  readonly problem?: string;
}

/** The report of `pixelcal doctor`. */
export interface DoctorReport {
  readonly command: "doctor";
  /** Whether kernels run on the CPU, and networks too unless onnxruntime is not installed. */
  readonly ok: boolean;
  /** The versions; null for a part that does not load. */
  readonly versions: {
    readonly pixelcal: string;
    readonly node: string;
    readonly napi: string;
    readonly libc: string | null;
    readonly addon: string | null;
    readonly onnxruntime: string | null;
  };
  readonly system: {
    readonly platform: string;
    readonly release: string;
    readonly arch: string;
    /** The path of the Node program. */
    readonly node: string;
  };
  readonly processor: {
    readonly model: string;
    readonly threads: number;
    /** The instruction set that the kernels chose. */
    readonly instructionSet: string | null;
  };
  /** The paths of the addon and of onnxruntime's libraries as loaded. */
  readonly libraries: readonly string[];
  /** The devices of the kernels of `@pixelcal/core`. */
  readonly kernels: readonly DeviceReport[];
  /** The devices of networks. */
  readonly networks: readonly DeviceReport[];
}

/** The report of `pixelcal init`. */
export interface InitReport {
  readonly command: "init";
  readonly config: string;
  readonly root: string;
  readonly dimensions: number;
  readonly channels: number;
  readonly classes: number;
  /** The least and the largest size of the images per axis, in pixels. */
  readonly sizes: { readonly least: readonly number[]; readonly largest: readonly number[] };
  readonly cases: { readonly train: number; readonly val: number; readonly test: number };
  readonly ignore?: number;
}

/** The object that a command prints with `--json`. */
export type Report =
  | CalibrateReport
  | CheckReport
  | DemoReport
  | DoctorReport
  | EvaluateReport
  | InferReport
  | InitReport
  | PageReport
  | PhantomReport
  | TrainReport;
