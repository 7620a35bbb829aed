import { GraphError, graphError } from "../errors.js";
import type { Value } from "../ir.js";
import { Expand, Reshape, Transpose } from "./movement.js";
import { emit } from "./operand.js";
import { ReduceSum } from "./reduction.js";
import { sameDims, sizeOf } from "./spec.js";

/** A value whose axes have labels. */
interface Labelled {
  readonly value: Value;
  readonly labels: readonly string[];
}

/**
 * Writes Einstein's summation as matrix products, two operands at a time: labels that both have and nothing
 * else needs become the inner axis. A label twice in one operand is not supported.
 */
export function Einsum(equation: string, ...values: readonly Value[]): Value {
  const { operands, result } = labelled(equation.replaceAll(/\s/g, ""), values);
  let joined = operands[0]!;
  for (const [index, next] of operands.slice(1).entries()) {
    const later = operands.slice(index + 2).flatMap(({ labels }) => labels);
    joined = product(joined, next, new Set([...result, ...later]));
  }
  return ordered(summed(joined, new Set(result)), result).value;
}

function labelled(equation: string, values: readonly Value[]): { operands: Labelled[]; result: string[] } {
  const [left = "", right] = equation.split("->");
  const terms = left.split(",");
  const fault = (expected: string): GraphError => graphError("Einsum.equation", expected, equation);
  if (terms.length !== values.length) throw fault(`${values.length} operands`);
  // Where "..." stands for several axes they are labelled from the last one on, as they broadcast.
  const dotted = terms.map((term, index) => values[index]!.dims.length - term.replace("...", "").length);
  const most = Math.max(0, ...terms.map((term, index) => (term.includes("...") ? dotted[index]! : 0)));
  const dots = (count: number): string[] => Array.from({ length: count }, (_, axis) => `.${count - axis}`);
  const split = (term: string, count: number): string[] => {
    const parts = term.split("...");
    if (!/^[A-Za-z]*$/.test(parts.join("")) || parts.length > 2) throw fault("letters and at most one ...");
    return parts.length === 2 ? [...parts[0]!, ...dots(count), ...parts[1]!] : [...term];
  };
  const sizes = new Map<string, number>();
  const lists = terms.map((term, index) => {
    const labels = split(term, Math.max(dotted[index]!, 0));
    const { dims } = values[index]!;
    if (labels.length !== dims.length) throw fault(`${dims.length} axes of operand ${index}`);
    if (new Set(labels).size !== labels.length) throw fault("no label twice in one operand");
    for (const [axis, label] of labels.entries()) {
      const known = sizes.get(label) ?? 1;
      if (known !== 1 && dims[axis] !== 1 && known !== dims[axis]) {
        throw new GraphError("Einsum", `${label} is ${known} and ${dims[axis]} elements long`);
      }
      sizes.set(label, Math.max(known, dims[axis]!));
    }
    return labels;
  });
  const counts = new Map<string, number>();
  for (const label of lists.flat()) counts.set(label, (counts.get(label) ?? 0) + 1);
  const single = [...counts.keys()].filter((label) => label.length === 1 && counts.get(label) === 1).sort();
  const result = right === undefined ? [...dots(most), ...single] : split(right, most);
  if (result.some((label) => !counts.has(label)) || new Set(result).size !== result.length)
    throw fault("a result of labels that operands have, each once");
  const operands = lists.map((labels, index) => {
    const dims = labels.map((label) => sizes.get(label)!);
    const value = values[index]!;
    return { labels, value: sameDims(dims, value.dims) ? value : Expand(value, dims) };
  });
  return { operands, result };
}

const without = (labels: readonly string[], others: readonly string[]): string[] =>
  labels.filter((label) => !others.includes(label));

/** Sums over the axes that nothing needs. */
function summed({ value, labels }: Labelled, needed: ReadonlySet<string>): Labelled {
  const axes = labels.flatMap((label, axis) => (needed.has(label) ? [] : [axis]));
  if (axes.length === 0) return { value, labels };
  return {
    value: ReduceSum(value, axes, { keepdims: 0 }),
    labels: labels.filter((label) => needed.has(label)),
  };
}

function ordered({ value, labels }: Labelled, order: readonly string[]): Labelled {
  const perm = order.map((label) => labels.indexOf(label));
  return {
    value: perm.every((from, axis) => from === axis) ? value : Transpose(value, perm),
    labels: order,
  };
}

function product(left: Labelled, right: Labelled, needed: ReadonlySet<string>): Labelled {
  const a = summed(left, new Set([...needed, ...right.labels]));
  const b = summed(right, new Set([...needed, ...left.labels]));
  const both = a.labels.filter((label) => b.labels.includes(label));
  const batch = both.filter((label) => needed.has(label));
  const inner = without(both, batch);
  const [rows, columns] = [without(a.labels, both), without(b.labels, both)];
  const sizes = new Map(
    [a, b].flatMap(({ value, labels }) => labels.map((label, i) => [label, value.dims[i]!])),
  );
  const size = (labels: readonly string[]): number => sizeOf(labels.map((label) => sizes.get(label)!));
  const matrix = (of: Labelled, ...parts: readonly (readonly string[])[]): Value =>
    Reshape(ordered(of, parts.flat()).value, parts.map(size));
  const result = emit("MatMul", [matrix(a, batch, rows, inner), matrix(b, batch, inner, columns)]);
  const labels = [...batch, ...rows, ...columns];
  return {
    value: Reshape(
      result,
      labels.map((label) => sizes.get(label)!),
    ),
    labels,
  };
}
