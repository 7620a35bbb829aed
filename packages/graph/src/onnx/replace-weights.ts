import type { Tensor } from "@pixelcal/core";
import { GraphError, graphError } from "../errors.js";
import { sameDims } from "../operators/spec.js";
import { allNodes } from "./known-operators.js";
import { orderNodes } from "./node-order.js";
import { OnnxFile } from "./onnx-file.js";
import { type GraphProto, graphTable, type NodeProto, type TensorProto, tensorTable } from "./onnx-proto.js";
import { dataFiles, externalPlace } from "./read-tensor.js";
import { roundToHalf } from "./round-to-half.js";
import { tiedUses } from "./tied-weights.js";
import { decode } from "./wire.js";
import { type Put, rewriteFields, varint } from "./wire-rewriter.js";
import { encode } from "./wire-writer.js";

/** New bytes for a part of a file beside the model that holds some of its weights. */
export interface ExternalPatch {
  readonly location: string;
  readonly offset: number;
  readonly bytes: Uint8Array;
}

export interface PatchedModel {
  /** The model file in pieces; what did not change refers to the original's bytes. */
  readonly model: readonly Uint8Array[];
  readonly patches: readonly ExternalPatch[];
  /** Every file that the model keeps weights in, patched or not. */
  readonly locations: readonly string[];
}

type Values = Tensor<"float32">;
export type Weights = Readonly<Record<string, Values>>;

// Numbers of the fields of onnx.proto's messages.
const inModel = { graph: 7 } as const;
const inGraph = { node: 1, initializer: 5 } as const;
const inNode = { input: 1, attribute: 5 } as const;
const inAttribute = { tensor: 5, floats: 7 } as const;
const inTensor = { floatData: 4, int32Data: 5, rawData: 9 } as const;

/**
 * Writes a model file with other values in some of its weights, in the data types and places it keeps them;
 * every other byte stays. A weight is named by its initializer, by a Constant node's output, by the output of
 * an Identity of an initializer, or as `TiedWeights` names what several nodes take: exporters merge weights
 * that are equal, and one that no longer is becomes an initializer of its own. Throws GraphError naming all
 * weights that are missing.
 */
export function replaceWeights(file: Uint8Array | OnnxFile, weights: Weights): PatchedModel {
  const { bytes, proto: model } = OnnxFile.of(file);
  const proto = model.graph ?? {};
  const plan = planOf(proto, new Map(Object.entries(weights)));
  const patches: ExternalPatch[] = [];
  const tensorPut = (
    payload: Uint8Array,
    name: string,
    values: Values,
  ): readonly Uint8Array[] | undefined => {
    const tensor = { ...(decode(tensorTable, payload) as TensorProto), name };
    checkShape(tensor, values);
    if (tensor.dataLocation !== 1) return inlineTensor(payload, tensor, values);
    patches.push(externalPatch(tensor, values));
    return undefined;
  };
  const constantPut =
    (name: string, values: Values): Put =>
    (field, payload) => {
      if (field !== inNode.attribute) return undefined;
      let at = 0;
      return rewriteFields(payload, (inner, part) => {
        if (inner === inAttribute.tensor) return tensorPut(part, name, values);
        if (inner !== inAttribute.floats) return undefined;
        at += part.length;
        return [rawBytes(values, "float32").subarray(at - part.length, at)];
      });
    };
  const inputPut =
    ({ inputs = [] }: NodeProto, names: ReadonlyMap<string, string>): Put =>
    (field, _, index) => {
      const name = field === inNode.input ? names.get(inputs[index]!) : undefined;
      return name === undefined ? undefined : [Buffer.from(name)];
    };
  const graphPut: Put = (field, payload, index) => {
    if (field === inGraph.initializer) {
      const { name = "" } = proto.initializers![index]!;
      const values = plan.initializers.get(name);
      return values && tensorPut(payload, name, values);
    }
    if (field !== inGraph.node) return undefined;
    const output = proto.nodes![index]!.outputs?.[0] ?? "";
    if (plan.separate.has(output)) return null;
    const renamed = plan.renamed.get(index);
    if (renamed !== undefined) return rewriteFields(payload, inputPut(proto.nodes![index]!, renamed));
    const values = plan.constants.get(output);
    return values && rewriteFields(payload, constantPut(output, values));
  };
  const patched = rewriteFields(bytes, (field, payload) => {
    if (field !== inModel.graph) return undefined;
    const graph = rewriteFields(payload, graphPut);
    const initializers = [...plan.separate].map(([name, { values, like }]): TensorProto => {
      checkShape({ ...like, name }, values);
      return { dims: like.dims, dataType: like.dataType, name, rawData: rawBytes(values, typeOf(like)) };
    });
    return [...graph, ...encode(graphTable, { initializers })];
  });
  return { model: patched, patches, locations: dataFiles(proto) };
}

interface Plan {
  readonly initializers: ReadonlyMap<string, Values>;
  readonly constants: ReadonlyMap<string, Values>;
  /**
   * New initializers, with the one they were the same as; a name may be the
   * output of an Identity, which goes.
   */
  readonly separate: ReadonlyMap<string, { readonly values: Values; readonly like: TensorProto }>;
  /** New names of inputs by node. */
  readonly renamed: ReadonlyMap<number, ReadonlyMap<string, string>>;
}

function planOf(graph: GraphProto, weights: ReadonlyMap<string, Values>): Plan {
  const { initializers = [], nodes = [] } = graph;
  const tied = tiedUses(graph).filter(({ name }) => weights.has(name));
  const stored = new Map(initializers.map((tensor) => [tensor.name ?? "", tensor]));
  const roots = new Map<string, string>();
  const constants = new Map<string, Values>();
  const used = new Set<string>();
  for (const node of orderNodes(nodes)) {
    const { opType, inputs = [], outputs = [], attributes = [] } = node;
    const output = outputs[0] ?? "";
    const source = roots.get(inputs[0] ?? "") ?? inputs[0] ?? "";
    const values = weights.get(output);
    if (opType === "Identity" && stored.has(source)) roots.set(output, source);
    else
      for (const each of allNodes({ nodes: [node] })) for (const input of each.inputs ?? []) used.add(input);
    if (opType !== "Constant" || values === undefined) continue;
    constants.set(output, values);
    for (const { floats } of attributes)
      if (floats !== undefined) checkShape({ name: output, dims: [floats.length] }, values);
  }
  const known = new Set([...stored.keys(), ...constants.keys(), ...roots.keys()]);
  for (const { name } of tied) known.add(name);
  const missing = [...weights.keys()].filter((name) => !known.has(name));
  if (missing.length > 0) throw graphError("weights", "weights that the model stores", missing);
  const changed = new Map([...weights].filter(([name]) => stored.has(name)));
  // A merged weight that no node takes itself gets the values of the first weight split off from it.
  const kept = new Set(
    [...roots].flatMap(([name, root]) => (used.has(name) && !weights.has(name) ? [root] : [])),
  );
  const separate = new Map<string, { values: Values; like: TensorProto }>();
  const part = (name: string, root: string): boolean => {
    const values = weights.get(name)!;
    const shared = changed.get(root);
    if (shared !== undefined && same(shared, values)) return false;
    separate.set(name, { values, like: stored.get(root)! });
    return true;
  };
  for (const [name, root] of roots) {
    if (!weights.has(name)) continue;
    if (!changed.has(root) && !used.has(root) && !kept.has(root)) changed.set(root, weights.get(name)!);
    part(name, root);
  }
  const renamed = new Map<number, Map<string, string>>();
  for (const { name, of, node } of tied) {
    if (!part(name, of)) continue;
    if (!renamed.has(node)) renamed.set(node, new Map());
    renamed.get(node)!.set(of, name);
  }
  return { initializers: changed, constants, separate, renamed };
}

const same = (a: Values, b: Values): boolean =>
  a === b || Buffer.compare(rawBytes(a, "float32"), rawBytes(b, "float32")) === 0;

function checkShape({ name = "", dims = [] }: TensorProto, values: Values): void {
  const stored = Array.from(dims, Number);
  if (!sameDims(stored, values.dims)) throw graphError(name, `[${stored.join(", ")}]`, values.dims);
}

const floatTypes: Readonly<Record<number, "float32" | "float16" | "bfloat16">> = {
  1: "float32",
  10: "float16",
  16: "bfloat16",
};

function typeOf({ name = "", dataType = 0 }: TensorProto): "float32" | "float16" | "bfloat16" {
  const type = floatTypes[dataType];
  if (type === undefined) throw graphError(name, "float32, float16 or bfloat16", `data type ${dataType}`);
  return type;
}

function rawBytes({ data }: Values, type: "float32" | "float16" | "bfloat16"): Uint8Array {
  const { buffer, byteOffset, byteLength } = type === "float32" ? data : roundToHalf(data, type);
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** Returns the tensor's payload with new values in the field it keeps them in. */
function inlineTensor(payload: Uint8Array, tensor: TensorProto, values: Values): Uint8Array[] {
  const type = typeOf(tensor);
  const bytes = rawBytes(values, type);
  let at = 0;
  return rewriteFields(payload, (field, part) => {
    if (field === inTensor.rawData) return [bytes];
    if (field === inTensor.floatData && type === "float32") {
      at += part.length;
      return [bytes.subarray(at - part.length, at)];
    }
    if (field !== inTensor.int32Data || type === "float32") return undefined;
    // 16-bit patterns as numbers of one to three bytes each.
    const count = part.reduce((numbers, byte) => numbers + (byte < 0x80 ? 1 : 0), 0);
    at += count;
    const patterns = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
    return Array.from(patterns.subarray(at - count, at), varint);
  });
}

function externalPatch(tensor: TensorProto, values: Values): ExternalPatch {
  const { name = "" } = tensor;
  const bytes = rawBytes(values, typeOf(tensor));
  const { location, offset, length = bytes.length, checksum } = externalPlace(tensor, name);
  if (length !== bytes.length) throw graphError(name, `${bytes.length} bytes`, length);
  if (checksum !== undefined)
    throw new GraphError(name, "its data file has a checksum, which new weights would break");
  return { location, offset, bytes };
}
