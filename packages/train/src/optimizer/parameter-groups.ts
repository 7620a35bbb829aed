import { invalidArgument, optionNames } from "@pixelcal/core";
import { patternTest } from "./trainable.js";

/** Parameters with a learning rate of their own. */
export interface ParameterGroup {
  /** Patterns of names, with `*` and `?`; a parameter belongs to the first group that matches it. */
  readonly match: readonly string[];
  /** Replaces the optimizer's; the schedule scales both. 0 leaves the parameters unchanged. */
  readonly learningRate: number;
}

export const parameterGroupNames: ReadonlySet<string> = optionNames<ParameterGroup>({
  match: true,
  learningRate: true,
});

/** The trained parameters that share a learning rate. */
export interface LearningRateGroup {
  readonly learningRate: number;
  readonly names: readonly string[];
}

/**
 * Groups trained parameters by learning rate, those in no group first. Throws `InvalidArgumentError` for a
 * pattern that matches none, or a learning rate below 0.
 */
export function groupByLearningRate(
  names: readonly string[],
  defaultRate: number,
  groups: readonly ParameterGroup[] = [],
): readonly LearningRateGroup[] {
  const tests = groups.map(({ match, learningRate }, index) => {
    if (!(learningRate >= 0 && Number.isFinite(learningRate)))
      throw invalidArgument(`groups.${index}.learningRate`, "a number of 0 or more", learningRate);
    return patternTest(`groups.${index}.match`, match, names);
  });
  const members: string[][] = [[], ...groups.map(() => [])];
  for (const name of names) members[1 + tests.findIndex((test) => test(name))]!.push(name);
  const rates = [defaultRate, ...groups.map(({ learningRate }) => learningRate)];
  return members
    .map((group, index) => ({ learningRate: rates[index]!, names: group }))
    .filter((group) => group.names.length > 0);
}
