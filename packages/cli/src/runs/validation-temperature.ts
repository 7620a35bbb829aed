import { TemperatureMetric } from "@pixelcal/core";
import type { Loader, Trainer } from "@pixelcal/train";

/**
 * Returns the temperature that the labels of a split ask of a trainer's predictions: above 1 where they are
 * over-confident, NaN where every pixel is ignored.
 */
export async function validationTemperature(
  trainer: Trainer,
  validation: Loader,
  ignore?: number,
): Promise<number> {
  const metric = new TemperatureMetric({ classes: validation.dataset.classes, ignore });
  for await (const { images, labels } of validation.epoch(0))
    await metric.update(await trainer.predict(images), labels);
  return metric.compute().temperature;
}
