import { UnsupportedOpError } from "../errors.js";
import { OPSET } from "../ir.js";
import { type AttributeProto, attributeTypes, type NodeProto } from "./onnx-proto.js";
import { meansTheSame } from "./opsets.js";

/** Operators whose list of axes was an attribute up to the set given. */
const axesAttribute: Readonly<Record<string, number>> = {
  ReduceSum: 12,
  Squeeze: 12,
  Unsqueeze: 12,
  ...Object.fromEntries(
    ["L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "SumSquare"].map((name) => [
      `Reduce${name}`,
      17,
    ]),
  ),
};

/** Operators that older sets define in another way, which is not written; the last such set of each. */
const differentBefore: Readonly<Record<string, number>> = {
  Clip: 10,
  LogSoftmax: 12,
  Pad: 10,
  Resize: 10,
  Slice: 9,
  Softmax: 12,
  Split: 12,
};

/**
 * Returns nodes of set `OPSET` as set `version` writes them: the opposite of `convertToOpset`, for nodes that
 * are inserted into a model of an older set. Throws UnsupportedOpError with all operators it cannot write.
 */
export function writtenInSet(nodes: readonly NodeProto[], version: number): readonly NodeProto[] {
  if (version >= OPSET) return nodes;
  const unknown = nodes.filter(
    (node) => !meansTheSame(node, version) || version <= (differentBefore[node.opType ?? ""] ?? 0),
  );
  if (unknown.length > 0) {
    const names = unknown.map(({ opType = "" }) => opType);
    throw new UnsupportedOpError(names, `model: operators that set ${version} does not have`);
  }
  const constants = new Map(
    nodes.flatMap(({ opType, outputs, attributes }) =>
      opType === "Constant" ? [[outputs![0]!, attributes?.[0]?.t] as const] : [],
    ),
  );
  return nodes.map((node) => {
    const { opType = "", inputs = [], attributes = [] } = node;
    if (version > (axesAttribute[opType] ?? 0) || inputs[1] === undefined) return node;
    const { rawData } = constants.get(inputs[1])!;
    const ints = new BigInt64Array(Uint8Array.from(rawData!).buffer);
    const axes: AttributeProto = { name: "axes", ints, type: attributeTypes.ints };
    return { ...node, inputs: inputs.slice(0, 1), attributes: [axes, ...attributes] };
  });
}
