export type { PixelCounts, Scores } from "./case-scores.js";
export { channelBlock } from "./channel-block.js";
export { type CheckOptions, checkModel, type ModelReport, type ProviderReport } from "./check-model.js";
export {
  type Checkpoint,
  predictionWeights,
  readCheckpoint,
  type TrainingState,
  writeCheckpoint,
} from "./checkpoint.js";
export {
  checkpointFiles,
  DamagedCheckpointError,
  type IntactCheckpoint,
  readRunCheckpoint,
} from "./checkpoint-rotation.js";
export {
  type BuiltModelConfig,
  ConfigError,
  type LossConfig,
  type OnnxModelConfig,
  parseConfig,
  type TrainConfig,
} from "./config.js";
export type { Batch } from "./data/batch.js";
export { type Dataset, type DatasetCase, NpzDataset, type NpzDatasetOptions } from "./data/dataset.js";
export { Loader, type LoaderOptions, type LoaderState, type Targets } from "./data/loader.js";
export type { Augmentation } from "./data/transforms.js";
export {
  type EvaluateOptions,
  type Evaluation,
  type EvaluationCase,
  type EvaluationRow,
  evaluate,
  expectedPredictions,
  type ScoreSummary,
  summarize,
  summaryOf,
} from "./evaluate.js";
export type { ExportOptions } from "./export.js";
export {
  type BatchSource,
  type EpochRecord,
  type FitOptions,
  type FitResult,
  fit,
  type Progress,
  TrainingAbortedError,
} from "./fit.js";
export { type LossGradient, type LossOptions, lossAndGradient } from "./loss-and-gradient.js";
export type { ModelEnds } from "./model-ends.js";
export { type AnyModel, modelClasses, type SourceOptions } from "./model-source.js";
export type { Model } from "./models/model.js";
export type { UNetOptions } from "./models/unet.js";
export { unet2d } from "./models/unet2d.js";
export { unet3d } from "./models/unet3d.js";
export { type AdamWOptions, adamW, type Optimizer, type SgdOptions, sgd, type Update } from "./optimizer.js";
export { type LogitsModel, type PredictOptions, predict, softmax } from "./predict.js";
export { type ProbabilityTransform, probabilityTransforms } from "./predicted-probabilities.js";
export { ModelPredictor, type PredictorOptions } from "./predictor.js";
export type { RateGroup } from "./rates.js";
export { type CosineOptions, constant, cosine, type Schedule, type WarmupOptions } from "./schedule.js";
export {
  type EvaluationConvention,
  emptyPolicyOf,
  evaluationConventions,
  type ScoreOptions,
} from "./score-options.js";
export type { TrainableSelection } from "./selection.js";
export {
  Predictor,
  type PredictorServiceOptions,
  type PredictorStatistics,
  type RequestOptions,
} from "./service/predictor.js";
export { PredictorError, type PredictorFailure } from "./service/predictor-error.js";
export {
  createSession,
  DeviceError,
  type RunOptions,
  runtimeVersion,
  type Session,
  type SessionOptions,
  type TrainDevice,
  trainDevices,
  type ValueInfo,
} from "./session.js";
export { buildEvaluationGraph, buildInferenceGraph, buildStepGraph, type LossValues } from "./step-graph.js";
export type { TileOptions } from "./tiles.js";
export { Trainer } from "./trainer.js";
export {
  DivergedError,
  type StepResult,
  type TrainerOptions,
  type TrainingBatch,
  type WeightsChoice,
} from "./trainer-options.js";
