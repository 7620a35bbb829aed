import { z } from "zod";
import { type Augmentation, nnunetAugmentation } from "../data/augmentation.js";

/** The section `augment` of a configuration; keys of a section that are left out are nnU-Net's. */
export interface AugmentConfig {
  /** The changes that are made without a section of their own; none by default. */
  readonly preset?: "none" | "nnunet";
  /** Whether all axes are mirrored at random, or the spatial axes that are. */
  readonly flips: boolean | readonly number[];
  readonly rotations: boolean;
  readonly rotation?: { readonly probability?: number; readonly degrees?: number | readonly number[] };
  readonly scaling?: FactorConfig & { readonly axes?: readonly number[] };
  readonly elastic?: {
    readonly probability?: number;
    readonly spacing?: number;
    readonly deviation?: number;
  };
  readonly noise?: { readonly probability?: number; readonly deviation?: Pair };
  readonly blur?: { readonly probability?: number; readonly sigma?: Pair; readonly per_channel?: number };
  readonly brightness?: FactorConfig;
  readonly contrast?: FactorConfig;
  readonly low_resolution?: {
    readonly probability?: number;
    readonly scale?: Pair;
    readonly per_channel?: number;
    readonly axes?: readonly number[];
  };
  readonly inverted_gamma?: FactorConfig;
  readonly gamma?: FactorConfig;
}

type Pair = readonly [number, number];
interface FactorConfig {
  readonly probability?: number;
  readonly range?: Pair;
}

const share = z.number().min(0).max(1);
const probability = share.optional().describe("share of the items that are changed; 0 switches it off");
const per_channel = share.optional().describe("share of the channels that are changed");
const axes = z
  .array(z.int().min(0).max(2))
  .min(1)
  .optional()
  .describe("spatial axes, counted from 0; all by default");
const pair = (least: number, greatest: number, what: string) =>
  z
    .tuple([z.number().min(least).max(greatest), z.number().min(least).max(greatest)])
    .refine(([a, b]) => a <= b, "expected two rising numbers")
    .optional()
    .describe(what);
const factors = (what: string, more: z.ZodRawShape = {}) =>
  z
    .strictObject({
      probability,
      range: z
        .tuple([z.number().min(0.01).max(1), z.number().min(1).max(100)])
        .optional()
        .describe("least and greatest factor, at most 1 and at least 1"),
      ...more,
    })
    .optional()
    .describe(what);

/** The section as a file has it: without `flips` the preset decides. */
export type FileAugment = Omit<AugmentConfig, "flips"> & Partial<Pick<AugmentConfig, "flips">>;

/** The schema of `augment`. */
export const augment: z.ZodType<FileAugment> = z
  .strictObject({
    preset: z
      .string()
      .toLowerCase()
      .pipe(z.enum(["none", "nnunet"]))
      .optional()
      .describe("nnunet: nnU-Net's changes, each of which a section of its own replaces"),
    flips: z
      .union([z.boolean(), z.array(z.int().min(0).max(2))], {
        error: "expected true, false or a list of spatial axes from 0",
      })
      .optional()
      .describe(
        "mirrors all axes at random, or the spatial axes listed; default false, of preset nnunet true",
      ),
    rotations: z.boolean().default(false).describe("turns the image plane by quarter turns at random"),
    rotation: z
      .strictObject({
        probability,
        degrees: z
          .union([z.number().min(0).max(180), z.array(z.number().min(0).max(180)).min(1).max(3)], {
            error: "expected an angle from 0 to 180, or one about each axis",
          })
          .optional()
          .describe("greatest angle, in 3-D about every axis or about each"),
      })
      .optional()
      .describe("turns by any angle"),
    scaling: factors("larger or smaller objects", { axes }),
    elastic: z
      .strictObject({
        probability,
        spacing: z.number().min(2).optional().describe("pixels between the points that move; default 16"),
        deviation: z
          .number()
          .min(0)
          .optional()
          .describe("standard deviation of their moves in pixels; default 2"),
      })
      .optional()
      .describe("smooth random deformation"),
    noise: z
      .strictObject({
        probability,
        deviation: pair(0, 1e9, "least and greatest standard deviation, in the image's own intensities"),
      })
      .optional()
      .describe("normal noise"),
    blur: z
      .strictObject({
        probability,
        sigma: pair(0, 100, "least and greatest deviation in pixels"),
        per_channel,
      })
      .optional()
      .describe("Gaussian blur"),
    brightness: factors("factor of the intensities"),
    contrast: factors("factor of their distances to the mean"),
    low_resolution: z
      .strictObject({
        probability,
        scale: pair(0.01, 1, "least and greatest share of the pixels of an axis"),
        per_channel,
        axes,
      })
      .optional()
      .describe("fewer pixels, interpolated back"),
    inverted_gamma: factors("exponent of the negative intensities"),
    gamma: factors("exponent of the intensities"),
  })
  .prefault({});

/** Returns a section with the defaults that depend on its preset. */
export const augmentOf = ({ flips, ...section }: FileAugment): AugmentConfig => ({
  ...section,
  flips: flips ?? section.preset === "nnunet",
});

const elasticDefaults = { probability: 0.2, spacing: 16, deviation: 2 };

/** Returns the changes that a section asks for, of items of `size` pixels. */
export function augmentationOf(section: AugmentConfig, size: readonly number[]): Augmentation {
  const nnunet = nnunetAugmentation(size);
  const { preset = "none", flips, rotations, rotation, low_resolution, inverted_gamma } = section;
  const sections = {
    rotation: rotation && {
      ...rotation,
      ...(rotation.degrees !== undefined && { degrees: degreesOf(rotation.degrees, size) }),
    },
    scaling: section.scaling,
    elastic: section.elastic && { ...elasticDefaults, ...section.elastic },
    noise: section.noise,
    blur: section.blur && perChannel(section.blur),
    brightness: section.brightness,
    contrast: section.contrast,
    lowResolution: low_resolution && perChannel(low_resolution),
    invertedGamma: inverted_gamma,
    gamma: section.gamma,
  };
  const chosen = Object.entries(sections).flatMap(([name, given]) => {
    const defaults = nnunet[name as keyof typeof sections];
    if (given === undefined && (preset === "none" || defaults === undefined)) return [];
    return [[name, { ...defaults, ...given }]];
  });
  const plane = [size.length - 2, size.length - 1] as const;
  const mirrored = typeof flips === "boolean" ? (flips ? [...size.keys()] : []) : flips;
  return {
    ...(mirrored.length > 0 && { flips: mirrored }),
    ...(rotations && { rotations: [plane] }),
    ...Object.fromEntries(chosen),
  };
}

const degreesOf = (degrees: number | readonly number[], { length }: readonly number[]): readonly number[] =>
  typeof degrees === "number" ? Array<number>(length === 3 ? 3 : 1).fill(degrees) : degrees;

const perChannel = <T extends { readonly per_channel?: number }>({ per_channel: share, ...rest }: T) => ({
  ...rest,
  ...(share !== undefined && { perChannel: share }),
});
