import { checkOptions, InvalidArgumentError, invalidArgument, optionNames } from "@pixelcal/core";
import { acls, aclsPresets } from "./acls.js";
import { adaFocal, adaFocalPresets } from "./ada-focal.js";
import { boundary, boundaryPresets } from "./boundary.js";
import { boundaryUncertainty, boundaryUncertaintyPresets } from "./boundary-uncertainty.js";
import { cals, calsPresets } from "./cals.js";
import { cpc, cpcPresets } from "./cpc.js";
import { crac, cracPresets } from "./crac.js";
import { crossEntropy, crossEntropyPresets } from "./cross-entropy.js";
import { dca, dcaPresets } from "./dca.js";
import { dice, diceCrossEntropy, diceCrossEntropyPresets, dicePresets } from "./dice.js";
import { dicePlusPlus, dicePlusPlusPresets } from "./dice-plus-plus.js";
import { dualFocal, dualFocalPresets } from "./dual-focal.js";
import { entropyPenalty, entropyPenaltyPresets } from "./entropy-penalty.js";
import { flsd, flsdPresets } from "./flsd.js";
import { focal, focalPresets } from "./focal.js";
import { focalCalibration, focalCalibrationPresets } from "./focal-calibration.js";
import { hausdorff, hausdorffPresets } from "./hausdorff.js";
import { l1Ace, l1AcePresets } from "./l1-ace.js";
import { labelSmoothing, labelSmoothingPresets } from "./label-smoothing.js";
import type { Loss } from "./loss.js";
import { marginSvls, marginSvlsVariants } from "./margin-svls.js";
import { mbls, mblsPresets } from "./mbls.js";
import { mdca, mdcaPresets } from "./mdca.js";
import { meep, meepPresets } from "./meep.js";
import { nacl, naclPresets } from "./nacl.js";
import type { PresetSchemas } from "./options.js";
import {
  signedDistanceCalibration,
  signedDistanceCalibrationPresets,
} from "./signed-distance-calibration.js";
import { signedDistanceRegression, signedDistanceRegressionPresets } from "./signed-distance-regression.js";
import { svls, svlsPresets } from "./svls.js";
import { tversky, tverskyPresets } from "./tversky.js";
import { unifiedFocal, unifiedFocalPresets } from "./unified-focal.js";
import { type WeightedPart, weighted } from "./weighted.js";

/** A loss that a configuration can name. */
export interface LossEntry {
  readonly description: string;
  /** The schemas of its options by preset (for marginSvls by variant); the first is the default. */
  readonly presets: PresetSchemas;
  /** Checks the options and makes the loss. */
  readonly create: (options: object) => Loss;
}

/** Every loss by name, in order of increasing complexity. */
export const losses: Readonly<Record<string, LossEntry>> = {
  crossEntropy: {
    description: "cross-entropy with the labels",
    presets: crossEntropyPresets,
    create: crossEntropy,
  },
  dice: { description: "soft Dice", presets: dicePresets, create: dice },
  diceCrossEntropy: {
    description: "soft Dice and cross-entropy",
    presets: diceCrossEntropyPresets,
    create: diceCrossEntropy,
  },
  focal: { description: "focal loss", presets: focalPresets, create: focal },
  tversky: { description: "Tversky and focal Tversky loss", presets: tverskyPresets, create: tversky },
  dicePlusPlus: {
    description: "Dice whose errors are squared (DSC++)",
    presets: dicePlusPlusPresets,
    create: dicePlusPlus,
  },
  unifiedFocal: {
    description: "focal Tversky and focal loss (asymmetric unified focal loss)",
    presets: unifiedFocalPresets,
    create: unifiedFocal,
  },
  labelSmoothing: {
    description: "cross-entropy with smoothed labels",
    presets: labelSmoothingPresets,
    create: labelSmoothing,
  },
  entropyPenalty: {
    description: "cross-entropy minus the entropy of the prediction (ECP)",
    presets: entropyPenaltyPresets,
    create: entropyPenalty,
  },
  flsd: { description: "sample-dependent focal loss (FLSD-53)", presets: flsdPresets, create: flsd },
  dualFocal: { description: "dual focal loss", presets: dualFocalPresets, create: dualFocal },
  adaFocal: {
    description: "focal loss whose exponents follow the validation split (AdaFocal)",
    presets: adaFocalPresets,
    create: adaFocal,
  },
  focalCalibration: {
    description: "focal loss and Brier score (FCL)",
    presets: focalCalibrationPresets,
    create: focalCalibration,
  },
  mbls: {
    description: "cross-entropy and a penalty on logit margins (MbLS)",
    presets: mblsPresets,
    create: mbls,
  },
  cals: {
    description: "MbLS whose weights follow the validation split, class by class (CALS)",
    presets: calsPresets,
    create: cals,
  },
  acls: {
    description: "cross-entropy and a penalty on large logits (ACLS)",
    presets: aclsPresets,
    create: acls,
  },
  cpc: { description: "cross-entropy and pairwise constraints (CPC)", presets: cpcPresets, create: cpc },
  dca: {
    description: "cross-entropy and the difference of confidence and accuracy (DCA)",
    presets: dcaPresets,
    create: dca,
  },
  mdca: { description: "the same, class by class (MDCA)", presets: mdcaPresets, create: mdca },
  meep: {
    description: "cross-entropy and high entropy where the prediction errs (MEEP)",
    presets: meepPresets,
    create: meep,
  },
  l1Ace: {
    description: "cross-entropy, Dice and average calibration error (mL1-ACE)",
    presets: l1AcePresets,
    create: l1Ace,
  },
  svls: {
    description: "cross-entropy with spatially varying soft labels (SVLS)",
    presets: svlsPresets,
    create: svls,
  },
  nacl: {
    description: "cross-entropy and the distance of logits from neighbourhood class frequencies (NACL)",
    presets: naclPresets,
    create: nacl,
  },
  crac: {
    description: "NACL whose weights follow the validation split, by class and region (CRaC)",
    presets: cracPresets,
    create: crac,
  },
  marginSvls: {
    description: "SVLS with a penalty on logit margins, or NACL with switches",
    presets: marginSvlsVariants,
    create: marginSvls,
  },
  boundary: {
    description: "probabilities weighed by signed distances (boundary loss)",
    presets: boundaryPresets,
    create: boundary,
  },
  boundaryUncertainty: {
    description: "Dice and cross-entropy with labels softened on rings at boundaries",
    presets: boundaryUncertaintyPresets,
    create: boundaryUncertainty,
  },
  hausdorff: {
    description: "squared errors weighed by distance to both borders (Hausdorff loss)",
    presets: hausdorffPresets,
    create: hausdorff,
  },
  signedDistanceRegression: {
    description: "Dice and the regression of signed distances",
    presets: signedDistanceRegressionPresets,
    create: signedDistanceRegression,
  },
  signedDistanceCalibration: {
    description:
      "cross-entropy, adaptive soft labels and signed-distance alignment, or boundary soft labels (SDC)",
    presets: signedDistanceCalibrationPresets,
    create: signedDistanceCalibration,
  },
};

/** A loss's name with its options, or the name "weighted" with `losses: [{ weight, loss }]`. */
export interface NamedLoss {
  readonly name: string;
  readonly [option: string]: unknown;
}

/**
 * Makes the loss that a configuration names; throws on an unknown name, option or value, naming what is
 * allowed.
 */
export function lossFromConfig(config: NamedLoss): Loss {
  if (typeof config !== "object" || config === null)
    throw invalidArgument("config", "an object with a loss's name", config);
  const { name, ...options } = config;
  if (name === "weighted") return weightedFromConfig(options);
  const entry = Object.hasOwn(losses, name) ? losses[name] : undefined;
  if (entry === undefined)
    throw invalidArgument("name", `one of ${Object.keys(losses).join(", ")}, weighted`, name);
  return entry.create(options);
}

const weightedNames = new Set(["losses"]);
const partNames = optionNames<WeightedPart>({ weight: true, loss: true });

function weightedFromConfig(options: Readonly<Record<string, unknown>>): Loss {
  checkOptions("weighted", options, weightedNames);
  const { losses: parts } = options;
  if (!Array.isArray(parts)) throw invalidArgument("weighted.losses", "a list of { weight, loss }", parts);
  return weighted(
    parts.map((part: unknown, index) => {
      if (!isPart(part))
        throw new InvalidArgumentError("losses", `weighted.losses[${index}]: expected { weight, loss }`);
      checkOptions(`weighted.losses[${index}]`, part, partNames);
      return { weight: part.weight, loss: lossFromConfig(part.loss) };
    }),
  );
}

function isPart(part: unknown): part is { weight: number; loss: NamedLoss } {
  return (
    typeof part === "object" &&
    part !== null &&
    "weight" in part &&
    typeof part.weight === "number" &&
    "loss" in part &&
    typeof part.loss === "object" &&
    part.loss !== null
  );
}
