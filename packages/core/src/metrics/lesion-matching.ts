// The definitions of detected, missed and false lesions. They differ in what a lesion is, what detects it,
// and what a false one costs.
import type { Connectivity } from "../kernels/connected-components.js";
import type { LesionTable } from "./lesions.js";

/** Predicted lesions that are compared together with one true lesion. */
interface LesionMatch {
  readonly truth: number;
  readonly predicted: readonly number[];
}

/** The outcome of a matching. */
export interface Matching {
  /** The true lesions that count, with what detects each: nothing if it is missed. */
  readonly matches: readonly LesionMatch[];
  /** The predicted lesions that detect nothing. */
  readonly falsePositives: readonly number[];
}

/** Returns true lesions with all predicted ones that touch them. */
export function matchTouching(table: LesionTable): Matching {
  const of = new Map<number, number[]>();
  for (const { truth, predicted } of table.pairs) of.set(truth, [...(of.get(truth) ?? []), predicted]);
  const used = new Set(table.pairs.map(({ predicted }) => predicted));
  return {
    matches: table.truth.map((_, truth) => ({ truth, predicted: of.get(truth) ?? [] })),
    falsePositives: table.predicted.map((_, i) => i).filter((i) => !used.has(i)),
  };
}

/** Returns one predicted lesion for each true one: pairs in the order of `cost`, each lesion once. */
function matchOneToOne(
  table: LesionTable,
  pairs: readonly { readonly truth: number; readonly predicted: number; readonly cost: number }[],
): Matching {
  const of = new Map<number, number>();
  const used = new Set<number>();
  for (const { truth, predicted } of pairs.toSorted((a, b) => a.cost - b.cost)) {
    if (of.has(truth) || used.has(predicted)) continue;
    of.set(truth, predicted);
    used.add(predicted);
  }
  return {
    matches: table.truth.map((_, truth) => ({ truth, predicted: of.has(truth) ? [of.get(truth)!] : [] })),
    falsePositives: table.predicted.map((_, i) => i).filter((i) => !used.has(i)),
  };
}

/** Matches pairs whose intersection over union is at least `least`, the largest first. */
export function matchByOverlap(table: LesionTable, least: number): Matching {
  const pairs = table.pairs
    .map(({ truth, predicted, shared }) => ({
      truth,
      predicted,
      cost: -shared / (table.truth[truth]!.pixels + table.predicted[predicted]!.pixels - shared),
    }))
    .filter(({ cost }) => -cost >= least);
  return matchOneToOne(table, pairs);
}

/** Matches pairs whose centroids are at most `reach` apart, the nearest first. */
export function matchByCentroid(table: LesionTable, reach: number): Matching {
  const pairs = table.truth.flatMap((of, truth) =>
    table.predicted.map((other, predicted) => ({
      truth,
      predicted,
      cost: Math.hypot(...of.centroid.map((at, axis) => at - other.centroid[axis]!)),
    })),
  );
  return matchOneToOne(
    table,
    pairs.filter(({ cost }) => cost <= reach),
  );
}

/** A definition of lesions and of what detects them. */
export type LesionConvention = "overlap" | "centroid" | "brats-2023" | "panoptica" | "autopet";

export const lesionConventions: readonly LesionConvention[] = [
  "overlap",
  "centroid",
  "brats-2023",
  "panoptica",
  "autopet",
];

/** Returns the neighbours that make a lesion, and how often true ones grow. */
export function lesionDefinition(
  convention: LesionConvention,
  dimensions: number,
): { connectivity: Connectivity; grow: number } {
  if (convention === "autopet") return { connectivity: "edges", grow: 0 };
  if (convention === "brats-2023") return { connectivity: "corners", grow: 3 };
  if (convention === "panoptica" && dimensions < 3) return { connectivity: "faces", grow: 0 };
  return { connectivity: "corners", grow: 0 };
}
