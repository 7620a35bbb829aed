export { type AclsOptions, acls } from "./acls.js";
export { type AdaFocalOptions, adaFocal } from "./ada-focal.js";
export { type BoundaryOptions, boundary } from "./boundary.js";
export { type BoundaryUncertaintyOptions, boundaryUncertainty } from "./boundary-uncertainty.js";
export { type CalsOptions, cals } from "./cals.js";
export { type CpcOptions, cpc } from "./cpc.js";
export { type CracOptions, crac } from "./crac.js";
export { type CrossEntropyOptions, crossEntropy } from "./cross-entropy.js";
export { type DcaOptions, dca } from "./dca.js";
export { type DiceCrossEntropyOptions, type DiceOptions, dice, diceCrossEntropy } from "./dice.js";
export { type DicePlusPlusOptions, dicePlusPlus } from "./dice-plus-plus.js";
export { type DualFocalOptions, dualFocal } from "./dual-focal.js";
export { type EntropyPenaltyOptions, entropyPenalty } from "./entropy-penalty.js";
export { type FlsdOptions, flsd } from "./flsd.js";
export { type FocalOptions, focal } from "./focal.js";
export { type FocalCalibrationOptions, focalCalibration } from "./focal-calibration.js";
export { type HausdorffOptions, hausdorff } from "./hausdorff.js";
export { type L1AceOptions, l1Ace } from "./l1-ace.js";
export { type LabelSmoothingOptions, labelSmoothing } from "./label-smoothing.js";
export {
  type BuiltLoss,
  type LabelRange,
  type Loss,
  type TargetContext,
  type TargetSpec,
  type TargetSpecs,
  targetDims,
} from "./loss.js";
export type { LossState } from "./loss-state.js";
export { type MarginSvlsOptions, marginSvls } from "./margin-svls.js";
export { type MblsOptions, mbls } from "./mbls.js";
export { type MdcaOptions, mdca } from "./mdca.js";
export { type MeepOptions, meep } from "./meep.js";
export { type NaclOptions, type NeighborhoodOptions, nacl } from "./nacl.js";
export { headPair, type OneVsRestOptions, oneVsRest } from "./one-vs-rest.js";
export type { OptionSchema, PresetSchemas } from "./options.js";
export { referenceMethods } from "./reference-config.js";
export { type LossEntry, losses, lossFromConfig, type NamedLoss } from "./registry.js";
export {
  type SignedDistanceCalibrationOptions,
  signedDistanceCalibration,
} from "./signed-distance-calibration.js";
export {
  type SignedDistanceRegressionOptions,
  signedDistanceRegression,
} from "./signed-distance-regression.js";
export { type SvlsOptions, svls } from "./svls.js";
export type { Distance, MarginPenalty } from "./terms.js";
export { type TverskyOptions, tversky } from "./tversky.js";
export { type UnifiedFocalOptions, unifiedFocal } from "./unified-focal.js";
export { type WeightedPart, weighted } from "./weighted.js";
