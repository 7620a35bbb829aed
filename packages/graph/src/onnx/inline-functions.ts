import { GraphError } from "../errors.js";
import type { Budget } from "./budget.js";
import type { AttributeProto, FunctionProto, GraphProto, ModelProto, NodeProto } from "./onnx-proto.js";
import { standard, versionOf } from "./opsets.js";

/** A function may call others, but no network nests them deeper. */
const mostNesting = 16;

const keyOf = (domain = "", name = ""): string => `${standard(domain) ? "" : domain}.${name}`;

/**
 * Whether a name was made for the inside of a function, where nothing is trained: a
 * call has no weights of its own.
 */
export const isInlined = (name: string): boolean => /#\d+\//.test(name);

/** Returns the model with the nodes of its functions in place of the calls. */
export function inlineFunctions(model: ModelProto, budget: Budget): ModelProto {
  if (!model.functions?.length || !model.graph) return model;
  const functions = new Map(model.functions.map((each) => [keyOf(each.domain, each.name), each]));
  const version = versionOf(model);
  const other = model.functions.find(({ opsets = [] }) =>
    opsets.some((set) => standard(set.domain) && set.version !== version),
  );
  if (other)
    throw new GraphError("model", `function ${other.name} uses a different operator set from the model`);
  return { ...model, functions: [], graph: inlinedGraph(model.graph, functions, { made: 0, budget }) };
}

type Functions = ReadonlyMap<string, FunctionProto>;
interface Counter {
  made: number;
  readonly budget: Budget;
}

function inlinedGraph(graph: GraphProto, functions: Functions, counter: Counter): GraphProto {
  const nodes = (graph.nodes ?? []).flatMap((node) => inlinedNode(node, functions, counter, 0));
  return { ...graph, nodes };
}

const namesOf = ({ inputs = [], outputs = [] }: NodeProto): number => 1 + inputs.length + outputs.length;

function inlinedNode(node: NodeProto, functions: Functions, counter: Counter, depth: number): NodeProto[] {
  const called = functions.get(keyOf(node.domain, node.opType));
  if (called === undefined) {
    const attributes = node.attributes?.map((each) =>
      each.g === undefined ? each : { ...each, g: inlinedGraph(each.g, functions, counter) },
    );
    return [{ ...node, attributes }];
  }
  if (depth > mostNesting)
    throw new GraphError("model", `functions are nested more than ${mostNesting} deep`);
  // Functions may multiply each other.
  const { nodes: body = [] } = called;
  counter.made += body.length;
  counter.budget.nodes("model", Math.max(body.length, 1));
  const prefix = `${node.name || node.outputs?.[0] || called.name}#${counter.made}/`;
  counter.budget.names(prefix.length * body.reduce((sum, inner) => sum + namesOf(inner), 0));
  const names = new Map<string, string>([["", ""]]);
  for (const [index, formal] of (called.inputs ?? []).entries())
    names.set(formal, node.inputs?.[index] ?? "");
  for (const [index, formal] of (called.outputs ?? []).entries()) {
    const actual = node.outputs?.[index];
    if (actual) names.set(formal, actual);
  }
  const renamed = (name: string): string => names.get(name) ?? prefix + name;
  const given = new Map((node.attributes ?? []).map((each) => [each.name, each]));
  for (const each of called.defaults ?? []) if (!given.has(each.name)) given.set(each.name, each);
  const attributesOf = (attributes: readonly AttributeProto[] = []): AttributeProto[] =>
    attributes.flatMap((each) => {
      if (each.g !== undefined)
        throw new GraphError("model", `function ${called.name} has branches, which are not supported`);
      if (!each.reference) return [each];
      const actual = given.get(each.reference);
      return actual === undefined ? [] : [{ ...actual, name: each.name }];
    });
  return body.flatMap((inner) =>
    inlinedNode(
      {
        ...inner,
        name: prefix + (inner.name ?? ""),
        inputs: inner.inputs?.map(renamed),
        outputs: inner.outputs?.map(renamed),
        attributes: attributesOf(inner.attributes),
      },
      functions,
      counter,
      depth + 1,
    ),
  );
}
