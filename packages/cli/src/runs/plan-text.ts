import { elementCount } from "@pixelcal/core";
import type { MeasuredPlan, NamedRegion } from "@pixelcal/train";
import { stringify } from "yaml";
import { isRawCt } from "../inputs/preparation.js";
import type { Fingerprint } from "./fingerprint.js";

/** Bytes that a step may take, if nobody says otherwise. */
export const usualMemory: number = 4 * 2 ** 30;

/** The median share of a case's pixels in its box below which those outside of the object do not count. */
const sparse = 0.75;

/** Returns whether most cases are cut to less than three quarters, by nnU-Net's rule. */
function isMostlyEmpty({ sizes, cropped }: Fingerprint): boolean {
  const shares = cropped.map((size, i) => elementCount(size) / elementCount(sizes[i]!)).sort((a, b) => a - b);
  return shares[shares.length >> 1]! < sparse;
}

/** Returns the configuration of a plan for steps of `memory` bytes, as YAML to read and edit. */
export function planText(
  root: string,
  fingerprint: Fingerprint,
  { plan, eighths }: MeasuredPlan,
  memory: number,
): string {
  const { channels, rank, classes, ignore, regions, values, volumes, cases } = fingerprint;
  const { spacing, patch, batch, network, base, stages } = plan;
  const volumetric = rank === 3;
  const budget = memory / 2 ** 30;
  const why =
    eighths === undefined
      ? `less where a step would take more than ${budget} GiB (estimated)`
      : `or what a step has room for: it took about ${Number(((eighths * budget) / 8).toPrecision(2))} of ${budget} GiB (measured)`;
  const zScore = isMostlyEmpty(fingerprint) ? "{ scheme: z-score, nonzero: true }" : "z-score";
  const normalization = isRawCt(values) ? "ct" : volumes ? zScore : "none";
  const scalar = (value: string): string => stringify(value).trimEnd();
  return `# Written by pixelcal prepare from ${cases.train} cases to train and ${cases.val} to validate; edit what does not suit.
# docs/configuration.md explains every key.
seed: 42
members: 1 # networks whose mean is the model: 3 are a little better, for three times the time
loss: { name: diceCrossEntropy${regions === undefined ? "" : ", includeBackground: false"} }

dataset:
  root: ${scalar(root)}
${ignore === undefined ? "" : `  ignore: ${ignore} # label of pixels without a ground truth\n`}${regions === undefined ? "" : regionLines(regions, fingerprint.regionsClassOrder)}
preparation: # travels with the network
  normalization: ${normalization} # none, z-score, percentile, range or ct
  crop: true # to the box of the pixels that are not 0
${
  spacing === undefined
    ? "  # no spacing: some case has none, so cases keep their pixels\n"
    : `  spacing: ${list(spacing)} # the median, of a very coarse axis the tenth percentile\n`
}
model:
  arch: ${network}${rank}d
  in_channels: ${channels}
  num_classes: ${haveMasks(regions) ? regions!.length + 1 : classes} # background included
  base: ${base}
${stages === undefined ? "" : `  strides: ${list(stages.strides)}\n  kernels: ${list(stages.kernels)}\n`}
patches:
  size: ${list(patch)} # the median size, ${why}
  foreground: 0.33 # share of patches around a pixel of a class
batch_size: ${batch}
epochs: ${volumetric ? volumeEpochs(base, cases.train, batch) : planeEpochs}
optim: { lr: 4.0e-3 }
scheduler: { type: cosine, warmup_steps: 50 }
ema: ${volumetric ? 0.999 : 0.99} # decay of the average of the weights, which is what is kept
${volumetric ? augmentVolumes : augmentPlanes}selection: dice
`;
}

const planeEpochs = 100;
/** The epochs of a training on volumes with 16 channels, and the least updates with any. */
const ofVolumes = { epochs: 60, updates: 1000 } as const;
/** With 32 channels: epochs, fewer where they are more than these updates, but not below the least. */
const ofWide = { epochs: 80, updates: 2800, least: 20 } as const;

/** Returns the epochs of a training on volumes, more than usual where there are few cases. */
function volumeEpochs(base: number, cases: number, batch: number): number {
  const epochsOf = (updates: number): number => Math.ceil((updates * batch) / cases);
  const few = epochsOf(ofVolumes.updates);
  if (base < 32) return Math.max(ofVolumes.epochs, few);
  const { epochs, updates, least } = ofWide;
  return Math.max(least, few, Math.min(epochs, epochsOf(updates)));
}

const list = (numbers: readonly unknown[]): string => JSON.stringify(numbers).replaceAll(",", ", ");

/** Tells whether files hold a mask of each region, which then has no labels. */
const haveMasks = (regions: readonly NamedRegion[] | undefined): boolean =>
  regions !== undefined && regions[0]!.labels === undefined;

/** Returns the lines of regions, which have labels or masks of their own. */
function regionLines(regions: readonly NamedRegion[], order: readonly number[] | undefined): string {
  const lines = regions.map(({ name, labels }) => {
    const quoted = `name: ${JSON.stringify(name)}`;
    return `    - { ${labels === undefined ? quoted : `${quoted}, labels: ${list(labels)}`} }\n`;
  });
  const what = haveMasks(regions)
    ? "one a mask of the label arrays, in this order; rename them"
    : "they may overlap";
  const written = "the label that each head writes, later ones over earlier ones";
  const last = order === undefined ? "" : `  regions_class_order: ${list(order)} # ${written}\n`;
  return `  regions: # each has a sigmoid head; ${what}\n${lines.join("")}${last}`;
}

const augmentPlanes = `augment: # turns, scaling, noise, contrast and more, as nnU-Net
  preset: nnunet
  flips: true # mirrors every axis; leave out left and right where they are classes of their own
infer: { flips: true } # predicts the mean over mirror images along the axes of augment.flips
`;

// The bodies in volumes lie alike: mirror images of them are cases that never come, and nnU-Net, which trains
// with them, makes 70 times as many updates.
const augmentVolumes = `augment: # turns, scaling, noise, contrast and more, as nnU-Net but for its mirrors
  preset: nnunet
  flips: false # true mirrors every axis, and takes several times the epochs
`;
