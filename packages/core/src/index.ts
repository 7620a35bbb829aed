export * from "./device.js";
export * from "./distance.js";
export * from "./errors.js";
export {
  type MorphologyOp,
  type MorphologyOptions,
  type MorphologySpec,
  morphology,
  morphologySync,
} from "./morphology.js";
export {
  type SoftLabelKernel,
  type SoftLabelPreset,
  type SoftLabelsOptions,
  softLabels,
  softLabelsSync,
} from "./soft-labels.js";
export {
  type DataType,
  elementCount,
  type Labels,
  type Tensor,
  type TypedArrays,
  tensor,
  zeros,
} from "./tensor.js";
