export { Random } from "@pixelcal/core";
export { type CalibrateOptions, type Calibration, calibrateModel } from "./calibrate/calibrate-model.js";
export {
  type CalibratePredictionsOptions,
  calibratePredictions,
  type LabelledPrediction,
  type PredictionCalibration,
} from "./calibrate/calibrate-predictions.js";
export type { AnyFit } from "./calibrate/fit-method.js";
export {
  type FusedCalibrator,
  type FuseOptions,
  fuseCalibrator,
  fusedCalibrator,
  type ModelCalibrators,
  withoutCalibrator,
} from "./calibrate/fuse.js";
export { writeCalibrated } from "./calibrate/write-calibrated.js";
export { type CheckOptions, checkModel, type ModelReport } from "./check/check-model.js";
export { type DeviceTrialOptions, networkDeviceProblem } from "./check/device-trial.js";
export type { ProviderReport } from "./check/try-provider.js";
export { asksForClassWeights, withClassWeights } from "./config/class-weights.js";
export {
  type AugmentConfig,
  augmentationOf,
  type BuiltModelConfig,
  builtModel,
  ConfigError,
  configSchema,
  dimensionsOf,
  type JsonSchema,
  type LossConfig,
  type OnnxModelConfig,
  parseConfig,
  type TrainConfig,
} from "./config/config.js";
export { type LossStages, lossStages } from "./config/finish.js";
export { labelCount, lossOf, masksOf, regionHeads, withHeads } from "./config/regions.js";
export {
  type Augmentation,
  type FactorRange,
  type IntensityAugmentation,
  nnunetAugmentation,
  type SpatialAugmentation,
} from "./data/augmentation.js";
export type { Batch } from "./data/batch.js";
export { inverseFrequencies } from "./data/class-frequencies.js";
export { type CaseShape, FileDataset, type FileDatasetOptions, usualCacheBytes } from "./data/dataset.js";
export type { Dataset, DatasetCase, DatasetImage, OpenCase, Window } from "./data/dataset-case.js";
export { checkAxes, type ImageAxes, type ValueRange, valueRange } from "./data/image-checks.js";
export { inTurns } from "./data/in-turns.js";
export { Loader, type LoaderOptions, type Targets } from "./data/loader.js";
export type { PatchOptions } from "./data/patches.js";
export { imagesOf, type Share } from "./data/shares.js";
export type { Symmetries } from "./data/transforms.js";
export type { CanonicalOptions } from "./model/canonical.js";
export { carriedTile } from "./model/carried-tile.js";
export type { ExportOptions } from "./model/export.js";
export { meanModel } from "./model/mean-model.js";
export type { Model, Supervision } from "./model/model.js";
export { type NamedRegion, type RegionHeads, regionHeadsOf } from "./model/region-heads.js";
export { type AnyModel, modelClasses, type SourceOptions } from "./model/source.js";
export { plainUnet, residualUnet, type StagedUNetOptions } from "./model/staged-unet.js";
export { type Stages, stagesOf } from "./model/stages.js";
export type { UNetOptions } from "./model/unet.js";
export { unet2d } from "./model/unet2d.js";
export { unet3d } from "./model/unet3d.js";
export {
  type AdamWOptions,
  adamW,
  type Optimizer,
  type SgdOptions,
  sgd,
  type Update,
} from "./optimizer/optimizer.js";
export type { ParameterGroup } from "./optimizer/parameter-groups.js";
export {
  type CosineOptions,
  constant,
  cosine,
  type PolyOptions,
  poly,
  type Schedule,
  type WarmupOptions,
} from "./optimizer/schedule.js";
export type { TrainableSelection } from "./optimizer/trainable.js";
export { Ensemble } from "./predict/ensemble.js";
export { Network, type NetworkOptions } from "./predict/network.js";
export {
  type ChosenPostprocessing,
  choosePostprocessing,
  type Postprocessing,
  type PostprocessingDice,
  postprocessed,
  postprocessingDice,
} from "./predict/postprocessing.js";
export { type PredictOptions, type ProbabilityModel, predict } from "./predict/predict.js";
export {
  type PreparedModel,
  predictCase,
  predictCaseLabels,
  predictsLabels,
} from "./predict/predict-case.js";
export { type LabelMap, type PredictLabelsOptions, predictLabels } from "./predict/predict-labels.js";
export { regionLabels } from "./predict/region-labels.js";
export type { PredictorRestart, PredictorTimeout } from "./predict/service/events.js";
export type { PixelScaling, PredictorImages } from "./predict/service/images.js";
export {
  type BatchOptions,
  Predictor,
  type PredictorHealth,
  type PredictorOptions,
  type PredictorStatistics,
  type RequestOptions,
} from "./predict/service/predictor.js";
export { PredictorError, type PredictorFailure } from "./predict/service/predictor-error.js";
export type { ProcessHealth } from "./predict/service/process-slot.js";
export type { TileOptions } from "./predict/tiles.js";
export {
  foregroundLimit,
  foregroundValues,
  type IntensitySummary,
  measureNormalization,
  type NormalizationRequest,
  summarizeIntensities,
} from "./preparation/measure.js";
export { type MeasuredPlan, measuredPlan } from "./preparation/measured-plan.js";
export {
  networkFor,
  type Plan,
  type PlannedCases,
  type PlannedNetwork,
  planFor,
} from "./preparation/plan.js";
export {
  type ChannelNormalization,
  type Preparation,
  PreparationError,
  parsePreparation,
  preparationOf,
} from "./preparation/preparation.js";
export { nonZeroWindow, resampledSize } from "./preparation/prepare-case.js";
export { measureStep, StepMemoryError, type StepMemoryOptions } from "./preparation/step-memory.js";
export { channelBlock } from "./runtime/channel-block.js";
export {
  createSession,
  DeviceError,
  runtimeVersion,
  type Session,
  type SessionOptions,
  type TrainDevice,
  trainDevices,
} from "./runtime/session.js";
export { SessionError } from "./runtime/session-error.js";
export type { RunOptions, ValueInfo } from "./runtime/session-values.js";
export {
  type Checkpoint,
  predictionWeights,
  readCheckpoint,
  type TrainingState,
  writeCheckpoint,
} from "./trainer/checkpoint.js";
export {
  checkpointFiles,
  DamagedCheckpointError,
  type IntactCheckpoint,
  readRunCheckpoint,
  trainedEpochs,
} from "./trainer/checkpoint-rotation.js";
export { DivergedError } from "./trainer/diverged-error.js";
export { type BatchSource, type Progress, TrainingAbortedError } from "./trainer/epoch.js";
export type { EpochRecord } from "./trainer/epoch-record.js";
export { type Exchange, partsOfAll } from "./trainer/exchange.js";
export { type FitOptions, type FitResult, fit } from "./trainer/fit.js";
export { type LossGradient, type LossOptions, lossAndGradient } from "./trainer/loss-and-gradient.js";
export type { LossGrowth } from "./trainer/loss-growth.js";
export type { StepResult, TrainerOptions, WeightsChoice } from "./trainer/options.js";
export { type LogitsModel, scoreNetwork } from "./trainer/score-network.js";
export {
  buildEvaluationGraph,
  buildInferenceGraph,
  buildStepGraph,
  type LossValues,
} from "./trainer/step-graph.js";
export { Trainer } from "./trainer/trainer.js";
export { scoredPart, type TrainingBatch } from "./trainer/training-batch.js";
export type { Scores } from "./trainer/validation-scores.js";
