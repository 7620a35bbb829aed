import {
  ignoredInRegion,
  type Labels,
  type Region,
  regionCases,
  TemperatureMetric,
  type Tensor,
  tensor,
} from "@pixelcal/core";
import { type Exchange, type Loader, type Network, partsOfAll, scoredPart } from "@pixelcal/train";

/** The meaning of the predictions' channels, and the processes that share the split. */
export interface TemperatureOptions {
  readonly regions?: readonly Region[] | undefined;
  readonly ignore?: number | undefined;
  readonly exchange?: Exchange | undefined;
}

/**
 * Returns the temperature that the labels of a split ask of a network's predictions: above 1 where they are
 * over-confident, NaN where every pixel is ignored. Regions share one temperature, each as two classes.
 */
export async function validationTemperature(
  network: Pick<Network, "predict">,
  validation: Loader,
  { regions, ignore, exchange }: TemperatureOptions,
): Promise<number> {
  const inside = ignore === undefined ? undefined : ignoredInRegion;
  const metric = new TemperatureMetric(
    regions ? { classes: 2, ignore: inside } : { classes: validation.dataset.classes, ignore },
  );
  const { rank, size } = exchange ?? { rank: 0, size: 1 };
  for await (const { images, labels, filled } of validation.dealt(0, { rank, size })) {
    const all = await network.predict(images);
    for (let n = 0; n < images.dims[0]!; n++) {
      const [probs, truth] = [scoredPart(all, n, filled), scoredPart(labels, n, filled)];
      if (regions === undefined) await metric.update(probs, truth);
      else for (const one of await casesOf(probs, truth, regions, ignore)) await metric.update(...one);
    }
  }
  const parts = await partsOfAll(exchange, metric.toJSON());
  metric.reset();
  for (const part of parts) metric.merge(TemperatureMetric.fromJSON(part));
  return metric.compute().temperature;
}

/** Returns every region of a batch of one image as probabilities [1, 2, ...spatial] and labels. */
async function casesOf(
  { data, dims }: Tensor<"float32">,
  labels: Labels,
  regions: readonly Region[],
  ignore: number | undefined,
): Promise<readonly (readonly [Tensor<"float32">, Tensor<"uint8">])[]> {
  const image = tensor("float32", data, dims.slice(1));
  const truth = { ...labels, dims: labels.dims.slice(1) };
  const parts = regions.map((region, head) => ({ channels: [head], labels: region.labels }));
  const found = await regionCases(image, truth, parts, { ignore });
  return found.map(({ probs, labels: mask }) => [
    { ...probs, dims: [1, ...probs.dims] },
    { ...mask, dims: [1, ...mask.dims] },
  ]);
}
