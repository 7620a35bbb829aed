import { FormatError } from "../errors.js";

/** Returns every fifth case as the validation split, or the others: the same cases on every machine. */
export const everyFifth = <T>(cases: readonly T[], split: "train" | "val"): readonly T[] =>
  cases.filter((_, i) => (i % 5 === 0) === (split === "val"));

/** Returns the split by name; throws FormatError for one that these layouts lack. */
export function knownSplit(path: string, split: string): "train" | "val" | "test" {
  if (split === "train" || split === "val" || split === "test") return split;
  throw new FormatError(path, "split", `expected train, val or test, got ${JSON.stringify(split)}`);
}
