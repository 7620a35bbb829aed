import { invalidArgument } from "@pixelcal/core";
import type { Graph, Node, Value } from "@pixelcal/graph";

/** Layers that take the second axis of their first operand for the channels. */
const layers: ReadonlySet<string> = new Set([
  "Conv",
  "ConvTranspose",
  "MaxPool",
  "AveragePool",
  "GlobalAveragePool",
  "GlobalMaxPool",
  "BatchNormalization",
  "InstanceNormalization",
]);

/** The name of each axis of a value: the axis of the image, or of the output, that it is. */
type Axes = readonly number[];

/**
 * Returns the axis of the image that the first layers take for its channels, as far as it can be followed;
 * undefined if they differ.
 */
export function imageChannelAxis(model: Graph): number | undefined {
  const [image] = model.inputs;
  if (image === undefined) return undefined;
  const known = new Map<Value, Axes>([[image, image.dims.map((_, axis) => axis)]]);
  const found = new Set<number>();
  for (const node of model.nodes) {
    const source = node.inputs.find((value) => value !== undefined && known.has(value));
    if (source === undefined) continue;
    const axes = known.get(source)!;
    if (layers.has(node.opType)) found.add(axes[1]!);
    else {
      const moved = forward(node, axes, source);
      if (moved !== undefined) for (const output of node.outputs) known.set(output, moved);
    }
  }
  return found.size === 1 ? [...found][0] : undefined;
}

/**
 * Returns the axis of an output that the last layers before it have their channels along, as far as it can be
 * followed; undefined if they differ.
 */
export function outputChannelAxis(output: Value): number | undefined {
  const found = new Set<number>();
  const seen = new Set<Value>();
  const waiting: [Value, Axes][] = [[output, output.dims.map((_, axis) => axis)]];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const [{ node }, axes] = next;
    if (node === undefined || seen.has(next[0])) continue;
    seen.add(next[0]);
    if (layers.has(node.opType)) {
      found.add(axes[1]!);
      continue;
    }
    for (const operand of node.inputs) {
      if (operand === undefined || operand.dims.length !== axes.length) continue;
      const moved = backward(node, axes, operand);
      if (moved !== undefined) waiting.push([operand, moved]);
    }
  }
  return found.size === 1 ? [...found][0] : undefined;
}

/** Refuses another axis than the last of a network whose layers have their channels there. */
export function refuseLast(
  name: string,
  what: string,
  {
    found,
    wanted,
    rank,
  }: { readonly found: number | undefined; readonly wanted: number; readonly rank: number },
): void {
  if (found !== rank - 1 || wanted === found) return;
  throw invalidArgument(name, `-1, as ${what} for channels`, wanted);
}

function forward(node: Node, axes: Axes, from: Value): Axes | undefined {
  const [to] = node.outputs as [Value];
  if (to.dims.length !== axes.length) return undefined;
  const order = orderOf(node, from, to);
  return order?.map((axis) => axes[axis]!);
}

function backward(node: Node, axes: Axes, from: Value): Axes | undefined {
  const order = orderOf(node, from, node.outputs[0]!);
  return order && from.dims.map((_, axis) => axes[order.indexOf(axis)]!);
}

/** Returns the axis of `from` that each axis of the result is; undefined where axes are joined or split. */
function orderOf({ opType, attributes }: Node, from: Value, to: Value): readonly number[] | undefined {
  const inOrder = from.dims.map((_, axis) => axis);
  if (opType === "Transpose")
    return (attributes.perm as readonly number[] | undefined) ?? inOrder.toReversed();
  if (opType !== "Reshape") return inOrder;
  // Exporters write a Transpose that moves an axis of size 1 as a Reshape.
  const wide = (value: Value): number[] => inOrder.filter((axis) => value.dims[axis] !== 1);
  const narrow = (value: Value): number[] => inOrder.filter((axis) => value.dims[axis] === 1);
  const [a, b] = [wide(from), wide(to)];
  if (a.length !== b.length || a.some((axis, i) => from.dims[axis] !== to.dims[b[i]!])) return undefined;
  const [ones, places] = [narrow(from), narrow(to)];
  return inOrder.map((axis) => (to.dims[axis] === 1 ? ones[places.indexOf(axis)]! : a[b.indexOf(axis)]!));
}
