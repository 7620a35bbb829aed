import { checkOptions, checkSignal, invalidArgument, optionNames } from "@pixelcal/core";

/** The options of statistics over cases. */
export interface StatisticsOptions {
  /** The number of bootstrap draws and of sign flips; 2,000 by default. */
  readonly draws?: number;
  /** The seed of the draws; 0 by default. */
  readonly seed?: number;
  /** The confidence level of intervals and bands; 0.95 by default. */
  readonly level?: number;
  readonly signal?: AbortSignal;
}

const names = optionNames<StatisticsOptions>({ draws: true, seed: true, level: true, signal: true });

/** Returns the options with defaults; throws for values that are out of range. */
export function statisticsOptions(
  options: StatisticsOptions,
): Required<Omit<StatisticsOptions, "signal">> & Pick<StatisticsOptions, "signal"> {
  checkOptions("options", options, names);
  const { draws = 2000, seed = 0, level = 0.95, signal } = options;
  if (!(Number.isInteger(draws) && draws >= 100 && draws <= 1e6))
    throw invalidArgument("draws", "an integer from 100 to 1,000,000", draws);
  if (!Number.isSafeInteger(seed)) throw invalidArgument("seed", "a whole number", seed);
  if (!(level > 0 && level < 1)) throw invalidArgument("level", "a number between 0 and 1", level);
  checkSignal(signal);
  return { draws, seed, level, ...(signal === undefined ? {} : { signal }) };
}
