import { invalidArgument, optionNames } from "@pixelcal/core";
import { patternTest } from "./trainable.js";

/** Parameters with a learning rate of their own. */
export interface RateGroup {
  /** Patterns of names, with `*` and `?`; a parameter belongs to the first group that names it. */
  readonly match: readonly string[];
  /** In place of the optimizer's; the schedule applies to it alike. 0 leaves the parameters as they are. */
  readonly learningRate: number;
}

export const rateGroupNames: ReadonlySet<string> = optionNames<RateGroup>({
  match: true,
  learningRate: true,
});

/** Parameters of one learning rate. */
export interface Rated {
  readonly learningRate: number;
  readonly names: readonly string[];
}

/** The trained parameters by learning rate, those of no group first. */
export function ratesOf(
  names: readonly string[],
  usual: number,
  groups: readonly RateGroup[] = [],
): readonly Rated[] {
  const tests = groups.map(({ match, learningRate }, index) => {
    if (!(learningRate >= 0 && Number.isFinite(learningRate)))
      throw invalidArgument(`groups.${index}.learningRate`, "a number of 0 or more", learningRate);
    return patternTest(`groups.${index}.match`, match, names);
  });
  const members: string[][] = [[], ...groups.map(() => [])];
  for (const name of names) members[1 + tests.findIndex((test) => test(name))]!.push(name);
  const rates = [usual, ...groups.map(({ learningRate }) => learningRate)];
  return members
    .map((group, index) => ({ learningRate: rates[index]!, names: group }))
    .filter((group) => group.names.length > 0);
}
