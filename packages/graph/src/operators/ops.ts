/**
 * One function per ONNX operator, in ONNX's spelling: each adds a node to its operands' graph and returns its output.
 * Some operators are written in terms of others. Operands may be numbers, which become scalars; axes, starts, repeats,
 * pads and shapes are plain number lists.
 */

export * from "../ops/elementwise.js";
export * from "../ops/movement.js";
export * from "../ops/reduction.js";
export * from "./activations.js";
export * from "./attention.js";
export * from "./einsum.js";
export * from "./grid-sample.js";
export * from "./layers.js";
export * from "./normalizations.js";
