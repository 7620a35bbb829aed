import { Graph, ops, type Value } from "@pixelcal/graph";
import type { Optimizer } from "../optimizer/optimizer.js";
import type { Pack } from "./pack.js";

const { Add, Mul } = ops;

/** Names of the arrays of an update graph. */
export const gradientOf = (pack: string): string => `gradient/${pack}`;
export const slotOf = (slot: string, pack: string): string => `${slot}/${pack}`;
export const scalarOf = (scalar: string, pack: string): string => `${scalar}/${pack}`;
/** Returns the name of the output that replaces an array. */
export const nextOf = (array: string): string => `${array}.next`;

/**
 * Builds the optimizer's update. Inputs: parameters, gradients, slots and scalars of every pack. Outputs: the
 * next parameters and slots.
 */
export function buildUpdateGraph(optimizer: Optimizer, packs: readonly Pack[]): Graph {
  const graph = new Graph("update");
  const { rule } = optimizer;
  const names = Object.keys(rule.scalars({ learningRate: 0, gradientScale: 1, decays: false, count: 1 }));
  for (const { name: pack, size } of packs) {
    const flat = (name: string): Value => graph.input(name, "float32", [size]);
    const parameter = flat(pack);
    const gradient = flat(gradientOf(pack));
    const slots = Object.fromEntries(optimizer.slots.map((slot) => [slot, flat(slotOf(slot, pack))]));
    const scalars = Object.fromEntries(
      names.map((name) => [name, graph.input(scalarOf(name, pack), "float32", [1])]),
    );
    const next = rule.build({ parameter, gradient, slots, scalars });
    graph.output(nextOf(pack), next.parameter);
    for (const slot of optimizer.slots) graph.output(nextOf(slotOf(slot, pack)), next.slots[slot]!);
  }
  return graph;
}

/** Builds sums of gradients and their norm, for updates over several batches. */
export function buildSumGraph(packs: readonly Pack[]): Graph {
  const graph = new Graph("sum");
  const sums = packs.map(({ name, size }) => {
    const each = ["a", "b"].map((which) => graph.input(`${which}/${name}`, "float32", [size]));
    return Add(each[0]!, each[1]!);
  });
  for (const [index, { name }] of packs.entries()) graph.output(gradientOf(name), sums[index]!);
  graph.output(normOutput, norm(sums));
  return graph;
}

/** Builds a graph that copies flat arrays of these sizes, which uploads them or downloads them. */
export function buildCopyGraph(sizes: ReadonlyMap<string, number>): Graph {
  const graph = new Graph("copy");
  for (const [name, size] of sizes) graph.output(nextOf(name), graph.input(name, "float32", [size]));
  return graph;
}

export const normOutput = "gradient.norm";

/**
 * Returns the Euclidean norm of several flat arrays, in partial sums that keep all of a GPU's workgroups
 * busy.
 */
export function norm(flat: readonly Value[]): Value {
  const squares = flat.map((value) => sum(Mul(value, value)));
  return ops.Sqrt(squares.reduce((a, b) => Add(a, b)));
}

const run = 256;

function sum(flat: Value): Value {
  const size = flat.dims[0]!;
  if (size <= 4 * run) return ops.ReduceSum(flat, [0]);
  const rows = Math.ceil(size / run);
  const padded = ops.Pad(flat, [0, rows * run - size]);
  return sum(ops.ReduceSum(ops.Reshape(padded, [rows, run]), [1], { keepdims: 0 }));
}
