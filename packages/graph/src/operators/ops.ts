/**
 * One function per ONNX operator, in ONNX's spelling: each adds a node to its operands' graph and returns its
 * output. Some operators are written in terms of others. Operands may be numbers, which become scalars; axes,
 * starts, repeats, pads and shapes are plain number lists.
 */

export { Celu, Gelu, Mish, Selu, Shrink, Swish, ThresholdedRelu } from "./activations.js";
export { Attention, type AttentionOptions } from "./attention.js";
export { Col2Im, type Col2ImOptions } from "./col2im.js";
export { Conv, type ConvAttributes, ConvTranspose, type ConvTransposeAttributes } from "./convolution.js";
export { Einsum } from "./einsum.js";
export {
  Abs,
  Add,
  And,
  Cast,
  Ceil,
  Clip,
  Cos,
  Div,
  Elu,
  Equal,
  Erf,
  Exp,
  Floor,
  Greater,
  GreaterOrEqual,
  HardSigmoid,
  HardSwish,
  Identity,
  LeakyRelu,
  Less,
  LessOrEqual,
  Log,
  Max,
  Mean,
  Min,
  Mod,
  Mul,
  Neg,
  Not,
  Or,
  Pow,
  PRelu,
  Reciprocal,
  Relu,
  Round,
  Sigmoid,
  Sign,
  Sin,
  Softplus,
  Softsign,
  Sqrt,
  StopGradient,
  Sub,
  Sum,
  Tanh,
  Where,
  Xor,
} from "./elementwise.js";
export { GridSample, type GridSampleOptions } from "./grid-sample.js";
export { Gather, GatherElements, GatherND, OneHot, ScatterElements, ScatterND, TopK } from "./indexing.js";
export { Gemm, MatMul } from "./matmul.js";
export {
  DepthToSpace,
  Expand,
  Flatten,
  Reshape,
  SpaceToDepth,
  Squeeze,
  Tile,
  Transpose,
  Unsqueeze,
} from "./movement.js";
export {
  BatchNormalization,
  type BatchNormalizationAttributes,
  GroupNormalization,
  InstanceNormalization,
  LayerNormalization,
  LpNormalization,
  LRN,
  type LrnOptions,
  MeanVarianceNormalization,
  RMSNormalization,
} from "./normalization.js";
export {
  AveragePool,
  GlobalAveragePool,
  GlobalLpPool,
  GlobalMaxPool,
  LpPool,
  type LpPoolOptions,
  MaxPool,
  MaxPoolWithIndices,
  MaxUnpool,
  type PoolAttributes,
} from "./pooling.js";
export {
  ArgMax,
  ArgMin,
  CumSum,
  LogSoftmax,
  ReduceL1,
  ReduceL2,
  ReduceLogSum,
  ReduceLogSumExp,
  ReduceMax,
  ReduceMean,
  ReduceMin,
  ReduceProd,
  ReduceSum,
  ReduceSumSquare,
  Softmax,
} from "./reduction.js";
export { Resize, type ResizeOptions } from "./resize.js";
export { Concat, Pad, type PadOptions, Slice, Split } from "./slicing.js";
