import { checkOptions, invalidArgument } from "@pixelcal/core";
import type { Loss } from "./loss.js";
import { checkOption, choice, type OptionSchema } from "./options.js";
import { losses } from "./registry.js";

interface Method {
  /** The configuration section that holds the method's options. */
  readonly section: string;
  /** The loss it stands for, always under the preset `reference`. */
  readonly loss: string;
  /** The section's keys, each with the option it sets and, if the spelling differs, the values it accepts. */
  readonly keys: Readonly<Record<string, { readonly option?: string; readonly accepts?: OptionSchema }>>;
}

const boundaries: Readonly<Record<string, string>> = {
  internal_boundary: "internal-gradient",
  external_boundary: "external-gradient",
};
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
      sam_morph: { option: "morphology", accepts: morphologies },
      sam_kernel: { option: "kernel" },
      sdf_scale: { option: "scale" },
      dist: { option: "distance" },
    },
  },
};

/**
 * The loss of a method of the SDC repository from that method's own section of a configuration,
 * with that repository's defaults; `method` in any case. Throws on an unknown method, key or
 * value, naming what is allowed.
 */
export function lossFromReferenceConfig(
  method: string,
  section: Readonly<Record<string, unknown>> = {},
): Loss {
  const known = Object.keys(referenceMethods);
  const name = String(method).toLowerCase();
  if (!known.includes(name)) throw invalidArgument("method", `one of ${known.join(", ")}`, method);
  const { loss, keys, section: title } = referenceMethods[name]!;
  const entry = losses[loss]!;
  const schema = entry.presets.reference!;
  const options: Record<string, unknown> = { preset: "reference" };
  checkOptions(title, section, new Set(Object.keys(keys)));
  for (const [key, value] of Object.entries(section)) {
    if (value === undefined) continue;
    const { option, accepts } = keys[key]!;
    checkOption(`${title}.${key}`, accepts ?? schema[option!]!, value);
    if (option !== undefined) options[option] = boundaries[String(value)] ?? value;
  }
  return entry.create(options);
}
