export { dataType, fromNumbers, isFloat, onnxTypes, toNumbers } from "./data-types.js";
export { GraphError, UnsupportedOpError } from "./errors.js";
export { gradientRules, gradients } from "./gradients/gradients.js";
export type { Backward, GradientRule } from "./gradients/rule.js";
export { Graph } from "./graph.js";
export { evaluate, interpret } from "./interpret/interpret.js";
export {
  type Attribute,
  type Attributes,
  IR_VERSION,
  type Node,
  type NodeOptions,
  OPSET,
  opKey,
  type Value,
} from "./ir.js";
export { type LowerOptions, lower } from "./lower/lower.js";
export type { LoweringDevice } from "./lower/lowering.js";
export { type ConvOptions, type ConvTransposeOptions, type Initialize, Layers } from "./nn.js";
export { type ExternalReader, externalPath, folderReader } from "./onnx/external-data.js";
export {
  type DeclaredValue,
  inspectModel,
  type ModelFacts,
  modelMetadata,
  valueTypes,
} from "./onnx/inspect.js";
export { modelOperators, type OperatorUse } from "./onnx/known-operators.js";
export { withMetadata } from "./onnx/metadata.js";
export { OnnxFile } from "./onnx/onnx-file.js";
export { type ParseOptions, parseModel } from "./onnx/parse.js";
export {
  type ExternalPatch,
  type PatchedModel,
  replaceWeights,
  type Weights,
} from "./onnx/replace-weights.js";
export {
  type ExternalOptions,
  externalModel,
  modelChunks,
  type SerializeOptions,
  serializeModel,
} from "./onnx/serialize.js";
export { type Splice, spliceModel, withoutSplices } from "./onnx/splice.js";
export { type StoredNode, storedSources, withOutput } from "./onnx/stored-nodes.js";
export type { TiedWeights } from "./onnx/tied-weights.js";
export { blockedDomain } from "./operators/blocked.js";
export * as ops from "./operators/ops.js";
export { rebatch } from "./rebatch/rebatch.js";
export { addCopy, prune, type Rewriting, rewrite } from "./rewrite.js";
export { type SplitWeights, splitWeights } from "./split-weights.js";
export { trainingForm, updatedName } from "./training-form.js";
export { type WeightRoles, weightRoles } from "./weight-roles.js";
