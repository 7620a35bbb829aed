import { checkOptions, invalidArgument, optionNames } from "@pixelcal/core";
import { checkSymmetries, type Symmetries } from "./transforms.js";

/** A factor's least and greatest value, one at most 1 and the other at least 1; as often below 1 as above. */
export type FactorRange = readonly [least: number, greatest: number];

/** A change that is made of a share of the items. */
interface Chance {
  /** The share of items that are changed, from 0 to 1. */
  readonly probability: number;
}

/** Chance changes of the geometry of an item, around the centre of its patch and in physical size. */
export interface SpatialAugmentation {
  /** The greatest angle in degrees: in 2-D one, in 3-D one about each axis. */
  readonly rotation?: Chance & { readonly degrees: readonly number[] };
  /** The factors of size, on `axes` (all by default). */
  readonly scaling?: Chance & { readonly range: FactorRange; readonly axes?: readonly number[] };
  /**
   * A smooth random deformation: displacements of this standard deviation at points `spacing` apart, both in
   * pixels, joined by a cubic B-spline. They are limited to 0.4 of `spacing`, so that nothing folds.
   */
  readonly elastic?: Chance & { readonly spacing: number; readonly deviation: number };
}

/** Chance changes of the intensities of an item, one after the other; each channel has numbers of its own. */
export interface IntensityAugmentation {
  /** Normal noise, whose standard deviation is drawn from a range, the same for all channels. */
  readonly noise?: Chance & { readonly deviation: readonly [number, number] };
  /** Gaussian blur, whose deviation in pixels is drawn per axis, of a share of the channels. */
  readonly blur?: Chance & { readonly sigma: readonly [number, number]; readonly perChannel?: number };
  /** A factor of all intensities. */
  readonly brightness?: Chance & { readonly range: FactorRange };
  /** A factor of the distances to the mean; the channel's range stays. */
  readonly contrast?: Chance & { readonly range: FactorRange };
  /**
   * Fewer pixels, a share drawn from `scale` per axis of `axes` (all), and interpolation back, of a share of
   * the channels.
   */
  readonly lowResolution?: Chance & {
    readonly scale: readonly [number, number];
    readonly perChannel?: number;
    readonly axes?: readonly number[];
  };
  /** The exponent of the negative intensities over their range; mean and deviation stay. */
  readonly invertedGamma?: Chance & { readonly range: FactorRange };
  /** The exponent of the intensities over their range; mean and deviation stay. */
  readonly gamma?: Chance & { readonly range: FactorRange };
}

/** The changes a loader may make of items, all drawn from its seed, the epoch and the item. */
export interface Augmentation extends Symmetries, SpatialAugmentation, IntensityAugmentation {}

const names = optionNames<Augmentation>({
  flips: true,
  rotations: true,
  rotation: true,
  scaling: true,
  elastic: true,
  noise: true,
  blur: true,
  brightness: true,
  contrast: true,
  lowResolution: true,
  invertedGamma: true,
  gamma: true,
});

/** The sections of changes that happen by chance, and their keys beside `probability`. */
const sections = {
  rotation: ["degrees"],
  scaling: ["range", "axes"],
  elastic: ["spacing", "deviation"],
  noise: ["deviation"],
  blur: ["sigma", "perChannel"],
  brightness: ["range"],
  contrast: ["range"],
  lowResolution: ["scale", "perChannel", "axes"],
  invertedGamma: ["range"],
  gamma: ["range"],
} as const satisfies Partial<Record<keyof Augmentation, readonly string[]>>;

/** Throws InvalidArgumentError unless `augmentation` fits items of `rank` spatial axes. */
export function checkAugmentation(augmentation: Augmentation, rank: number): void {
  checkOptions("augment", augmentation, names);
  checkSymmetries(augmentation, rank);
  for (const [name, keys] of Object.entries(sections)) {
    const section = augmentation[name as keyof typeof sections] as
      | Readonly<Record<string, unknown>>
      | undefined;
    if (section === undefined) continue;
    checkOptions(`augment.${name}`, section, new Set(["probability", ...keys]));
    for (const key of ["probability", "perChannel"])
      if (key === "probability" || section[key] !== undefined)
        expected(`${name}.${key}`, isBetween(section[key], 0, 1), "a share from 0 to 1", section[key]);
    if ("range" in section)
      expected(
        `${name}.range`,
        isRange(section.range, 0.01, 100) && section.range[0] <= 1 && section.range[1] >= 1,
        "two factors from 0.01 to 100, at most 1 and at least 1",
        section.range,
      );
    if (section.axes !== undefined)
      expected(
        `${name}.axes`,
        isAxes(section.axes, rank),
        `spatial axes from 0 to ${rank - 1}`,
        section.axes,
      );
  }
  const { rotation, elastic, noise, blur, lowResolution } = augmentation;
  const angles = rank === 3 ? 3 : 1;
  if (rotation !== undefined && rank < 2)
    throw invalidArgument("augment.rotation", "cases of 2 or 3 spatial axes", rank);
  if (rotation !== undefined)
    expected(
      "rotation.degrees",
      Array.isArray(rotation.degrees) &&
        rotation.degrees.length === angles &&
        rotation.degrees.every((angle) => isBetween(angle, 0, 180)),
      `${angles} angle(s) from 0 to 180`,
      rotation.degrees,
    );
  if (elastic !== undefined) {
    expected("elastic.spacing", isBetween(elastic.spacing, 2, 1e6), "2 pixels or more", elastic.spacing);
    expected(
      "elastic.deviation",
      isBetween(elastic.deviation, 0, 1e6),
      "a number of 0 or more",
      elastic.deviation,
    );
  }
  if (noise !== undefined)
    expected(
      "noise.deviation",
      isRange(noise.deviation, 0, 1e9),
      "two rising numbers of 0 or more",
      noise.deviation,
    );
  if (blur !== undefined)
    expected("blur.sigma", isRange(blur.sigma, 0, 100), "two rising numbers from 0 to 100", blur.sigma);
  if (lowResolution !== undefined)
    expected(
      "lowResolution.scale",
      isRange(lowResolution.scale, 0.01, 1),
      "two rising shares from 0.01 to 1",
      lowResolution.scale,
    );
}

function expected(name: string, fits: boolean, what: string, got: unknown): void {
  if (!fits) throw invalidArgument(`augment.${name}`, what, got);
}

const isBetween = (value: unknown, least: number, greatest: number): boolean =>
  typeof value === "number" && value >= least && value <= greatest;

const isRange = (range: unknown, least: number, greatest: number): range is readonly [number, number] =>
  Array.isArray(range) &&
  range.length === 2 &&
  range.every((n) => isBetween(n, least, greatest)) &&
  range[0] <= range[1];

const isAxes = (axes: unknown, rank: number): boolean =>
  Array.isArray(axes) && axes.every((axis) => Number.isInteger(axis) && axis >= 0 && axis < rank);

/**
 * Returns nnU-Net's augmentation for items of `size` pixels. Of a size with one axis less than a third as
 * long as the longest, the others alone are turned, scaled and coarsened, as nnU-Net does.
 */
export function nnunetAugmentation(size: readonly number[]): Augmentation {
  const axes = size.map((_, axis) => axis);
  const [least, greatest] = [Math.min(...size), Math.max(...size)];
  const flat = size.length === 3 && greatest / least > 3;
  const plane = flat ? axes.filter((axis) => axis !== size.indexOf(least)) : axes;
  const angle = size.length === 2 ? (greatest / least > 1.5 ? 15 : 180) : 30;
  const degrees =
    size.length === 2 ? [angle] : axes.map((axis) => (flat ? (plane.includes(axis) ? 0 : 180) : angle));
  return {
    flips: axes,
    rotation: { probability: 0.2, degrees },
    scaling: { probability: 0.2, range: [0.7, 1.4], axes: plane },
    noise: { probability: 0.1, deviation: [0, 0.1] },
    blur: { probability: 0.2, sigma: [0.5, 1], perChannel: 0.5 },
    brightness: { probability: 0.15, range: [0.75, 1.25] },
    contrast: { probability: 0.15, range: [0.75, 1.25] },
    lowResolution: { probability: 0.25, scale: [0.5, 1], perChannel: 0.5, axes: plane },
    invertedGamma: { probability: 0.1, range: [0.7, 1.5] },
    gamma: { probability: 0.3, range: [0.7, 1.5] },
  };
}
