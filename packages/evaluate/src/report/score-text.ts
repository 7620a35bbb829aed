import type { Interval } from "../statistics/interval.js";
import { plain } from "./draw/scale.js";

/** The score that a column of the results is shown as. */
interface ScoreWords {
  readonly name: string;
  readonly decimals: number;
}

const words: Readonly<Record<string, ScoreWords>> = {
  DSC: { name: "Dice", decimals: 4 },
  IoU: { name: "IoU", decimals: 3 },
  NSD: { name: "NSD", decimals: 3 },
  HD95: { name: "HD95", decimals: 1 },
  HD: { name: "HD", decimals: 1 },
  ASSD: { name: "ASSD", decimals: 2 },
  ECE: { name: "ECE per case", decimals: 4 },
  NLL: { name: "Log score (NLL)", decimals: 4 },
  Brier: { name: "Brier score", decimals: 4 },
  "boundary ECE": { name: "Boundary ECE", decimals: 4 },
};

/** The scores that a report shows first, and that it compares two runs by, as far as they are there. */
export const mainScores: readonly string[] = [
  ...["DSC", "NSD", "HD95", "ECE", "ECE pooled", "CECE", "boundary ECE", "pECE excess", "NLL", "Brier"],
];

/** Returns the name of a score as readers know it. */
export const scoreName = (column: string): string => words[column]?.name ?? column;

const decimalsOf = (column: string): number =>
  words[column]?.decimals ?? words[column.split(" ")[0]!]?.decimals ?? 4;

/** Returns a value with the decimals of its score; "undefined" and "infinite" in words. */
export function scoreText(column: string, value: number, signed = false): string {
  if (Number.isNaN(value)) return "undefined";
  if (!Number.isFinite(value)) return value > 0 ? "infinite" : "−infinite";
  const text = plain(value, decimalsOf(column));
  return signed && value > 0 ? `+${text}` : text;
}

/** Returns "[low, high]", or the reason why there is no interval. */
export function intervalText(column: string, interval: Interval | undefined, signed = false): string {
  if (!interval) return "no interval";
  return `[${scoreText(column, interval.low, signed)},\u00a0${scoreText(column, interval.high, signed)}]`;
}
