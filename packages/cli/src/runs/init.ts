import { writeFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { errorCode, writeError } from "@pixelcal/io";
import { stringify } from "yaml";
import { CommandError } from "../command-error.js";
import type { Context } from "../context.js";
import {
  checkLabelNumbers,
  classCount,
  type DataShape,
  describeData,
  voidLabel,
} from "../inputs/data-shape.js";
import { isRawCt } from "../inputs/preparation.js";
import { writeReport } from "../write-report.js";

/** The options of `pixelcal init`. */
export interface InitOptions {
  readonly data: string;
  readonly out: string;
  readonly ignore?: number;
  readonly json?: true;
}

/** The least size of an image along an axis that a U-Net takes. */
const smallest = 8;

/** Reads every case of a data set and writes a configuration that trains on it. */
export async function init({ data, out, ignore: given, json }: InitOptions, context: Context): Promise<void> {
  const found = await describeData(data, given);
  if (given === undefined) checkLabelNumbers(data, found.labels);
  const ignore = given ?? voidLabel(found.labels);
  const shape = { ...found, classes: classCount(found.labels.filter((label) => label !== ignore)) };
  const { rank, channels, classes, sizes, cases } = shape;
  if (Math.min(...sizes.least) < smallest) {
    const size = sizes.least.join(" x ");
    throw new CommandError(
      `${data}: U-Nets take images of at least ${smallest} pixels per axis, found ${size}`,
    );
  }
  // A configuration elsewhere must find the data wherever it is read.
  const root = resolve(dirname(out)) === process.cwd() ? data : resolve(data);
  await writeNew(out, configText(root, shape, ignore));
  const report = {
    command: "init",
    config: out,
    root,
    dimensions: rank,
    channels,
    classes,
    sizes,
    cases,
  } as const;
  const ignored = ignore === undefined ? "" : `, label ${ignore} ignored`;
  await writeReport(
    context,
    json,
    { ...report, ...(ignore !== undefined && { ignore }) },
    `${out}: ${sizesText(shape)}, ${counted(channels, "channel")}, ${classes} classes${ignored}; ` +
      `train with pixelcal train --config ${out}\n`,
  );
}

async function writeNew(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text, { flag: "wx" });
  } catch (error) {
    if (errorCode(error) === "EEXIST")
      throw new CommandError(`${path}: exists already; choose another --out or remove it`);
    throw writeError(path, error);
  }
}

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`;

function sizesText({ sizes: { least, largest } }: DataShape): string {
  const [small, large] = [least.join(" x "), largest.join(" x ")];
  return small === large ? `${small} pixels` : `${small} to ${large} pixels`;
}

function configText(root: string, shape: DataShape, ignore: number | undefined): string {
  const { rank, channels, classes, cases, sizes, values, volumes } = shape;
  const normalization = isRawCt(values) ? "ct" : volumes ? "z-score" : "none";
  const oneSize = sizes.least.every((size, axis) => size === sizes.largest[axis]);
  const batch = oneSize ? Math.min(rank === 2 ? 4 : 2, cases.train) : 1;
  const why = oneSize ? "cases per step" : "cases per step; images of several sizes go one by one";
  const scalar = (value: string): string => stringify(value).trimEnd();
  return `# Written by pixelcal init. The data set has ${cases.train} cases to train, ${cases.val} to validate and ${cases.test} to test,
# of ${sizesText(shape)} and ${counted(channels, "channel")}. docs/configuration.md explains every key.
# For completion in an editor: pixelcal schema > pixelcal.schema.json, and remove the first "#" of the next line.
## yaml-language-server: $schema=pixelcal.schema.json

seed: 42 # decides weights, order and augmentation

loss:
  name: diceCrossEntropy # for the masks; or crossEntropy, signedDistanceCalibration, nacl, svls, ...
finish: # repairs the confidence in the last third of the epochs; without it one loss trains throughout
  loss: { name: signedDistanceCalibration, preset: proper }

dataset:
  root: ${scalar(root)} # holds train, val and test
${
  ignore === undefined
    ? "  # ignore: 255 # label of pixels without a ground truth\n"
    : `  ignore: ${ignore} # label of pixels without a ground truth\n`
}
preparation:
  normalization: ${normalization} # none, z-score, percentile, range or ct (Hounsfield units); travels with the network

model:
  arch: unet${rank}d # or, in place of these four keys, onnx: model.onnx to train your own model further
  in_channels: ${channels}
  num_classes: ${classes} # background included
  base: ${rank === 2 ? 16 : 8} # channels of the first level; twice as many need about four times the time

batch_size: ${batch} # ${why}
epochs: 50
optim:
  lr: 1.0e-3
  weight_decay: 1.0e-2
scheduler:
  type: cosine # or constant
  # warmup: 5 # epochs in which the rate rises
augment:
  # preset: nnunet # turns, scales, blurs and more, as nnU-Net does
  flips: false # true mirrors every axis at random, [0] the first; wrong where left and right differ
  rotations: false # quarter turns at random

selection: nll # the best epoch has the lowest negative log-likelihood; or dice
device: cpu # or webgpu, cuda; pixelcal doctor lists what works
# threads: 2 # processor threads; all by default
`;
}
