import type { Dataset } from "./dataset-case.js";
import { inTurns } from "./in-turns.js";

/**
 * Returns the weight N / (K n_c) of every class: N the pixels of all cases whose label is a class, n_c those
 * of the class, K the number of classes that have pixels. Classes without pixels have weight 1.
 */
export async function inverseFrequencies(dataset: Dataset): Promise<readonly number[]> {
  const ignore = dataset.labelRange?.ignore;
  const counts = new Float64Array(dataset.classes);
  for (const index of dataset.names.keys()) {
    const { data } = (await dataset.read(index)).labels;
    await inTurns(data.length, (begin, end) => {
      for (let i = begin; i < end; i++) {
        const label = data[i]!;
        // Labels to ignore are no classes, whatever their number.
        if (label !== ignore && label >= 0 && label < counts.length) counts[label]! += 1;
      }
    });
  }
  const present = counts.filter((count) => count > 0);
  const total = present.reduce((sum, count) => sum + count, 0);
  return Array.from(counts, (count) => (count === 0 ? 1 : total / (present.length * count)));
}
