const byOperator: Readonly<Record<string, readonly number[]>> = {
  Conv: [1, 2],
  ConvTranspose: [1, 2],
  Gemm: [1, 2],
  MatMul: [0, 1],
  PRelu: [1],
  BatchNormalization: [1, 2, 3, 4],
  InstanceNormalization: [1, 2],
  LayerNormalization: [1, 2],
  GroupNormalization: [1, 2],
};

/** Returns the inputs of an operator that hold weights, however a model stores them. */
export const weightInputs = (opType: string): readonly number[] =>
  Object.hasOwn(byOperator, opType) ? byOperator[opType]! : [];
