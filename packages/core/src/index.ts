export * from "./device.js";
export * from "./distance.js";
export * from "./errors.js";
export {
  type SurfaceConvention,
  type SurfaceDefinition,
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
  type MorphologyOp,
  type MorphologyOptions,
  type MorphologySpec,
  morphology,
  morphologySync,
} from "./morphology.js";
export {
  type SignedDistanceOptions,
  signedDistance,
  signedDistanceSync,
} from "./signed-distance.js";
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
