import { TemperatureMetric } from "@pixelcal/core";
import { type Loader, partsOfAll, type Trainer } from "@pixelcal/train";

/**
 * Returns the temperature that the labels of a split ask of a trainer's predictions: above 1 where they are
 * over-confident, NaN where every pixel is ignored.
 */
export async function validationTemperature(
  trainer: Trainer,
  validation: Loader,
  ignore?: number,
): Promise<number> {
  const { exchange } = trainer;
  const metric = new TemperatureMetric({ classes: validation.dataset.classes, ignore });
  const { rank, size } = exchange ?? { rank: 0, size: 1 };
  for await (const { images, labels } of validation.dealt(0, { rank, size }))
    await metric.update(await trainer.predict(images), labels);
  const parts = await partsOfAll(exchange, metric.toJSON());
  metric.reset();
  for (const part of parts) metric.merge(TemperatureMetric.fromJSON(part));
  return metric.compute().temperature;
}
