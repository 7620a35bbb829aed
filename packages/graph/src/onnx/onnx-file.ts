import { type ModelProto, modelTable } from "./onnx-proto.js";
import { decode } from "./wire.js";

/**
 * An ONNX file in memory, decoded once when it is made. Every function that takes the bytes of a file takes
 * this in their place and does not decode them again. Throws GraphError where the bytes are not an ONNX file.
 */
export class OnnxFile {
  /** The file as it was read, which must not change. */
  readonly bytes: Uint8Array;
  /** The decoded message; its arrays are views of `bytes` where they are stored as raw data. */
  readonly proto: ModelProto;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.proto = decode(modelTable, bytes) as ModelProto;
  }

  /** Returns `model` decoded: itself, or a new OnnxFile of bytes. */
  static of(model: Uint8Array | OnnxFile): OnnxFile {
    return model instanceof OnnxFile ? model : new OnnxFile(model);
  }
}
