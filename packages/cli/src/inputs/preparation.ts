import { InvalidArgumentError } from "@pixelcal/core";
import { OnnxFile } from "@pixelcal/graph";
import {
  type FileDataset,
  measureNormalization,
  type Preparation,
  PreparationError,
  preparationOf,
  type TrainConfig,
} from "@pixelcal/train";
import { CommandError } from "../command-error.js";
import type { Terminal } from "../terminal.js";
import type { Network } from "./network.js";

/**
 * Returns how a run prepares its images: as its configuration says, with the numbers of `train`, the training
 * split as stored; else as the ONNX file does that it trains further; else not at all.
 */
export async function preparationFor(
  { preparation, model }: TrainConfig,
  network: Network,
  train: () => Promise<FileDataset>,
): Promise<Preparation | undefined> {
  if (preparation === undefined) return "onnx" in model ? carriedPreparation(model.onnx, network) : undefined;
  const { normalization, ...grid } = preparation;
  try {
    return { ...grid, normalization: await measureNormalization(normalization, await train()) };
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error;
    throw new CommandError(`preparation.${error.message}`, { exitCode: 2, cause: error });
  }
}

/** Returns the preparation that an ONNX file carries; errors name the file. */
export function carriedPreparation(path: string, { model }: Network): Preparation | undefined {
  try {
    return model instanceof OnnxFile ? preparationOf(model) : undefined;
  } catch (error) {
    if (!(error instanceof PreparationError)) throw error;
    throw new CommandError(`${path}: ${error.message}`, { cause: error });
  }
}

/** Values that only Hounsfield units reach both of: air lies at -1000, bone above 200. */
const hounsfield = { air: -500, bone: 200 } as const;

/** Returns whether images hold values of CT as scanned. */
export const isRawCt = ({ least, largest }: FileDataset["values"]): boolean =>
  least <= hounsfield.air && largest >= hounsfield.bone;

/** Warns of images that seem to be CT as scanned and are given to a network without a normalisation. */
export function warnOfRawCt(
  dataset: Pick<FileDataset, "values" | "source">,
  preparation: Preparation | undefined,
  terminal: Terminal,
): void {
  const { least, largest } = dataset.values;
  const normalised = preparation?.normalization.some(({ scheme }) => scheme !== "none") === true;
  if (normalised || !isRawCt(dataset.values)) return;
  terminal.warn(
    `${dataset.source(0)}: values from ${least} to ${largest} seem to be Hounsfield units, which the network gets as they are; ` +
      "preparation: { normalization: ct } normalises them",
  );
}
