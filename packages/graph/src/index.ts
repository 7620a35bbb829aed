export { floatAttributes } from "./attributes.js";
export { dataType, fromNumbers, isFloat, onnxTypes, toNumbers } from "./data-types.js";
export { GraphError, UnsupportedOpError } from "./errors.js";
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
export * as ops from "./ops.js";
export { liveNodes, prune, type Rewriting, rewrite, rewriteWithMap } from "./rewrite.js";
export { opKey } from "./shapes.js";
