import { numbersOf } from "../attributes.js";
import type { Graph, Node } from "../ir.js";
import { resizedAxes } from "../operators/resize.js";
import { sizeOf } from "../operators/spec.js";

const elements = (node: Node, index: number): number => sizeOf(node.inputs[index]?.dims ?? []);

/** The cost of an element found by its place along every axis, and of one that gets an array of its own. */
const [placed, apart] = [4, 16];
const placing = /^(Tile|Slice|Pad|Split|.*Elements|.*ND)$/;
const separating = /^(Reduce.*|Arg.*|.*Softmax|CumSum|.*Normalization)$/;

const usual = ({ opType }: Node): number =>
  placing.test(opType) ? placed : separating.test(opType) ? apart : 1;

/** Visits of one element of the output, where that is more than one. */
const perOutput: Readonly<Record<string, (node: Node) => number>> = {
  MatMul: ({ inputs: [a] }) => a!.dims.at(-1) ?? 1,
  Gemm: (node) => elements(node, 0) / Math.max(node.outputs[0]!.dims[0]!, 1),
  Conv: (node) => elements(node, 1) / Math.max(node.outputs[0]!.dims[1]!, 1),
  ConvTranspose: (node) => elements(node, 1),
  MaxPool: (node) => sizeOf(numbersOf(node, "kernel_shape") ?? []),
  AveragePool: (node) => sizeOf(numbersOf(node, "kernel_shape") ?? []),
  TopK: ({ inputs: [x] }) => Math.ceil(Math.log2(sizeOf(x!.dims) + 2)),
  // One product with a matrix per axis, on what the axes before it have become.
  Resize: (node) => resizedAxes(node).reduce((sum, { input, output }) => sum + input * output, 0),
};

/**
 * Returns an upper bound of the elements visited when the nodes of a graph are computed; no
 * more is counted beyond `enough`.
 */
export function workOf(graph: Graph, enough: number): number {
  let work = 0;
  for (const node of graph.nodes) {
    for (const input of node.inputs) if (input !== undefined) work += sizeOf(input.dims);
    const each = Object.hasOwn(perOutput, node.opType) ? perOutput[node.opType]!(node) : usual(node);
    for (const { dims } of node.outputs) work += (sizeOf(dims) + 1) * Math.max(each, 1);
    if (!(work <= enough)) return Number.POSITIVE_INFINITY;
  }
  return work;
}
