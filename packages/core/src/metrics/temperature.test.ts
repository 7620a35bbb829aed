import { expect, test } from "vitest";
import { labels as fixtureLabels, probs as fixtureProbs } from "../fixture.test.helper.js";
import { Random } from "../random.js";
import { type Labels, type Tensor, tensor } from "../tensor.js";
import { negativeLogLikelihood, probabilityScoresSync } from "./probability-scores.js";
import { fittedTemperature, temperatureSketch, temperatureSketchSync } from "./temperature.js";
import { TemperatureMetric } from "./temperature-metric.js";

/** Returns labels drawn from softmax(z), and probabilities softmax(sharpness z). */
function drawn(classes: number, pixels: number, sharpness: number, seed: number) {
  const random = Random.fromSeed(seed);
  const data = new Float32Array(classes * pixels);
  const labels = new Uint8Array(pixels);
  for (let i = 0; i < pixels; i++) {
    const z = Array.from({ length: classes }, () => 6 * (random.uniform() - 0.5));
    const powers = z.map(Math.exp);
    const sum = powers.reduce((a, b) => a + b, 0);
    let rest = random.uniform() * sum;
    while (labels[i]! < classes - 1 && (rest -= powers[labels[i]!]!) > 0) labels[i]!++;
    const sharp = z.map((value) => Math.exp(sharpness * value));
    const all = sharp.reduce((a, b) => a + b, 0);
    sharp.forEach((value, c) => void (data[c * pixels + i] = value / all));
  }
  return {
    probs: tensor("float32", data, [1, classes, pixels]),
    labels: tensor("uint8", labels, [1, pixels]),
  };
}

/** Returns the mean log loss at a temperature, from the definition. */
function lossAt(probs: Tensor<"float32">, labels: Labels, temperature: number): number {
  const [, classes, pixels] = probs.dims as [number, number, number];
  let sum = 0;
  for (let i = 0; i < pixels; i++) {
    const logs = Array.from(
      { length: classes },
      (_, c) => Math.log(probs.data[c * pixels + i]!) / temperature,
    );
    const most = Math.max(...logs);
    const all = logs.reduce((total, log) => total + Math.exp(log - most), 0);
    sum += Math.log(all) + most - logs[Number(labels.data[i])]!;
  }
  return sum / pixels;
}

/** Returns the temperature of least loss by golden-section search over its logarithm. */
function searched(probs: Tensor<"float32">, labels: Labels): number {
  let [low, high] = [Math.log(1 / 16), Math.log(16)];
  const ratio = (Math.sqrt(5) - 1) / 2;
  for (let i = 0; i < 60; i++) {
    const [a, b] = [high - ratio * (high - low), low + ratio * (high - low)];
    if (lossAt(probs, labels, Math.exp(a)) < lossAt(probs, labels, Math.exp(b))) high = b;
    else low = a;
  }
  return Math.exp((low + high) / 2);
}

test.each([
  [2, 2, 1],
  [2, 0.4, 2],
  [3, 1, 3],
  [5, 3.3, 4],
  [4, 0.11, 5],
])("%i classes sharpened by %d: the least loss, as a search finds it", (classes, sharpness, seed) => {
  const { probs, labels } = drawn(classes, 3000, sharpness, seed);
  const fitted = fittedTemperature(temperatureSketchSync(probs, labels));
  // A search sees the loss's least value to half of its digits only.
  expect(fitted.temperature / searched(probs, labels)).toBeCloseTo(1, 5);
  expect(fitted.temperature / sharpness).toBeGreaterThan(0.85);
  expect(fitted.temperature / sharpness).toBeLessThan(1.15);
  expect(fitted.negativeLogLikelihood).toBeCloseTo(lossAt(probs, labels, fitted.temperature), 6);
  expect(fitted.uncalibrated).toBeCloseTo(lossAt(probs, labels, 1), 9);
  expect(fitted).toMatchObject({ atLimit: false, pixels: 3000, impossible: 0 });
  // The slope at the result, by central differences in the inverse temperature, is almost 0.
  const [h, beta] = [1e-4, 1 / fitted.temperature];
  const [up, down] = [beta + h, beta - h].map((b) => lossAt(probs, labels, 1 / b)) as [number, number];
  const curvature = (up - 2 * fitted.negativeLogLikelihood + down) / h ** 2;
  expect(Math.abs((up - down) / (2 * h)) / (curvature * beta)).toBeLessThan(1e-5);
});

test("the sum of sketches is the sketch of all pixels", async () => {
  const whole = await temperatureSketch(fixtureProbs, fixtureLabels, { ignore: 2 });
  expect(whole).toEqual(temperatureSketchSync(fixtureProbs, fixtureLabels, { ignore: 2 }));
  const { uncalibrated } = fittedTemperature(whole);
  const scores = probabilityScoresSync(fixtureProbs, fixtureLabels, { ignore: 2 });
  expect(uncalibrated).toBeCloseTo(negativeLogLikelihood(scores), 7);
  const [a, b] = [drawn(3, 500, 2, 1), drawn(3, 400, 0.5, 2)];
  const joined = temperatureSketchSync(a.probs, a.labels).map(
    (sum, i) => sum + temperatureSketchSync(b.probs, b.labels)[i]!,
  );
  expect(fittedTemperature(joined).pixels).toBe(900);
});

test("labels that are always or never the likeliest have no least loss", () => {
  const p = tensor("float32", Float32Array.of(0.9, 0.2, 0.1, 0.8), [1, 2, 2]);
  const right = tensor("uint8", Uint8Array.of(0, 1), [1, 2]);
  const wrong = tensor("uint8", Uint8Array.of(1, 0), [1, 2]);
  expect(fittedTemperature(temperatureSketchSync(p, right))).toMatchObject({
    temperature: 1 / 16,
    atLimit: true,
  });
  expect(fittedTemperature(temperatureSketchSync(p, wrong))).toMatchObject({
    temperature: 16,
    atLimit: true,
  });
});

test("certain pixels, impossible ones and none at all", () => {
  const p = tensor("float32", Float32Array.of(1, 1, 0.5, 0, 0, 0.5), [1, 2, 3]);
  const y = tensor("uint8", Uint8Array.of(0, 1, 0), [1, 3]);
  const fitted = fittedTemperature(temperatureSketchSync(p, y));
  expect(fitted).toMatchObject({ temperature: 1, impossible: 1, pixels: 2, atLimit: false });
  expect(fitted.uncalibrated).toBeCloseTo(Math.log(2) / 2, 12);
  const none = fittedTemperature(
    temperatureSketchSync(p, y, { mask: tensor("uint8", new Uint8Array(3), [1, 3]) }),
  );
  expect(none).toMatchObject({
    temperature: Number.NaN,
    uncalibrated: Number.NaN,
    pixels: 0,
    atLimit: false,
  });
  expect(() => fittedTemperature(new Float64Array(3))).toThrow("sketch: expected 102 numbers");
});

test("1, 2 and 7 partial states, in any order, give the same bytes", async () => {
  const cases = Array.from({ length: 14 }, (_, i) => drawn(3, 300, 1 + i / 7, i));
  const over = async (parts: readonly (readonly number[])[]): Promise<Uint8Array> => {
    const metrics = parts.map(() => new TemperatureMetric({ classes: 3 }));
    for (const [at, part] of parts.entries())
      for (const i of part) await metrics[at]!.update(cases[i]!.probs, cases[i]!.labels);
    const [first, ...others] = metrics.map((metric) => TemperatureMetric.restore(metric.state()));
    for (const other of others) first!.merge(other);
    expect(first!.compute().pixels).toBe(14 * 300);
    return first!.state();
  };
  const all = cases.map((_, i) => i);
  const one = await over([all]);
  expect(await over([all.slice(5), all.slice(0, 5)])).toEqual(one);
  expect(await over(Array.from({ length: 7 }, (_, i) => [13 - i, i]))).toEqual(one);
});
