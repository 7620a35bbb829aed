export * from "./device.js";
export * from "./distance.js";
export * from "./errors.js";
export {
  type DataType,
  elementCount,
  type Labels,
  type Tensor,
  type TypedArrays,
  tensor,
  zeros,
} from "./tensor.js";
