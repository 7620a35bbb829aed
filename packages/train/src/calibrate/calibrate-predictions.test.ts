import { type Calibrator, type Labels, Random, type Tensor, tensor } from "@pixelcal/core";
import { expect, test } from "vitest";
import { calibratePredictions, type LabelledPrediction } from "./calibrate-predictions.js";

const [height, width] = [40, 36];
const pixels = height * width;
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** Returns logits [channels] of a pixel, the truth, from which the labels are drawn. */
function logitsAt(seed: number, channel: number, i: number): number {
  const [y, x] = [Math.floor(i / width), i % width];
  return 2 * Math.sin(x / 7 + 2 * channel + seed) * Math.cos(y / 6 + channel);
}

/** A prediction that is twice as confident as it should be. */
function softmaxed(seed: number): LabelledPrediction {
  const random = Random.fromSeed(seed);
  const probabilities = new Float32Array(3 * pixels);
  const labels = new Uint8Array(pixels);
  for (let i = 0; i < pixels; i++) {
    const truth = [0, 1, 2].map((c) => Math.exp(logitsAt(seed, c, i)));
    const squares = truth.map((each) => each * each);
    const total = squares.reduce((a, b) => a + b);
    for (const [c, each] of squares.entries()) probabilities[c * pixels + i] = each / total;
    let rest = random.uniform() * truth.reduce((a, b) => a + b);
    labels[i] = truth.findIndex((each) => (rest -= each) < 0);
  }
  return {
    probabilities: tensor("float32", probabilities, [3, height, width]),
    labels: tensor("uint8", labels, [height, width]) as Labels,
  };
}

/** Two regions, the second inside the first: sigmoids of their own, twice as confident as they should be. */
function nested(seed: number): LabelledPrediction {
  const random = Random.fromSeed(seed);
  const probabilities = new Float32Array(2 * pixels);
  const labels = new Uint8Array(pixels);
  for (let i = 0; i < pixels; i++) {
    const [outer, inner] = [0, 1].map((c) => logitsAt(seed, c, i)) as [number, number];
    probabilities[i] = sigmoid(2 * outer);
    // The chance of being in both, with log-odds times two.
    const both = sigmoid(outer) * sigmoid(inner);
    probabilities[pixels + i] = sigmoid(2 * Math.log(both / (1 - both)));
    labels[i] = random.uniform() < sigmoid(outer) ? (random.uniform() < sigmoid(inner) ? 2 : 1) : 0;
  }
  return {
    probabilities: tensor("float32", probabilities, [2, height, width]),
    labels: tensor("uint8", labels, [height, width]) as Labels,
  };
}

const names = Array.from({ length: 12 }, (_, i) => `case ${i}`);
const readFrom =
  (make: (seed: number) => LabelledPrediction) =>
  async (name: string): Promise<LabelledPrediction> =>
    make(names.indexOf(name));
const scaleOf = ({ calibrator }: { calibrator: Calibrator }): number =>
  (calibrator as Calibrator<"temperature">).parameters.scale;

test("logarithms of probabilities are as good as logits", async () => {
  const { fits, clipped, apply, data } = await calibratePredictions({
    names,
    read: readFrom(softmaxed),
    method: "temperature",
  });
  expect(scaleOf(fits[0]!)).toBeCloseTo(0.5, 1);
  expect(clipped).toBe(0);
  expect(data).toMatch(/^[0-9a-f]{64}$/);
  const { probabilities } = softmaxed(3);
  const calibrated = await apply(probabilities);
  expect(calibrated.dims).toEqual(probabilities.dims);
  for (let i = 0; i < pixels; i += 7) {
    const raised = [0, 1, 2].map((c) => probabilities.data[c * pixels + i]! ** scaleOf(fits[0]!));
    const total = raised.reduce((a, b) => a + b);
    for (const [c, each] of raised.entries())
      expect(calibrated.data[c * pixels + i]).toBeCloseTo(each / total, 5);
  }
});

test("each sigmoid is given its own calibrator, which keeps its side of 1/2", async () => {
  const { fits, apply } = await calibratePredictions({
    names,
    read: readFrom(nested),
    heads: [[1, 2], [2]],
    method: "temperature",
  });
  expect(fits.length).toBe(2);
  for (const fit of fits) expect(scaleOf(fit)).toBeCloseTo(0.5, 1);
  const { probabilities } = nested(5);
  const calibrated = await apply(probabilities);
  for (const [at, p] of probabilities.data.entries()) {
    const expected = sigmoid(scaleOf(fits[Math.floor(at / pixels)]!) * Math.log(p / (1 - p)));
    expect(Math.abs(calibrated.data[at]! - expected)).toBeLessThan(1e-5);
    expect(calibrated.data[at]! > 0.5).toBe(p > 0.5);
  }
  await expect(apply(softmaxed(0).probabilities)).rejects.toThrow("expected 2 channels, got 3");
});

test("impossible probabilities are clipped and counted, impossible numbers refused", async () => {
  const certain = (seed: number): LabelledPrediction => {
    const { probabilities, labels } = softmaxed(seed);
    probabilities.data.set(
      [0, 1, 0].flatMap((p) => [p]),
      0,
    );
    for (const c of [0, 1, 2]) probabilities.data[c * pixels] = c === 0 ? 1 : 0;
    return { probabilities, labels };
  };
  const { clipped, fits } = await calibratePredictions({
    names,
    read: readFrom(certain),
    method: "temperature",
  });
  expect(clipped).toBeGreaterThan(0);
  expect(Number.isFinite(fits[0]!.nll.after)).toBe(true);
  const wrong =
    (value: number) =>
    (seed: number): LabelledPrediction => {
      const { probabilities, labels } = softmaxed(seed);
      return {
        labels,
        probabilities: { ...probabilities, data: probabilities.data.map(() => value) } as Tensor<"float32">,
      };
    };
  for (const value of [-0.1, 1.1, Number.NaN])
    await expect(calibratePredictions({ names, read: readFrom(wrong(value)) })).rejects.toThrow(
      `probabilities: expected 0 to 1, got ${value}`.slice(0, 36),
    );
  await expect(calibratePredictions({ names, groups: ["a"], read: readFrom(softmaxed) })).rejects.toThrow(
    "groups: expected 12 groups, got 1",
  );
});
