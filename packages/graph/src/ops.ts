/**
 * One function per ONNX operator, in ONNX's spelling: each adds a node to its operands' graph and returns its output.
 * Some operators are written in terms of others. Operands may be numbers, which become scalars; axes, starts, repeats,
 * pads and shapes are plain number lists.
 */
export * from "./ops/activations.js";
export * from "./ops/attention.js";
export * from "./ops/einsum.js";
export * from "./ops/elementwise.js";
export * from "./ops/grid-sample.js";
export * from "./ops/layers.js";
export * from "./ops/movement.js";
export * from "./ops/normalizations.js";
export * from "./ops/reduction.js";
