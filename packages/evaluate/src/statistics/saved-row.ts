import type { LesionDecisions } from "../decision.js";
import type { EvaluationRow } from "../evaluate.js";
import { jsonNumber } from "../report/json.js";
import { type BinSums, type CaseSums, keptBins } from "./case-sums.js";
import type { RingSums } from "./ring-sums.js";

type Fields = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Returns whether `value` holds numbers of 0 or more, `length` of them if that is given. */
const areSums = (value: unknown, length?: number): value is number[] =>
  Array.isArray(value) &&
  (length === undefined || value.length === length) &&
  value.every((each) => Number.isFinite(each) && each >= 0);

const isText = (value: unknown): boolean => value === undefined || typeof value === "string";

const isBinSums = (value: unknown): value is BinSums =>
  isObject(value) &&
  (["count", "confidence", "accuracy", "falsePositive"] as const).every((name) =>
    areSums(value[name], keptBins),
  );

function isRingSums(value: unknown): value is RingSums {
  if (!isObject(value) || !Array.isArray(value.edges)) return false;
  const { unit, edges, bins } = value;
  const rings = edges.length + 1;
  return (
    (unit === "mm" || unit === "px") &&
    edges.every(Number.isFinite) &&
    Number.isSafeInteger(bins) &&
    (["count", "confidence", "accuracy"] as const).every((name) =>
      areSums(value[name], rings * Number(bins)),
    ) &&
    (["logLoss", "impossible"] as const).every((name) => areSums(value[name], rings))
  );
}

const isCaseSums = (value: unknown): value is CaseSums =>
  isObject(value) &&
  isBinSums(value.topLabel) &&
  Array.isArray(value.classes) &&
  value.classes.every(isBinSums) &&
  isObject(value.sizes) &&
  (["truth", "predicted", "both"] as const).every((name) =>
    areSums((value.sizes as Fields)[name], (value.classes as unknown[]).length),
  ) &&
  (value.boundary === undefined || isRingSums(value.boundary));

const areDecisions = (value: unknown): value is LesionDecisions =>
  isObject(value) &&
  areSums([value.volumeAbove]) &&
  areSums(value.real) &&
  areSums(value.probabilities, value.real.length);

/** Returns whether a value parsed from JSON is a row as it was saved, its scores still in JSON's words. */
export const isRow = (value: unknown): value is EvaluationRow =>
  isObject(value) &&
  typeof value.name === "string" &&
  typeof value.labels === "string" &&
  isText(value.group) &&
  (value.spacing === undefined || areSums(value.spacing)) &&
  isObject(value.scores) &&
  Object.values(value.scores).every((score) => jsonNumber(score) !== undefined) &&
  isObject(value.pixels) &&
  (["counted", "unbinned", "bounded"] as const).every((name) =>
    Number.isSafeInteger((value.pixels as Fields)[name]),
  ) &&
  (value.sums === undefined || isCaseSums(value.sums)) &&
  (value.decisions === undefined || areDecisions(value.decisions));

/** Returns a saved row with the numbers of its scores. */
export function readRow(row: EvaluationRow): EvaluationRow {
  const scores = Object.entries(row.scores).map(([name, score]) => [name, jsonNumber(score)!]);
  return { ...row, scores: Object.fromEntries(scores) };
}
