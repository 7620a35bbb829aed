import type { GraphProto, ModelProto, TensorProto } from "./onnx-proto.js";

/**
 * The treatment of weights that PyTorch's exporters merged because their values are equal:
 * - "named": the TorchScript exporter keeps the name of each merged weight in an Identity node; each becomes
 *   a weight of its own, unless the name is one that exporters make up.
 * - "untie": the dynamo exporter lets several layers take one array; each gets its own here too, `w.2` for
 *   the second layer that takes `w`.
 * - "keep": the model as it is stored.
 */
export type TiedWeights = "named" | "untie" | "keep";

/** A node's use of a stored array that another node before it takes too. */
export interface TiedUse {
  /** The name of the array where it is a weight of its own. */
  readonly name: string;
  /** The stored array. */
  readonly of: string;
  /** The node, by its place. */
  readonly node: number;
}

/** Whether a tensor has a data type of weights: float32, float16 or bfloat16. */
const isFloatType = ({ dataType = 0, dims = [] }: TensorProto): boolean =>
  [1, 10, 16].includes(dataType) && dims.length > 0;

/**
 * Returns every use of a stored array after its first: `w.2` is the second node's, `w.3` the third's. A node
 * that takes it twice counts once, and branches and Identity nodes not at all.
 */
export function tiedUses({ initializers = [], nodes = [] }: GraphProto): readonly TiedUse[] {
  const names = new Set([
    ...initializers.map(({ name = "" }) => name),
    ...nodes.flatMap(({ outputs = [] }) => outputs),
  ]);
  const taken = new Map(initializers.filter(isFloatType).map(({ name = "" }) => [name, 0]));
  const uses: TiedUse[] = [];
  for (const [node, { opType, inputs = [] }] of nodes.entries()) {
    if (opType === "Identity") continue;
    for (const of of new Set(inputs)) {
      const before = taken.get(of);
      if (before === undefined) continue;
      taken.set(of, before + 1);
      if (before === 0) continue;
      let name = `${of}.${before + 1}`;
      while (names.has(name)) name += "_";
      uses.push({ name, of, node });
    }
  }
  return uses;
}

/** Returns the model with an array of its own for every node in place of each that several nodes take. */
export function untieWeights(model: ModelProto): ModelProto {
  const { graph = {} } = model;
  const { initializers = [], nodes = [] } = graph;
  const stored = new Map(initializers.map((tensor) => [tensor.name ?? "", tensor]));
  const own = [...nodes];
  const copies: TensorProto[] = [];
  for (const { name, of, node } of tiedUses(graph)) {
    copies.push({ ...stored.get(of)!, name });
    own[node] = { ...own[node], inputs: own[node]!.inputs?.map((input) => (input === of ? name : input)) };
  }
  return { ...model, graph: { ...graph, initializers: [...initializers, ...copies], nodes: own } };
}
