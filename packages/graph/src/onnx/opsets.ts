import { GraphError } from "../errors.js";
import { OPSET } from "../ir.js";
import type { ModelProto, NodeProto } from "./onnx-proto.js";

/** More nodes than any network has. */
export const mostNodes = 200_000;

/** The operator sets whose definitions were compared with `OPSET`'s. */
const oldestOpset = 7;
const newestOpset = 28;

/** Whether a domain is ONNX's own. */
export const standard = (domain = ""): boolean => domain === "" || domain === "ai.onnx";

/** Returns the operator set of a model's standard operators. Throws GraphError where it names none. */
export function versionOf({ opsets = [] }: ModelProto): number {
  const version = opsets.find(({ domain }) => standard(domain))?.version;
  if (version === undefined) throw new GraphError("model", "does not name the operator set it uses");
  return version;
}

const has = (node: NodeProto, name: string): boolean =>
  (node.attributes ?? []).some((attribute) => attribute.name === name);

interface Meaning {
  /** First set in which the operator means what it means in `OPSET`; `oldestOpset` where absent. */
  readonly from?: number;
  /** First newer set in which it means something else. */
  readonly until?: number;
  /** For sets before `before`: finds a use of the node whose meaning differed. */
  readonly before?: readonly [number, (node: NodeProto) => boolean];
  /** For sets newer than `OPSET`, attributes it did not have. */
  readonly added?: readonly string[];
}

// From the version history of each operator in github.com/onnx/onnx docs/Changelog.md. Versions that only
// admit more types are not listed: types are checked on their own.
const meanings: Readonly<Record<string, Meaning>> = {
  ArgMax: { before: [12, (node) => has(node, "select_last_index")] },
  AveragePool: { added: ["dilations"] },
  BatchNormalization: { from: 9 },
  Celu: { from: 12 },
  CenterCropPad: { from: 18 },
  Col2Im: { from: 18 },
  ConstantOfShape: { from: 9 },
  ConvTranspose: { before: [11, (node) => has(node, "auto_pad")] },
  CumSum: { from: 11 },
  DepthToSpace: { until: 28 },
  Einsum: { from: 12 },
  Erf: { from: 9 },
  Expand: { from: 8 },
  GatherElements: { from: 11 },
  GatherND: { from: 11 },
  GreaterOrEqual: { from: 12 },
  GridSample: { from: 16 },
  GroupNormalization: { from: 18 },
  HardSwish: { from: 14 },
  LayerNormalization: { from: 17 },
  LessOrEqual: { from: 12 },
  MeanVarianceNormalization: { from: 9 },
  Max: { from: 8 },
  MaxPool: { from: 8 },
  Mean: { from: 8 },
  Min: { from: 8 },
  Mod: { from: 10, until: 28 },
  Range: { from: 11 },
  Resize: { from: 10 },
  ReduceLogSum: { until: 28 },
  ReduceLogSumExp: { until: 28 },
  Round: { from: 11 },
  ScatterElements: { from: 11 },
  ScatterND: { from: 11 },
  SequenceAt: { from: 11 },
  SequenceConstruct: { from: 11 },
  Sign: { from: 9 },
  SpaceToDepth: { until: 28 },
  SplitToSequence: { from: 11 },
  Sum: { from: 8 },
  TopK: { before: [10, (node) => (node.inputs ?? []).length > 1] },
  Upsample: { until: 10 },
  Trilu: { from: 14 },
  Where: { from: 9 },
};

/**
 * Whether a node of operator set `version` means the same as in `OPSET`, once
 * `convertToOpset` has written it as there.
 */
export function meansTheSame(node: NodeProto, version: number): boolean {
  const {
    from = oldestOpset,
    until = newestOpset + 1,
    before,
    added = [],
  } = meanings[node.opType ?? ""] ?? {};
  if (version < from || version >= until) return false;
  if (before && version < before[0] && before[1](node)) return false;
  return version <= OPSET || !added.some((name) => has(node, name));
}
