import type { NodeProto } from "./onnx-proto.js";

/**
 * Orders nodes so that each follows the nodes it uses: runtimes accept any order, and some converters append
 * the nodes they add. Nodes in a circle stay as they are; nodes in order keep their order.
 */
export function orderNodes(nodes: readonly NodeProto[]): readonly NodeProto[] {
  const makers = new Map<string, number>();
  for (const [index, { outputs = [] }] of nodes.entries()) {
    for (const name of outputs) if (name !== "" && !makers.has(name)) makers.set(name, index);
  }
  const needs = nodes.map((node) => [...usedNames(node)].flatMap((name) => makers.get(name) ?? []));
  if (needs.every((before, index) => before.every((maker) => maker < index))) return nodes;
  const sorted: NodeProto[] = [];
  const state = new Uint8Array(nodes.length);
  const [met, placed] = [1, 2];
  for (const start of nodes.keys()) {
    // An explicit stack, because chains of nodes are longer than the call stack is deep.
    const stack = [start];
    while (stack.length > 0) {
      const index = stack.at(-1)!;
      const waiting = state[index] === 0 ? needs[index]!.filter((maker) => state[maker] === 0) : [];
      if (waiting.length > 0) {
        state[index] = met;
        stack.push(...waiting.reverse());
        continue;
      }
      stack.pop();
      if (state[index] === placed) continue;
      state[index] = placed;
      sorted.push(nodes[index]!);
    }
  }
  return sorted;
}

/** Yields the names of the values a node uses, its branches included. */
function* usedNames({ inputs = [], attributes = [] }: NodeProto): Generator<string> {
  yield* inputs;
  for (const { g } of attributes) {
    for (const { name = "" } of g?.outputs ?? []) yield name;
    for (const node of g?.nodes ?? []) yield* usedNames(node);
  }
}
