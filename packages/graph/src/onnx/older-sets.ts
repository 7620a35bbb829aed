import { UnsupportedOpError } from "../errors.js";
import { OPSET } from "../ir.js";
import { type AttributeProto, attributeTypes, type NodeProto } from "./onnx-proto.js";
import { meansTheSame } from "./opsets.js";

/** Operators whose lists were attributes up to a set, by the names of the inputs behind the first. */
const listAttributes: Readonly<
  Record<string, { readonly until: number; readonly names: readonly string[] }>
> = {
  Pad: { until: 10, names: ["pads"] },
  ReduceSum: { until: 12, names: ["axes"] },
  Slice: { until: 9, names: ["starts", "ends", "axes", "steps"] },
  Squeeze: { until: 12, names: ["axes"] },
  Unsqueeze: { until: 12, names: ["axes"] },
  ...Object.fromEntries(
    ["L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "SumSquare"].map((name) => [
      `Reduce${name}`,
      { until: 17, names: ["axes"] },
    ]),
  ),
};

/** Operators that older sets define in another way, which is not written; the last such set of each. */
const differentBefore: Readonly<Record<string, number>> = {
  Clip: 10,
  LogSoftmax: 12,
  Resize: 10,
  Softmax: 12,
  Split: 12,
};

/**
 * Returns nodes of set `OPSET` as set `version` writes them: the opposite of `convertToOpset`, for nodes that
 * are inserted into a model of an older set. Throws UnsupportedOpError with all operators it cannot write.
 */
export function writtenInSet(nodes: readonly NodeProto[], version: number): readonly NodeProto[] {
  if (version >= OPSET) return nodes;
  const constants = new Map(
    nodes.flatMap(({ opType, outputs, attributes }) =>
      opType === "Constant" ? [[outputs![0]!, attributes?.[0]?.t] as const] : [],
    ),
  );
  const listOf = (input: string): BigInt64Array =>
    new BigInt64Array(Uint8Array.from(constants.get(input)!.rawData!).buffer);
  const unknown = nodes.filter((node) => {
    const { opType = "", inputs = [] } = node;
    if (!meansTheSame(node, version) || version <= (differentBefore[opType] ?? 0)) return true;
    const { until, names } = listAttributes[opType] ?? { until: 0, names: [] };
    if (version > until) return false;
    // Older sets know no steps, and no other value or axes of Pad.
    return (
      inputs.length > 1 + names.length || (inputs[4] !== undefined && listOf(inputs[4]).some((n) => n !== 1n))
    );
  });
  if (unknown.length > 0) {
    const names = unknown.map(({ opType = "" }) => opType);
    throw new UnsupportedOpError(names, `model: operators that set ${version} does not have`);
  }
  return nodes.map((node) => {
    const { opType = "", inputs = [], attributes = [] } = node;
    const { until, names } = listAttributes[opType] ?? { until: 0, names: [] };
    if (version > until) return node;
    const lists = names.flatMap((name, i): readonly AttributeProto[] => {
      const input = inputs[1 + i];
      if (input === undefined || name === "steps") return [];
      return [{ name, ints: listOf(input), type: attributeTypes.ints }];
    });
    return { ...node, inputs: inputs.slice(0, 1), attributes: [...lists, ...attributes] };
  });
}
