import type { EpochRecord } from "./epoch-record.js";

/** The criterion of the best epoch. */
export type Selection = "loss" | "dice" | "ece" | "pece" | "nll";
export const selections: readonly Selection[] = ["loss", "dice", "ece", "pece", "nll"];

const fields = {
  loss: "validationLoss",
  dice: "validationDice",
  ece: "validationEce",
  pece: "validationPece",
  nll: "validationNll",
} as const;

/**
 * Returns the value of every epoch that the best is chosen by, or with `ema` their moving average: `ema`
 * times that of the epoch before, plus the rest times the epoch's own. Undefined for epochs of checkpoints
 * that are older than the field.
 */
export function selectionValues(
  history: readonly EpochRecord[],
  selection: Selection,
  ema: number = 0,
): readonly (number | undefined)[] {
  let average: number | undefined;
  return history.map((record) => {
    const value = record[fields[selection]];
    if (value === undefined || Number.isNaN(value)) return value;
    average = average === undefined || Number.isNaN(average) ? value : ema * average + (1 - ema) * value;
    return average;
  });
}

/** Tells whether the last epoch is better than the best one before it, counted from 1; 0 for none. */
export function isBest(
  history: readonly EpochRecord[],
  best: number,
  selection: Selection,
  ema?: number,
): boolean {
  if (best === 0) return true;
  const values = selectionValues(history, selection, ema);
  const [now, before] = [values.at(-1)!, values[best - 1]];
  if (before === undefined || Number.isNaN(before)) return !Number.isNaN(now);
  return selection === "dice" ? now > before : now < before;
}
