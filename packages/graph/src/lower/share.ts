import { type Attribute, type Graph, type Node, opKey, type Value } from "../ir.js";
import { copy, liveNodes, rewrite } from "../rewrite.js";

/** Operators that may be asked for more outputs without changing the others. */
const extensible = new Set(["MaxPool"]);

/** Merges nodes that compute the same, so that rules need not know what others have already built. */
export function share(source: Graph): Graph {
  const { keys, most } = keysOf(source);
  const made = new Map<string, readonly Value[]>();
  return rewrite(source, {
    node: (node, inputs, target) => {
      const key = keys.get(node)!;
      const known = made.get(key);
      if (known !== undefined) return known;
      const count = most.get(key)!;
      const values =
        count > node.outputs.length
          ? target.node(node.opType, inputs, node.attributes, { name: node.name, outputs: count })
          : copy(node, inputs, target);
      made.set(key, values);
      return values;
    },
  });
}

/**
 * Returns a key per node, equal for nodes that compute the same, and the most outputs that any node of a key
 * has.
 */
function keysOf(source: Graph): { keys: Map<Node, string>; most: Map<string, number> } {
  const keys = new Map<Node, string>();
  const most = new Map<string, number>();
  const numbers = new Map<Value | string, number>();
  const number = (of: Value | string): number => {
    const known = numbers.get(of) ?? numbers.size;
    numbers.set(of, known);
    return known;
  };
  for (const node of liveNodes(source)) {
    const inputs = node.inputs.map((input) => (input === undefined ? "" : number(input)));
    const outputs = extensible.has(node.opType) ? "" : node.outputs.length;
    const key = `${opKey(node)}/${outputs}(${inputs.join()})${describe(node)}`;
    keys.set(node, key);
    most.set(key, Math.max(most.get(key) ?? 0, node.outputs.length));
    // Outputs of equal nodes get equal numbers, so that what is computed from them is found to be equal too.
    for (const [index, output] of node.outputs.entries()) numbers.set(output, number(`${key}#${index}`));
  }
  return { keys, most };
}

function describe(node: Node): string {
  const attributes = Object.entries(node.attributes).sort(([a], [b]) => (a < b ? -1 : 1));
  return attributes.map(([key, value]) => `${key}=${text(node, value)}`).join(";");
}

const text = (node: Node, value: Attribute): string =>
  typeof value === "object" && !Array.isArray(value) ? `of ${node.name}` : String(value);
