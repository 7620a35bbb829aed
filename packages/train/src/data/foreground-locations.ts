import type { DatasetCase } from "./dataset-case.js";
import { inTurns } from "./in-turns.js";

/** Pixels of each foreground class of a case that has it, as offsets into its labels. */
export type Locations = readonly Float64Array[];

/** Enough pixels of a class that drawing among them is as good as among all. */
const mostPerClass = 1000;

/**
 * Returns pixels of every label of `labels` other than 0 and `ignore`, in the order of the labels: all of
 * them, or at most `most` evenly spaced ones.
 */
export async function foregroundLocations(
  { data }: DatasetCase["labels"],
  ignore?: number,
  most: number = mostPerClass,
): Promise<Locations> {
  const counts = new Map<number, number>();
  await inTurns(data.length, (begin, end) => {
    for (let i = begin; i < end; i++) {
      const label = data[i]!;
      if (label !== 0 && label !== ignore) counts.set(label, (counts.get(label) ?? 0) + 1);
    }
  });
  const classes = new Map(
    [...counts]
      .sort(([a], [b]) => a - b)
      .map(([label, count]) => [
        label,
        { step: Math.max(1, count / most), seen: 0, kept: 0, found: new Float64Array(Math.min(count, most)) },
      ]),
  );
  await inTurns(data.length, (begin, end) => {
    for (let i = begin; i < end; i++) {
      const label = data[i]!;
      if (label === 0 || label === ignore) continue;
      const own = classes.get(label)!;
      if (own.kept < own.found.length && own.seen >= own.kept * own.step) own.found[own.kept++] = i;
      own.seen += 1;
    }
  });
  return [...classes.values()].map(({ found }) => found);
}
