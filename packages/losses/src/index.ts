export { type CrossEntropyOptions, crossEntropy } from "./cross-entropy.js";
export { type DiceCrossEntropyOptions, type DiceOptions, dice, diceCrossEntropy } from "./dice.js";
export { type EntropyPenaltyOptions, entropyPenalty } from "./entropy-penalty.js";
export { type FocalOptions, focal } from "./focal.js";
export { type FocalCalibrationOptions, focalCalibration } from "./focal-calibration.js";
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
export { type MarginSvlsOptions, marginSvls } from "./margin-svls.js";
export { type MblsOptions, mbls } from "./mbls.js";
export { type NaclOptions, type NeighborhoodOptions, nacl } from "./nacl.js";
export type { OptionSchema, PresetSchemas } from "./options.js";
export { referenceMethods } from "./reference-config.js";
export { type LossEntry, losses, lossFromConfig, type NamedLoss } from "./registry.js";
export {
  type SignedDistanceCalibrationOptions,
  signedDistanceCalibration,
} from "./signed-distance-calibration.js";
export { type SvlsOptions, svls } from "./svls.js";
export type { Distance, MarginPenalty } from "./terms.js";
export { type WeightedPart, weighted } from "./weighted.js";
