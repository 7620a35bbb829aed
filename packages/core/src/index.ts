// Types with `Symbol.dispose` are checked in projects whose target is older, too.
/// <reference lib="esnext.disposable" preserve="true" />
export type { CallEvent } from "./binding.js";
export { depthWindows } from "./calibrators/boundary-windows.js";
export type { CalibrationCase, CalibrationCases } from "./calibrators/calibration-cases.js";
export { type ApplyOptions, Calibrator } from "./calibrators/calibrator.js";
export { calibratorFromJSON } from "./calibrators/calibrator-from-json.js";
export type { CalibratorJson } from "./calibrators/calibrator-json.js";
export { calibratorNames } from "./calibrators/check-parameters.js";
export { type CalibratorFit, fitCalibrator } from "./calibrators/fit-calibrator.js";
export type { FitOptions } from "./calibrators/fit-options.js";
export type {
  CalibratorName,
  CalibratorParameters,
  DistanceTable,
  LevelTable,
} from "./calibrators/parameters.js";
export {
  type CalibratorSelection,
  type Candidate,
  type CandidateScore,
  type SelectOptions,
  selectCalibrator,
} from "./calibrators/select-calibrator.js";
export { checkLabels, checkTensor } from "./check.js";
export { checkOptions, nearestName, optionNames } from "./check-options.js";
export * from "./device.js";
export { DeviceTensor, toDevice } from "./device-tensor.js";
export * from "./errors.js";
export {
  type AsImageOptions,
  type AsProbabilitiesOptions,
  asImage,
  asImageSync,
  asProbabilities,
  asProbabilitiesSync,
} from "./kernels/as-image.js";
export { type AsLabelsOptions, asLabels, asLabelsSync } from "./kernels/as-labels.js";
export { binsOfClass, mergeBins } from "./kernels/bins.js";
export {
  type BorderDistancesOptions,
  type BorderLevelsOptions,
  borderDistances,
  borderLevels,
} from "./kernels/border-levels.js";
export {
  type BoundaryBins,
  type BoundaryLayout,
  mergeBoundaryBins,
} from "./kernels/boundary-bins.js";
export {
  type BoundaryCalibrationOptions,
  type BoundaryOptions,
  boundaryCalibration,
  boundaryCalibrationSync,
} from "./kernels/boundary-calibration.js";
export {
  type BoundarySoftLabelsOptions,
  boundarySoftLabels,
  boundarySoftLabelsSync,
} from "./kernels/boundary-soft-labels.js";
export {
  type BinLayout,
  type BinOptions,
  type CalibrationBins,
  type CalibrationBinsOptions,
  calibrationBins,
  calibrationBinsSync,
  calibrationHistograms,
  calibrationHistogramsSync,
  type HistogramOptions,
  type HistogramPixels,
} from "./kernels/calibration-bins.js";
export {
  type ChangeIntensityOptions,
  changeIntensity,
  type IntensityChange,
} from "./kernels/change-intensity.js";
export {
  type ConnectedComponents,
  type ConnectedComponentsOptions,
  type Connectivity,
  connectedComponents,
  connectedComponentsSync,
} from "./kernels/connected-components.js";
export {
  type ConstraintSums,
  type ConstraintSumsOptions,
  constraintSums,
} from "./kernels/constraint-sums.js";
export { crc32Sync } from "./kernels/crc32.js";
export { detach, detachSync } from "./kernels/detach.js";
export * from "./kernels/distance.js";
export { labelHash, labelHashSync } from "./kernels/label-hash.js";
export {
  type LabelTargets,
  type LabelTargetsOptions,
  labelTargets,
  labelTargetsSync,
} from "./kernels/label-targets.js";
export {
  type MorphologyOp,
  type MorphologyOptions,
  type MorphologySpec,
  morphology,
  morphologyOps,
  morphologySync,
} from "./kernels/morphology.js";
export {
  type NarrowedLabels,
  type NarrowLabelsOptions,
  narrowLabels,
  narrowLabelsSync,
  type StrayLabels,
} from "./kernels/narrow-labels.js";
export {
  type AdamWUpdateOptions,
  adamwUpdate,
  adamwUpdateSync,
  type GradientNormOptions,
  gradientNorm,
  gradientNormSync,
  type SgdUpdateOptions,
  sgdUpdate,
  sgdUpdateSync,
  type UpdateOptions,
} from "./kernels/optimizer.js";
export {
  type PackedMask,
  type PackMaskOptions,
  packMask,
  packMaskSync,
  type UnpackMaskOptions,
  unpackMask,
  unpackMaskSync,
} from "./kernels/packed-mask.js";
export {
  type InspectValuesOptions,
  inspectValues,
  type Outside,
  type ToProbabilitiesOptions,
  toProbabilities,
  type ValueFindings,
  type ValueSelection,
} from "./kernels/prediction-values.js";
export type { PixelSelection } from "./kernels/probability-maps.js";
export {
  ignoredInRegion,
  labelsOfRegions,
  type Region,
  type RegionCase,
  type RegionCasesOptions,
  type RegionParts,
  regionCases,
  regionMasks,
} from "./kernels/region-cases.js";
export {
  type Interpolation,
  type ResampleImageOptions,
  type ResampleLabelsOptions,
  resampleImage,
  resampleLabels,
} from "./kernels/resample.js";
export {
  type MixedPixelsOptions,
  mixedPixels,
  type RingTargetsOptions,
  ringTargets,
} from "./kernels/ring-targets.js";
export {
  type SignedDistanceOptions,
  signedDistance,
  signedDistanceSync,
} from "./kernels/signed-distance.js";
export {
  type SoftLabelKernel,
  type SoftLabelPreset,
  type SoftLabelsOptions,
  softLabels,
  softLabelsSync,
} from "./kernels/soft-labels.js";
export type { ArrayLayout, ArraySource, NestedNumbers } from "./kernels/stored-array.js";
export {
  readStoredPrediction,
  type StoredPrediction,
  type StoredPredictionOptions,
} from "./kernels/stored-prediction.js";
export { type WarpImageOptions, type WarpOptions, warpImage, warpLabels } from "./kernels/warp.js";
export {
  type ResampledSumsOptions,
  resampledSums,
  type WeightedSumsOptions,
  weightedSums,
  weightedSumsSync,
} from "./kernels/weighted-sums.js";
export {
  BoundaryCalibrationMetric,
  type BoundaryCalibrationMetricOptions,
  type BoundaryCalibrationResult,
} from "./metrics/boundary-calibration-metric.js";
export {
  type BoundaryBandOptions,
  type BoundaryRing,
  boundaryBand,
  boundaryRings,
} from "./metrics/boundary-ring.js";
export {
  type ConventionalErrorsOptions,
  conventionalErrors,
  conventionErrors,
  conventionHistograms,
} from "./metrics/calibration-conventions.js";
export {
  averageCalibrationError,
  calibratedPixelExpectedCalibrationError,
  classwiseExpectedCalibrationError,
  expectedCalibrationError,
  maximumCalibrationError,
  overconfidence,
  type PixelCalibrationErrorOptions,
  pixelExpectedCalibrationError,
  type ReliabilityBin,
  reliability,
  rootMeanSquareCalibrationError,
} from "./metrics/calibration-error.js";
export {
  type CalibrationErrors,
  CalibrationMetric,
  type CalibrationMetricOptions,
  type CalibrationResult,
} from "./metrics/calibration-metric.js";
export {
  type CaseHistogram,
  type CaseLesions,
  CaseScorer,
  type CaseScorerOptions,
  type CaseScores,
  type CaseSurfaces,
} from "./metrics/case-scorer.js";
export {
  type CenterlineCounts,
  type CenterlineOptions,
  centerlineCounts,
  centerlineDice,
} from "./metrics/centerline.js";
export {
  type CalibrationConvention,
  type ConventionalErrors,
  calibrationConventions,
} from "./metrics/convention-table.js";
export { checkEmptyPolicy, type EmptyPolicy } from "./metrics/empty-policy.js";
export {
  type FalsePositiveBrierOptions,
  falsePositiveBrierScore,
} from "./metrics/false-positive-brier.js";
export {
  type LabelSurfaceDistancesOptions,
  labelSurfaceDistances,
  labelSurfaceDistancesSync,
} from "./metrics/label-surface-distance.js";
export { type LesionConvention, lesionConventions } from "./metrics/lesion-matching.js";
export {
  type LesionScores,
  type LesionScoresOptions,
  lesionScores,
  type PredictedLesion,
} from "./metrics/lesion-scores.js";
export {
  type Lesion,
  type LesionPair,
  type LesionRegions,
  type LesionTable,
  type LesionTableOptions,
  lesionTables,
} from "./metrics/lesions.js";
export type { CaseStatistics, Metric, MetricUpdateOptions } from "./metrics/metric.js";
export { type GroupResult, MetricGroup } from "./metrics/metric-group.js";
export type { MetricJson } from "./metrics/metric-state.js";
export {
  type ArgMaxOptions,
  argMax,
  argMaxSync,
  type ConfusionOptions,
  confusionCounts,
  confusionCountsSync,
  diceScore,
  intersectionOverUnion,
  type OverlapCounts,
  type OverlapPolicy,
  overlapCounts,
} from "./metrics/overlap.js";
export {
  OverlapMetric,
  type OverlapMetricOptions,
  type OverlapResult,
  type RegionOverlap,
} from "./metrics/overlap-metric.js";
export {
  ProbabilityScoreMetric,
  type ProbabilityScoreMetricOptions,
  type ProbabilityScoreResult,
} from "./metrics/probability-score-metric.js";
export {
  brierScore,
  negativeLogLikelihood,
  type ProbabilityScores,
  type ProbabilityScoresOptions,
  probabilityScores,
  probabilityScoresSync,
} from "./metrics/probability-scores.js";
export {
  pixelRiskAreas,
  pixelRiskCoverage,
  type RiskCoverage,
  type RiskCoverageAreas,
  type RiskCoveragePoint,
  riskCoverage,
} from "./metrics/risk-coverage.js";
export { smoothCalibrationError } from "./metrics/smooth-calibration-error.js";
export type { SurfaceConvention, SurfaceDefinition } from "./metrics/surface-definition.js";
export {
  type SurfaceDistances,
  type SurfaceDistancesOptions,
  surfaceDistances,
  surfaceDistancesSync,
} from "./metrics/surface-distance.js";
export {
  type RegionSurfaces,
  SurfaceDistanceMetric,
  type SurfaceDistanceMetricOptions,
  type SurfaceDistanceResult,
} from "./metrics/surface-distance-metric.js";
export {
  type FittedTemperature,
  fittedTemperature,
  type TemperatureSketch,
  type TemperatureSketchOptions,
  temperatureSketch,
  temperatureSketchSync,
} from "./metrics/temperature.js";
export { TemperatureMetric, type TemperatureMetricOptions } from "./metrics/temperature-metric.js";
export { type RegionVolumes, regionVolumes } from "./metrics/volumes.js";
export * as portableMath from "./portable-math.js";
export { Random } from "./random.js";
export { type QueueState, queueState, setConcurrency } from "./scheduling.js";
export {
  type DataType,
  elementCount,
  type Float16Values,
  float16Bits,
  holds,
  type Labels,
  type Probabilities,
  reshape,
  sameDims,
  type Tensor,
  type TensorOf,
  type TypedArrays,
  tensor,
  zeros,
} from "./tensor.js";
