export { floatAttributes } from "./attributes.js";
export { dataType, fromNumbers, isFloat, onnxTypes, toNumbers } from "./data-types.js";
export { GraphError, UnsupportedOpError } from "./errors.js";
export { gradientRules, gradients } from "./gradients.js";
export {
  type Attribute,
  type Attributes,
  Graph,
  IR_VERSION,
  type Node,
  type NodeOptions,
  OPSET,
  type Value,
} from "./graph.js";
export { evaluate, interpret } from "./interpret.js";
export type { LoweringDevice } from "./lower/lowering.js";
export { type LowerOptions, lower } from "./lower.js";
export { type ExternalReader, externalPath, folderReader } from "./model/external-data.js";
export { type DeclaredValue, inspectModel, type ModelFacts, modelMetadata } from "./model/inspect.js";
export { modelOperators, type OperatorUse } from "./model/known-operators.js";
export { type ParseOptions, parseModel } from "./model/parse.js";
export {
  type ExternalOptions,
  externalModel,
  modelChunks,
  type SerializeOptions,
  serializeModel,
} from "./model/serialize.js";
export type { TiedWeights } from "./model/tied.js";
export { type ExternalPatch, type PatchedModel, replaceWeights, type Weights } from "./model/weights.js";
export { type ConvOptions, type ConvTransposeOptions, type Initialize, Layers } from "./nn.js";
export * as ops from "./ops.js";
export { liveNodes, prune, type Rewriting, rewrite, rewriteWithMap } from "./rewrite.js";
export type { Backward, GradientRule } from "./rules/rule.js";
export { blockedDomain } from "./shapes/blocked.js";
export { opKey } from "./shapes.js";
export { trainingForm, updatedName } from "./training-form.js";
export { type WeightRoles, weightRoles } from "./weight-roles.js";
