import { InvalidArgumentError } from "@pixelcal/core";
import type { EvaluationRow } from "../evaluate.js";
import { type BinSums, keptBins } from "./case-sums.js";
import { type RingSums, sameRings } from "./ring-sums.js";

/** The sums that a mean over cases takes: those of its defined and finite values, and two counts. */
const meanWidth = 3;
/** The sums of a histogram, one row of bins each. */
const histogramRows = 3;

/** The places of a table's sums. */
export interface SumLayout {
  readonly width: number;
  /** The place of the sum over finite values, their number, and the number of infinite ones, by score. */
  readonly scores: ReadonlyMap<string, number>;
  /** The places of counts, of sums of confidence and of accuracy, by bin; one for each histogram. */
  readonly topLabel: number | undefined;
  readonly classes: readonly number[];
  /** The rings around the predicted boundary; undefined unless all cases have the same. */
  readonly boundary: RingLayout | undefined;
}

/** The place and layout of the sums by ring: counts, confidence and accuracy by bin, log losses by ring. */
export interface RingLayout extends Pick<RingSums, "unit" | "edges" | "bins"> {
  readonly at: number;
}

/** The sums of groups of cases, a row for each: what is drawn again by the bootstrap. */
export interface CaseTable {
  /** The cases, sorted by group and name. */
  readonly rows: readonly EvaluationRow[];
  /** The number of groups: of cases that have none of their own, each is one. */
  readonly groups: number;
  /** The group of every case. */
  readonly groupOf: Uint32Array;
  /** Whether a case is a group, or several can be. */
  readonly unit: "case" | "group";
  readonly layout: SumLayout;
  /** The sums, [groups, width]. */
  readonly sums: Float64Array;
}

const keyOf = ({ name, group }: EvaluationRow): string =>
  group === undefined ? `case ${name}` : `group ${group}`;

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/**
 * Returns the sums of cases by group, in an order that depends on names alone, so that every statistic has
 * the same bits in any order of `rows`. Throws for a name that occurs twice.
 */
export function caseTable(rows: readonly EvaluationRow[]): CaseTable {
  const sorted = [...rows].sort((a, b) => compare(keyOf(a), keyOf(b)) || compare(a.name, b.name));
  const names = new Set(sorted.map(({ name }) => name));
  if (names.size < sorted.length) {
    const twice = sorted.find(({ name }, i) => sorted.findIndex((other) => other.name === name) !== i)!;
    throw new InvalidArgumentError("rows", `rows: case ${twice.name} is there twice`);
  }
  const layout = layoutOf(sorted);
  const keys = [...new Set(sorted.map(keyOf))];
  const place = new Map(keys.map((key, g) => [key, g]));
  const groupOf = Uint32Array.from(sorted, (row) => place.get(keyOf(row))!);
  const sums = new Float64Array(keys.length * layout.width);
  for (const [i, row] of sorted.entries())
    addCase(sums.subarray(groupOf[i]! * layout.width, (groupOf[i]! + 1) * layout.width), row, layout);
  const unit = sorted.some(({ group }) => group !== undefined) ? "group" : "case";
  return { rows: sorted, groups: keys.length, groupOf, unit, layout, sums };
}

function layoutOf(rows: readonly EvaluationRow[]): SumLayout {
  const columns = [...new Set(rows.flatMap(({ scores }) => Object.keys(scores)))].sort(compare);
  const classes = Math.max(0, ...rows.map(({ sums }) => sums?.classes.length ?? 0));
  let width = 0;
  const take = (count: number): number => (width += count) - count;
  const scores = new Map(columns.map((column) => [column, take(meanWidth)]));
  const histogram = (): number => take(histogramRows * keptBins);
  const topLabel = rows.some(({ sums }) => sums) ? histogram() : undefined;
  const byClass = Array.from({ length: classes }, histogram);
  const boundary = ringLayout(rows, take);
  return { width, scores, topLabel, classes: byClass, boundary };
}

function ringLayout(rows: readonly EvaluationRow[], take: (count: number) => number): RingLayout | undefined {
  const all = rows.flatMap(({ sums }) => (sums ? [sums.boundary] : []));
  const [first] = all;
  if (!first || !all.every((own) => own && sameRings(own, first))) return undefined;
  const { unit, edges, bins } = first;
  return { unit, edges, bins, at: take((edges.length + 1) * (3 * bins + 2)) };
}

function addCase(into: Float64Array, { scores, sums }: EvaluationRow, layout: SumLayout): void {
  for (const [column, at] of layout.scores) {
    const value = scores[column] ?? Number.NaN;
    if (Number.isNaN(value)) continue;
    if (!Number.isFinite(value)) into[at + 2]! += 1;
    else {
      into[at]! += value;
      into[at + 1]! += 1;
    }
  }
  if (sums === undefined || layout.topLabel === undefined) return;
  addBins(into, layout.topLabel, sums.topLabel);
  for (const [c, own] of sums.classes.entries()) addBins(into, layout.classes[c]!, own);
  const { boundary } = sums;
  if (layout.boundary === undefined || boundary === undefined) return;
  let { at } = layout.boundary;
  for (const part of ["count", "confidence", "accuracy", "logLoss", "impossible"] as const)
    at = addNumbers(into, at, boundary[part]);
}

function addBins(into: Float64Array, at: number, { count, confidence, accuracy }: BinSums): void {
  addNumbers(into, addNumbers(into, addNumbers(into, at, count), confidence), accuracy);
}

/** Adds numbers from `at` on, and returns the place behind them. */
function addNumbers(into: Float64Array, at: number, numbers: readonly number[]): number {
  for (let i = 0; i < numbers.length; i++) into[at + i]! += numbers[i]!;
  return at + numbers.length;
}

/** Returns the sums of all groups together. */
export function totalSums({ groups, sums, layout: { width } }: CaseTable): Float64Array {
  const total = new Float64Array(width);
  for (let g = 0; g < groups; g++) for (let i = 0; i < width; i++) total[i]! += sums[g * width + i]!;
  return total;
}
