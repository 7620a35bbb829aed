import { type CalibratorName, InvalidArgumentError } from "@pixelcal/core";
import type { Fold } from "@pixelcal/io";
import { CommandError } from "../command-error.js";
import type { ReadingOptions } from "../options.js";

/** The options of `pixelcal calibrate`. */
export interface CalibrateOptions extends ReadingOptions {
  readonly model?: string;
  readonly data?: string;
  readonly split: string;
  readonly fold?: Fold;
  readonly method: "auto" | CalibratorName;
  readonly fitOn: "all";
  readonly allowLabelChanges: boolean;
  readonly keepLogits: boolean;
  readonly output?: string;
  readonly regions?: string;
  readonly radius?: number;
  readonly sides: "foreground" | "classes";
  readonly ignore?: number;
  readonly tile?: readonly number[];
  readonly fromProbabilities?: string;
  readonly labels?: string;
  readonly dataset?: string;
  readonly spacingFrom?: "sform" | "pixdim";
  readonly reorient: boolean;
  readonly missing: "fail" | "skip";
  readonly applyTo?: string;
  readonly cache?: string;
  readonly out: string;
  readonly threads?: number;
  readonly device?: "cpu" | "webgpu" | "cuda";
  readonly json?: true;
}

/** Arguments that the command line decides, not the model. */
const settings = /^(cases|heads|method): /;

/** Returns the error of a setting that does not fit, in the words of the command line. */
export function settingError(error: unknown): CommandError | undefined {
  if (!(error instanceof InvalidArgumentError) || !settings.test(error.message)) return undefined;
  const message = error.message.replace(
    settings,
    (name) => ({ "heads: ": "--regions: ", "method: ": "--method: " })[name] ?? "",
  );
  return new CommandError(message, { cause: error, exitCode: 2 });
}
