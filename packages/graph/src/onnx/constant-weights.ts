import { weightInputs } from "../operators/weight-inputs.js";
import { isInlined } from "./inline-functions.js";
import type { NodeProto } from "./onnx-proto.js";

/** The operators a weight may pass on its way to the one that uses it. */
const passing = new Set(["Transpose", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Identity", "Cast"]);

/**
 * Returns the names of Constant nodes that may hold weights, as some exporters write all of them;
 * `weightRoles` sorts out the ones and zeros of a group norm.
 */
export function constantWeights(nodes: readonly NodeProto[]): ReadonlySet<string> {
  const makers = new Map(
    nodes.flatMap((node) => (node.outputs ?? []).map((name): [string, NodeProto] => [name, node])),
  );
  const found = new Set<string>();
  for (const { opType = "", inputs = [] } of nodes) {
    for (const index of weightInputs(opType)) {
      let name = inputs[index] ?? "";
      let maker = makers.get(name);
      for (let steps = 0; maker && passing.has(maker.opType ?? "") && steps < 16; steps++) {
        name = maker.inputs?.[0] ?? "";
        maker = makers.get(name);
      }
      if (maker?.opType === "Constant" && !isInlined(name)) found.add(name);
    }
  }
  return found;
}
