import type { Field, Message, Table } from "./wire.js";

// The messages of onnx.proto (github.com/onnx/onnx, onnx/onnx.proto, IR version 8 to 13) as far as models of
// tensors need them. Everything else is kept as unknown fields.

const one = (name: string, kind: Field["kind"]): Field => ({ name, kind });
const child = (name: string, table: () => Table): Field => ({ name, kind: "message", table });
const children = (name: string, table: () => Table): Field => ({ name, kind: "messages", table });

const entry: Table = { 1: one("key", "string"), 2: one("value", "string") };

export const tensorTable: Table = {
  1: one("dims", "ints"),
  2: one("dataType", "int"),
  4: { name: "floatData", kind: "floats", packed: true },
  5: { name: "int32Data", kind: "ints", packed: true },
  7: { name: "int64Data", kind: "ints", packed: true },
  8: one("name", "string"),
  9: one("rawData", "bytes"),
  10: one("doubleData", "doubles"),
  11: { name: "uint64Data", kind: "ints", packed: true },
  13: children("externalData", () => entry),
  14: one("dataLocation", "int"),
};
const dimension: Table = { 1: one("value", "int"), 2: one("param", "string") };
const shape: Table = { 1: children("dims", () => dimension) };
const tensorType: Table = { 1: one("elementType", "int"), 2: child("shape", () => shape) };
const type: Table = { 1: child("tensor", () => tensorType) };
const valueInfo: Table = { 1: one("name", "string"), 2: child("type", () => type) };
const attribute: Table = {
  1: one("name", "string"),
  2: one("f", "float"),
  3: one("i", "int"),
  4: one("s", "bytes"),
  5: child("t", () => tensorTable),
  6: child("g", () => graphTable),
  7: one("floats", "floats"),
  8: one("ints", "ints"),
  9: one("strings", "strings"),
  20: one("type", "int"),
  21: one("reference", "string"),
};
const node: Table = {
  1: one("inputs", "strings"),
  2: one("outputs", "strings"),
  3: one("name", "string"),
  4: one("opType", "string"),
  5: children("attributes", () => attribute),
  7: one("domain", "string"),
};
export const graphTable: Table = {
  1: children("nodes", () => node),
  2: one("name", "string"),
  5: children("initializers", () => tensorTable),
  11: children("inputs", () => valueInfo),
  12: children("outputs", () => valueInfo),
  13: children("valueInfo", () => valueInfo),
  15: children("sparseInitializers", () => ({})),
};
const operatorSet: Table = { 1: one("domain", "string"), 2: one("version", "int") };
export const modelTable: Table = {
  1: one("irVersion", "int"),
  2: one("producerName", "string"),
  3: one("producerVersion", "string"),
  7: child("graph", () => graphTable),
  8: children("opsets", () => operatorSet),
  14: children("metadata", () => entry),
  25: children("functions", () => functionTable),
};
const functionTable: Table = {
  1: one("name", "string"),
  4: one("inputs", "strings"),
  5: one("outputs", "strings"),
  7: children("nodes", () => node),
  9: children("opsets", () => operatorSet),
  10: one("domain", "string"),
  11: children("defaults", () => attribute),
};

interface EntryProto extends Message {
  readonly key?: string;
  readonly value?: string;
}
export interface TensorProto extends Message {
  readonly dims?: BigInt64Array | readonly number[];
  readonly dataType?: number;
  readonly floatData?: Float32Array;
  readonly int32Data?: BigInt64Array;
  readonly int64Data?: BigInt64Array;
  readonly name?: string;
  readonly rawData?: Uint8Array;
  readonly doubleData?: Float64Array;
  readonly uint64Data?: BigInt64Array;
  readonly externalData?: readonly EntryProto[];
  /** 1: the data lies in another file. */
  readonly dataLocation?: number;
}
interface DimensionProto extends Message {
  readonly value?: number;
  readonly param?: string;
}
export interface ValueInfoProto extends Message {
  readonly name?: string;
  readonly type?: {
    readonly tensor?: {
      readonly elementType?: number;
      readonly shape?: { readonly dims?: readonly DimensionProto[] };
    };
  };
}
/** AttributeProto.AttributeType */
export const attributeTypes = {
  float: 1,
  int: 2,
  string: 3,
  tensor: 4,
  graph: 5,
  floats: 6,
  ints: 7,
  strings: 8,
} as const;
export interface AttributeProto extends Message {
  readonly name?: string;
  readonly f?: number;
  readonly i?: number;
  readonly s?: Uint8Array;
  readonly t?: TensorProto;
  readonly g?: GraphProto;
  readonly floats?: Float32Array | readonly number[];
  readonly ints?: BigInt64Array | readonly number[];
  readonly strings?: readonly string[];
  readonly type?: number;
  /** In a function: the attribute of the call that stands here. */
  readonly reference?: string;
}
export interface NodeProto extends Message {
  readonly inputs?: readonly string[];
  readonly outputs?: readonly string[];
  readonly name?: string;
  readonly opType?: string;
  readonly attributes?: readonly AttributeProto[];
  readonly domain?: string;
}
export interface GraphProto extends Message {
  readonly nodes?: readonly NodeProto[];
  readonly name?: string;
  readonly initializers?: readonly TensorProto[];
  readonly inputs?: readonly ValueInfoProto[];
  readonly outputs?: readonly ValueInfoProto[];
  /** Types of values in between, where the file tells them. */
  readonly valueInfo?: readonly ValueInfoProto[];
  readonly sparseInitializers?: readonly Message[];
}
export interface ModelProto extends Message {
  readonly irVersion?: number;
  readonly producerName?: string;
  readonly producerVersion?: string;
  readonly graph?: GraphProto;
  readonly opsets?: readonly { readonly domain?: string; readonly version?: number }[];
  readonly metadata?: readonly EntryProto[];
  readonly functions?: readonly FunctionProto[];
}
export interface FunctionProto extends Message {
  readonly name?: string;
  readonly domain?: string;
  readonly inputs?: readonly string[];
  readonly outputs?: readonly string[];
  readonly nodes?: readonly NodeProto[];
  readonly opsets?: readonly { readonly domain?: string; readonly version?: number }[];
  /** Attributes a call may leave out. */
  readonly defaults?: readonly AttributeProto[];
}
