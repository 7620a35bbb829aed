import type { LossConfig } from "./config.js";
import { ConfigError } from "./config-error.js";

/** The methods of the authors' repository (EagleAdelaide/SDC-Loss), by the names its configurations use. */
export const methods = ["dicece", "fl", "ecp", "ls", "svls", "mbls", "nacl", "fcl", "sdc"] as const;
export type Method = (typeof methods)[number];

/** The sections that hold the methods' options. Nothing is required: which default applies depends on the preset. */
export interface MethodSections {
  readonly dicece: { readonly dice_weight?: number; readonly ce_weight?: number };
  readonly focal: { readonly gamma?: number };
  readonly ecp: { readonly lam?: number };
  readonly labelsmoothing: { readonly alpha?: number };
  readonly svls: { readonly sigma?: number; readonly alpha?: number; readonly dist?: string };
  readonly mbls: { readonly m?: number; readonly alpha?: number };
  readonly nacl: { readonly kernel?: string; readonly alpha?: number; readonly dist?: string };
  readonly fcl: { readonly gamma?: number; readonly lam?: number };
  readonly sdc: {
    readonly alpha?: number;
    readonly lam_sdf?: number;
    readonly sam_morph?: string;
    readonly sam_kernel?: string;
    readonly sdf_scale?: number;
    readonly dist?: string;
  };
}

/**
 * The loss that a method of the authors' repository stands for. `reference` takes their defaults for what a section
 * leaves out; `consistent` takes the same method as its own authors define it, with their defaults. Throws `ConfigError`
 * for an option that only the authors' approximation of a method has.
 */
export function lossOfMethod(
  method: Method,
  preset: "reference" | "consistent",
  sections: MethodSections,
): LossConfig {
  const { name, defaults, options, own, approximation = {} } = table[method](sections);
  if (preset === "reference") {
    return { name, preset: "reference", ...defaults, ...defined({ ...options, ...approximation }) };
  }
  const foreign = Object.keys(defined(approximation));
  if (foreign.length > 0) {
    const section = `${method} in preset consistent`;
    throw new ConfigError(
      foreign.map((option) => `${section}: ${option} is an option of preset reference only; remove it`),
    );
  }
  return { name, preset: method === "sdc" ? "consistent" : "original", ...defined({ ...options, ...own }) };
}

interface Entry {
  readonly name: string;
  /** The authors' defaults, for the `reference` preset. */
  readonly defaults: Readonly<Record<string, unknown>>;
  /** What the section gives, in the registry's spelling. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Options that the method's own definition has and the authors' code accepts without using. */
  readonly own?: Readonly<Record<string, unknown>>;
  /** Options that only the authors' approximation has. */
  readonly approximation?: Readonly<Record<string, unknown>>;
}

const table: Readonly<Record<Method, (sections: MethodSections) => Entry>> = {
  dicece: ({ dicece }) => ({
    name: "diceCrossEntropy",
    defaults: { diceWeight: 1, crossEntropyWeight: 1 },
    options: { diceWeight: dicece.dice_weight, crossEntropyWeight: dicece.ce_weight },
  }),
  fl: ({ focal }) => ({
    name: "focal",
    defaults: { gamma: 3 },
    options: { gamma: focal.gamma },
  }),
  ecp: ({ ecp }) => ({
    name: "entropyPenalty",
    defaults: { weight: 0.1 },
    options: { weight: ecp.lam },
  }),
  ls: ({ labelsmoothing }) => ({
    name: "labelSmoothing",
    defaults: { alpha: 0.1 },
    options: { alpha: labelsmoothing.alpha },
  }),
  svls: ({ svls }) => ({
    name: "svls",
    defaults: { alpha: 0.1, distance: "l1" },
    options: {},
    own: { sigma: svls.sigma },
    approximation: { alpha: svls.alpha, distance: svls.dist },
  }),
  mbls: ({ mbls }) => ({
    name: "mbls",
    defaults: { margin: 10, alpha: 0.1 },
    options: { margin: mbls.m, alpha: mbls.alpha },
  }),
  nacl: ({ nacl }) => ({
    name: "nacl",
    defaults: { kernel: "min", alpha: 0.1, distance: "l1" },
    options: { kernel: nacl.kernel, alpha: nacl.alpha, distance: nacl.dist },
  }),
  fcl: ({ fcl }) => ({
    name: "focalCalibration",
    defaults: { gamma: 3, weight: 0.1 },
    options: { gamma: fcl.gamma, weight: fcl.lam },
  }),
  sdc: ({ sdc }) => ({
    name: "signedDistanceCalibration",
    defaults: {
      alpha: 0.1,
      sdfWeight: 0.1,
      morphology: "gradient",
      kernel: "mean",
      scale: 100,
      distance: "l1",
    },
    options: {
      alpha: sdc.alpha,
      sdfWeight: sdc.lam_sdf,
      morphology: sdc.sam_morph
        ?.replace("internal_boundary", "internal-gradient")
        .replace("external_boundary", "external-gradient"),
      kernel: sdc.sam_kernel,
      scale: sdc.sdf_scale,
      distance: sdc.dist,
    },
  }),
};

function defined<T extends object>(options: T): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;
}
