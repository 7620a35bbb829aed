/**
 * One function per ONNX operator, in ONNX's spelling: each adds a node to its operands' graph and returns its output.
 * Operands may be numbers, which become scalars; axes, starts, repeats, pads and shapes are plain number lists.
 */
export * from "./ops/elementwise.js";
export * from "./ops/layers.js";
export * from "./ops/movement.js";
export * from "./ops/reduction.js";
