import { choice, type OptionSchema } from "./options.js";

interface Key {
  /** The option it sets; a key without one is accepted, and the authors' code does nothing with it. */
  readonly option?: string;
  /** The values it accepts, where they differ from the option's. */
  readonly accepts?: OptionSchema;
  /** The option's values by those of this key that are spelled in another way. */
  readonly values?: ReadonlyMap<unknown, string>;
}

interface Method {
  /** The configuration section that holds the method's options. */
  readonly section: string;
  /** The loss it stands for, always under the preset `reference`. */
  readonly loss: string;
  /** The keys of the section. */
  readonly keys: Readonly<Record<string, Key>>;
}

const boundaries: ReadonlyMap<unknown, string> = new Map([
  ["internal_boundary", "internal-gradient"],
  ["external_boundary", "external-gradient"],
]);
const morphologies = choice(
  "erosion",
  "dilation",
  "opening",
  "closing",
  "internal_boundary",
  "external_boundary",
  "gradient",
);

/** The methods of the SDC repository's configurations. */
export const referenceMethods: Readonly<Record<string, Method>> = {
  dicece: {
    section: "dicece",
    loss: "diceCrossEntropy",
    keys: { dice_weight: { option: "diceWeight" }, ce_weight: { option: "crossEntropyWeight" } },
  },
  fl: { section: "focal", loss: "focal", keys: { gamma: { option: "gamma" } } },
  ecp: { section: "ecp", loss: "entropyPenalty", keys: { lam: { option: "weight" } } },
  ls: { section: "labelsmoothing", loss: "labelSmoothing", keys: { alpha: { option: "alpha" } } },
  svls: {
    section: "svls",
    loss: "svls",
    // The authors' code accepts sigma but always blurs with 1.
    keys: {
      sigma: { accepts: { type: "number", above: 0 } },
      alpha: { option: "alpha" },
      dist: { option: "distance" },
    },
  },
  mbls: { section: "mbls", loss: "mbls", keys: { m: { option: "margin" }, alpha: { option: "alpha" } } },
  nacl: {
    section: "nacl",
    loss: "nacl",
    keys: { kernel: { option: "kernel" }, alpha: { option: "alpha" }, dist: { option: "distance" } },
  },
  fcl: {
    section: "fcl",
    loss: "focalCalibration",
    keys: { gamma: { option: "gamma" }, lam: { option: "weight" } },
  },
  sdc: {
    section: "sdc",
    loss: "signedDistanceCalibration",
    keys: {
      alpha: { option: "alpha" },
      lam_sdf: { option: "sdfWeight" },
      sam_morph: { option: "morphology", accepts: morphologies, values: boundaries },
      sam_kernel: { option: "kernel" },
      sdf_scale: { option: "scale" },
      dist: { option: "distance" },
    },
  },
};
