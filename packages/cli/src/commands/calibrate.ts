import { type Command, InvalidArgumentError, Option } from "commander";
import type { Context } from "../context.js";
import {
  datasetOption,
  deviceOption,
  foldOrAll,
  integer,
  jsonOption,
  label,
  readingOptions,
  reorientOption,
  sizes,
  spacingFromOption,
} from "../options.js";
import type { CalibrateOptions } from "../runs/calibrate-options.js";

// Core is loaded by the run: starting up must not wait for it. A test compares these with core's.
export const methods = [
  "auto",
  "none",
  "temperature",
  "distance-temperature",
  "distance-affine",
  "entropy-temperature",
  "image-temperature",
  "vector",
  "matrix",
  "dirichlet",
  "ensemble-temperature",
  "platt",
  "beta",
  "isotonic",
  "histogram",
  "bbq",
  "local-temperature",
  "selective",
] as const;

export function addCalibrate(program: Command, context: Context): void {
  const command = program
    .command("calibrate")
    .description(
      "Fit a calibrator to a model's confidence and write a model, or predictions, with it built in.",
    )
    .addOption(new Option("--model <file>", "ONNX file to calibrate").conflicts("fromProbabilities"))
    .option("--data <root>", "folder of the data set")
    .option("--split <name>", "subfolder of the data set, not trained with", "val")
    .option("--fold <fold>", "fold whose cases of --split are meant, that of the training", foldOrAll)
    .addOption(
      new Option("--method <name>", "calibrator, or auto, which compares them by cross-validation")
        .choices(methods)
        .default("auto"),
    )
    .option(
      "--fit-on <pixels>",
      "pixels to fit to: all, balanced (every class alike) or band:R (nearer than R pixels to a boundary)",
      pixels,
      "all",
    )
    .option("--allow-label-changes", "let auto choose calibrators that change labels", false)
    .option("--keep-logits", "keep the uncalibrated logits as the output NAME_uncalibrated", false)
    .option("--output <name>", "output of the model to calibrate, if it has several")
    .option(
      "--regions <list>",
      'labels of each channel, where every channel is a sigmoid of its own, for example "WT=1+2+3,TC=2+3,ET=3", or brats2021, brats2023, kits23; "WT=mask,TC=mask,ET=mask" where .npz files hold masks',
    )
    .option("--radius <count>", "largest depth of distance methods, in pixels (default: 8)", integer(1))
    .addOption(
      new Option("--sides <sides>", "tables of distance methods: background and foreground, or one a class")
        .choices(["foreground", "classes"])
        .default("foreground"),
    )
    .option("--ignore <label>", "label of pixels that count in nothing", label)
    .option(
      "--tile <sizes>",
      "size of the tiles that the model takes, for example 160x160 (default: whole images)",
      sizes,
    )
    .option("--from-probabilities <folder>", "predictions to fit to and to calibrate, in place of a model")
    .option(
      "--labels <place>",
      "folder of label maps, or a data list that names them, if the predictions hold none: those of nnU-Net or of a MONAI bundle",
    )
    .addOption(datasetOption())
    .addOption(spacingFromOption())
    .addOption(reorientOption())
    .addOption(
      new Option(
        "--missing <policy>",
        "treatment of cases that have labels and no prediction: fail, or skip them",
      )
        .choices(["fail", "skip"])
        .default("fail"),
    )
    .option("--apply-to <folder>", "predictions to calibrate (default: those fitted to)")
    .option("--cache <file>", "new file for the logits, kept afterwards (default: beside --out, deleted)")
    .requiredOption("--out <path>", "calibrated ONNX file, or folder of calibrated predictions")
    .option("--threads <count>", "number of processor threads (default: all)", integer(1))
    .addOption(deviceOption())
    .addOption(jsonOption())
    .action(async (options: CalibrateOptions) =>
      (await import("../runs/calibrate.js")).calibrate(options, context),
    );
  for (const option of readingOptions()) command.addOption(option);
}

const pixels = (text: string): string => {
  if (/^(all|balanced|band:[1-9]\d{0,2})$/.test(text)) return text;
  throw new InvalidArgumentError("Expected all, balanced or band:R, for example band:3.");
};
