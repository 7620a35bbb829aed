import { type Labels, type Tensor, tensor } from "@pixelcal/core";
import { describe, expect, test } from "vitest";
import {
  classesOfChannels,
  predictedProbabilities,
  type Refuse,
  type ValueReading,
} from "./predicted-probabilities.js";

const refuse: Refuse = (what) => {
  throw new Error(what);
};
const maps = (...channels: number[][]): Tensor<"float32"> =>
  tensor("float32", Float32Array.from(channels.flat()), [channels.length, 1, channels[0]!.length]);
const labels = (...values: number[]): Labels => tensor("uint8", Uint8Array.from(values), [1, values.length]);

async function read(
  values: Tensor<"float32">,
  reading: ValueReading = {},
  of = labels(0, 1),
): Promise<number[]> {
  const before = values.data.slice();
  const { data } = await predictedProbabilities(values, of, reading, refuse);
  expect(values.data).toEqual(before);
  return [...data];
}

/** Computes the softmax of one pixel in the obvious way. */
function softmax(logits: readonly number[]): number[] {
  const largest = Math.max(...logits);
  const shares = logits.map((z) => Math.exp(z - largest));
  const sum = shares.reduce((a, b) => a + b, 0);
  return shares.map((share) => share / sum);
}

function near(actual: readonly number[], expected: readonly number[]): void {
  expect(actual).toHaveLength(expected.length);
  for (const [i, value] of actual.entries()) expect(value).toBeCloseTo(expected[i]!, 6);
}

describe("values become probabilities", () => {
  test("probabilities are taken as they are, rounding cut off", async () => {
    const exact = maps([0.25, 1], [0.75, 0]);
    expect(await predictedProbabilities(exact, labels(0, 1), {}, refuse)).toBe(exact);
    near(await read(maps([0.25, 1.000001], [0.75, -0.000001])), [0.25, 1, 0.75, 0]);
    near(await read(maps([0.2505, 0.5], [0.75, 0.4995])), [0.2505, 0.5, 0.75, 0.4995]);
  });

  test("softmax of logits, large and minus infinity among them", async () => {
    const [a, b] = [softmax([1, -2, 300]), softmax([-700, 4, Number.NEGATIVE_INFINITY])];
    const logits = maps([1, -700], [-2, 4], [300, Number.NEGATIVE_INFINITY]);
    near(await read(logits, { transform: "softmax" }), [a[0]!, b[0]!, a[1]!, b[1]!, a[2]!, b[2]!]);
  });

  test("sigmoid of one channel, and of two that exclude each other", async () => {
    const p = [1 / (1 + Math.exp(3)), 1 / (1 + Math.exp(-100))];
    const expected = [...p.map((value) => 1 - value), ...p];
    near(await read(maps([-3, 100]), { transform: "sigmoid" }), expected);
    near(await read(maps([3, -100], [-3, 100]), { transform: "sigmoid" }), expected);
  });

  test("normalize divides by the sum", async () => {
    near(await read(maps([1, 0], [3, 200]), { transform: "normalize" }), [0.25, 0, 0.75, 1]);
  });

  test.each<ValueReading["transform"]>([undefined, "softmax", "normalize"])(
    "ignored pixels may hold anything and get equal chances: %s",
    async (transform) => {
      const values =
        transform === "softmax" ? maps([0, Number.NaN], [0, 7]) : maps([0.5, Number.NaN], [0.5, -7]);
      near(await read(values, { transform, ignore: 255 }, labels(0, 255)), [0.5, 0.5, 0.5, 0.5]);
      await expect(read(values, { transform }, labels(0, 1))).rejects.toThrow();
    },
  );
});

const sum = (p: number): Tensor<"float32"> => maps([0.5, p], [0.5, p]);
const wrong: readonly [string, Tensor<"float32">, ValueReading["transform"], string][] = [
  [
    "half of it missing",
    sum(0.25),
    undefined,
    "expected probabilities that sum to 1 over the classes, got a sum of 0.5 at pixel 1 (1 of 2 pixels); use --softmax",
  ],
  ["a little over the tolerance", sum(0.5006), undefined, "got a sum of 1.0012 at pixel 1"],
  [
    "logits",
    maps([0, 4], [1, -2]),
    undefined,
    "got 4 in class 0 at pixel 1 (2 such values); use --softmax for",
  ],
  ["NaN", maps([0, Number.NaN], [1, 0]), undefined, "got NaN in class 0 at pixel 1 (1 such values)"],
  ["probabilities as logits", sum(0.5), "softmax", "--softmax: expected logits, got probabilities"],
  ["NaN as logit", maps([2, 1], [Number.NaN, 0]), "softmax", "expected finite logits, got 2, NaN at pixel 0"],
  ["infinite", maps([2, Number.POSITIVE_INFINITY], [1, 0]), "softmax", "got Infinity, 0 at pixel 1 (1 such"],
  ["NaN of one channel", maps([2, Number.NaN]), "sigmoid", "--sigmoid: expected logits, got NaN at pixel 1"],
  [
    "sigmoids that do not exclude each other",
    maps([2, 1], [-2, 1]),
    "sigmoid",
    "two channels that exclude each other (multi-label outputs are not supported), got 1, 1 at pixel 1",
  ],
  ["a sum of 0", maps([2, 0], [2, 0]), "normalize", "got a sum of 0 at pixel 1 (1 of 2 pixels)"],
  ["a negative value", maps([2, -1], [2, 3]), "normalize", "values of at least 0, got -1 at pixel 1"],
];
test.each(wrong)("refused: %s", async (_, values, transform, message) => {
  await expect(read(values, { transform })).rejects.toThrow(message);
});

test("channels and classes", () => {
  expect(classesOfChannels(3, {}, refuse)).toBe(3);
  expect(classesOfChannels(1, { transform: "sigmoid" }, refuse)).toBe(2);
  expect(classesOfChannels(2, { transform: "sigmoid" }, refuse)).toBe(2);
  expect(() => classesOfChannels(1, {}, refuse)).toThrow("--sigmoid is for one channel of logits");
  expect(() => classesOfChannels(3, { transform: "sigmoid" }, refuse)).toThrow(
    "sigmoid outputs of 3 channels (multi-label) are not supported",
  );
});
