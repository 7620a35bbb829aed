import { elementCount } from "@pixelcal/core";
import { stagesOf } from "../model/stages.js";
import { coarseAxis } from "./prepare-case.js";

/** The cases that a plan is made for: sizes in pixels and spacings, per spatial axis, of the same cases. */
export interface PlannedCases {
  readonly sizes: readonly (readonly number[])[];
  /** Undefined where some case has no spacing: nothing is then resampled. */
  readonly spacings: readonly (readonly number[])[] | undefined;
}

/** The network of a plan: channels of the first level, and classes or regions. */
export interface PlannedNetwork {
  readonly base: number;
  readonly classes: number;
}

/** A plan of the training, by nnU-Net's rules. */
export interface Plan {
  /** The spacing to resample to; undefined where cases have none. */
  readonly spacing?: readonly number[];
  /** The size of patches. */
  readonly patch: readonly number[];
  readonly batch: number;
  /**
   * The network: the authors' U-Net for images; for volumes, of which a batch has two, nnU-Net's plain one,
   * whose norms do not depend on the batch.
   */
  readonly network: "unet" | "plain";
  /** Channels of its first level. */
  readonly base: number;
  /** Strides and kernels of the plain network, where spacings make them others than the patch's size does. */
  readonly stages?: ReturnType<typeof stagesOf>;
}

/**
 * The numbers that a step holds at its peak for each pixel of the batch, per channel of the first level and
 * per class: measured on steps of unet3d, and of plain3d, whose heads on every level cost more a class.
 */
const held = {
  unet: { base: 24, classes: 5 },
  plain: { base: 28, classes: 13 },
} as const;

/** Returns the pixels of a batch whose step fits into some bytes. */
function pixelsWithin(bytes: number, kind: keyof typeof held, { base, classes }: PlannedNetwork): number {
  return bytes / (4 * (held[kind].base * base + held[kind].classes * classes));
}

/** Returns the bytes that a plan's step takes by estimate. */
export const estimatedBytes = ({ network, base, patch, batch }: Plan, classes: number): number =>
  (batch * elementCount(patch)) / pixelsWithin(1, network, { base, classes });

/** Channels of the first level: nnU-Net's, and half of them where those are slow on a few cores. */
const bases = { wide: 32, narrow: 16 } as const;
/** The most pixels of a batch for which nnU-Net's channels are not slow: two patches of 50 pixels a side. */
const quick = 2 ** 18;

/**
 * Returns the network for cases: nnU-Net's 32 channels at the first level where it is the plain one, a batch
 * is small, and `memory` holds the same patches as for 16; else 16.
 */
export function networkFor(cases: PlannedCases, classes: number, memory: number): PlannedNetwork {
  const [wide, narrow] = [bases.wide, bases.narrow].map((base) => planFor(cases, { base, classes, memory }));
  const { network, batch, patch } = narrow!;
  const isWide =
    network === "plain" && batch * elementCount(patch) <= quick && `${wide!.patch}` === `${patch}`;
  return { base: isWide ? bases.wide : bases.narrow, classes };
}

/** The least number of patches in a batch, and the most of planar ones. */
const batches = { least: 2, most: 12 } as const;
/** The largest share of all pixels that a batch may hold, as in nnU-Net. */
const largestShare = 0.05;
/** The divisor of sizes that three halvings take. */
const multiple = 8;

/**
 * Plans spacing, patches and batch for cases, so that a step takes about `memory` bytes. The spacing is the
 * median per axis; on an axis that is three times as coarse as the others and has a third of their pixels, it
 * is the tenth percentile, so that fine cases lose less. The patch begins at the median size and loses pixels
 * of the axis that is largest for its median until a batch of two fits.
 */
export function planFor(
  { sizes, spacings }: PlannedCases,
  { memory, ...network }: PlannedNetwork & { readonly memory: number },
): Plan {
  const axes = sizes[0]!.map((_, axis) => axis);
  const spacing = spacings && targetSpacing(sizes, spacings);
  const resampled = sizes.map((size, i) =>
    spacing === undefined ? size : size.map((n, axis) => (n * spacings![i]![axis]!) / spacing[axis]!),
  );
  const median = axes.map((axis) =>
    Math.round(
      percentile(
        resampled.map((size) => size[axis]!),
        50,
      ),
    ),
  );
  const anisotropic = spacing !== undefined && coarseAxis(spacing) !== undefined;
  // Too small to be halved, patches have no stages; the authors' U-Net takes them, padded.
  const hasStages = stagesOf(median, spacing).strides.length > 0;
  const kind = hasStages && (median.length === 3 || anisotropic) ? "plain" : "unet";
  const budget = pixelsWithin(memory, kind, network);
  const stagesFor = (size: readonly number[]): Plan["stages"] =>
    kind === "plain" ? stagesOf(size, spacing) : undefined;
  let patch = fitted(median, stagesFor(median));
  while (batches.least * elementCount(patch) > budget) {
    // By what its stages halve an axis, else rounding up to that gives the same patch again.
    const steps = divisorsOf(patch.length, stagesFor(patch));
    const shares = patch.map((n, axis) => (n > steps[axis]! ? n / median[axis]! : 0));
    const largest = shares.indexOf(Math.max(...shares));
    if (shares[largest] === 0) break;
    const less = patch.with(largest, patch[largest]! - steps[largest]!);
    const next = fitted(less, stagesFor(less));
    if (elementCount(next) >= elementCount(patch)) break;
    patch = next;
  }
  const pixels = elementCount(patch);
  const total = resampled.reduce((sum, size) => sum + size.reduce((a, b) => a * b, 1), 0);
  const most = patch.length === 2 ? batches.most : batches.least;
  const wanted = Math.floor(Math.min(budget, largestShare * total) / pixels);
  const stages = stagesFor(patch);
  const ofSize = JSON.stringify(stagesOf(patch));
  return {
    ...(spacing && { spacing }),
    patch,
    batch: Math.max(batches.least, Math.min(most, wanted)),
    network: kind,
    base: network.base,
    ...(stages && JSON.stringify(stages) !== ofSize && { stages }),
  };
}

/** Returns the size with every axis a multiple of what its stages halve it by. */
function fitted(size: readonly number[], stages: Plan["stages"]): number[] {
  const divisors = divisorsOf(size.length, stages);
  return size.map((n, axis) => up(n, divisors[axis]!));
}

/** Returns by what stages halve each axis; without stages those of the authors' U-Net. */
const divisorsOf = (rank: number, stages: Plan["stages"]): number[] =>
  Array.from({ length: rank }, (_, axis) =>
    stages === undefined ? multiple : stages.strides.reduce((product, stride) => product * stride[axis]!, 1),
  );

const up = (n: number, to: number): number => Math.max(to, Math.ceil(n / to) * to);

function targetSpacing(
  sizes: readonly (readonly number[])[],
  spacings: readonly (readonly number[])[],
): readonly number[] {
  const of = (all: readonly (readonly number[])[], axis: number, percent: number): number =>
    percentile(
      all.map((each) => each[axis]!),
      percent,
    );
  const axes = sizes[0]!.map((_, axis) => axis);
  // Six digits are more than any scanner's, and hide that files hold spacings in single precision.
  const rounded = (spacing: number): number => Number(spacing.toPrecision(6));
  const target = axes.map((axis) => rounded(of(spacings, axis, 50)));
  const worst = target.indexOf(Math.max(...target));
  const others = axes.filter((axis) => axis !== worst);
  const coarsest = Math.max(...others.map((axis) => target[axis]!));
  const fewest = Math.min(...others.map((axis) => of(sizes, axis, 50)));
  const isAnisotropic = target[worst]! > 3 * coarsest && of(sizes, worst, 50) * 3 < fewest;
  if (!isAnisotropic) return target;
  return target.with(worst, Math.max(rounded(of(spacings, worst, 10)), coarsest));
}

/** Returns a percentile, interpolated linearly. */
function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const place = (percent / 100) * (sorted.length - 1);
  const [below, above] = [sorted[Math.floor(place)]!, sorted[Math.ceil(place)]!];
  return below + (above - below) * (place - Math.floor(place));
}
