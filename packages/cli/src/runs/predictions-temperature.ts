import { join } from "node:path";
import { type Labels, TemperatureMetric } from "@pixelcal/core";
import { readPrediction } from "@pixelcal/io";

/**
 * Returns the temperature that the labels of predicted cases ask for, all pixels together: above 1 where the
 * predictions are over-confident.
 */
export async function predictionsTemperature(
  folder: string,
  cases: readonly string[],
  { classes, ignore }: { readonly classes: number; readonly ignore?: number },
): Promise<number> {
  const metric = new TemperatureMetric({ classes, ignore });
  for (const name of cases) {
    const { probs, labels } = await readPrediction(join(folder, `${name}.npz`), { ignore });
    const one = { ...labels, dims: [1, ...labels.dims] } as Labels;
    await metric.update({ ...probs, dims: [1, ...probs.dims] }, one);
  }
  return metric.compute().temperature;
}
