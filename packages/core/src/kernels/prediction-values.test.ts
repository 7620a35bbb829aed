import { describe, expect, test } from "vitest";
import {
  inspectValues,
  type Labels,
  Random,
  type Tensor,
  type ToProbabilitiesOptions,
  tensor,
  toProbabilities,
} from "../index.js";

const pixels = 5003; // several blocks and a rest
const image = (data: Float32Array): Tensor<"float32"> =>
  tensor("float32", data, [1, data.length / pixels, pixels]);

function logits(classes: number, seed: number): Float32Array {
  const random = Random.fromSeed(seed);
  return Float32Array.from({ length: classes * pixels }, () => 60 * random.uniform() ** 3 - 20);
}

/** Every ninth pixel is ignored. */
const labels: Labels = tensor(
  "uint8",
  Uint8Array.from({ length: pixels }, (_, i) => (i % 9 === 0 ? 255 : 0)),
  [1, pixels],
);

/** The probabilities of one pixel in JavaScript's arithmetic, rounded where the kernel rounds. */
const ofPixel: Record<ToProbabilitiesOptions["transform"], (values: readonly number[]) => readonly number[]> =
  {
    clamp: (values) => values.map((value) => Math.min(1, Math.max(0, value))),
    softmax: (values) => {
      const powers = values.map((value) => Math.exp(value - Math.max(...values)));
      const sum = powers.reduce((a, b) => a + b, 0);
      return powers.map((power) => Math.fround(power) / sum);
    },
    sigmoid: (values) =>
      (values.length === 1 ? [-values[0]!, values[0]!] : values).map((value) => 1 / (1 + Math.exp(-value))),
    normalize: (values) => {
      const sum = values.reduce((a, b) => a + b, 0);
      return values.map((value) => value / sum);
    },
  };

function twin(
  data: Float32Array,
  transform: ToProbabilitiesOptions["transform"],
  ignores: boolean,
): Float32Array {
  const classes = data.length / pixels;
  const out = new Float32Array(Math.max(2, classes) * pixels);
  for (let i = 0; i < pixels; i++) {
    const values = Array.from({ length: classes }, (_, c) => data[c * pixels + i]!);
    const ignored = ignores && labels.data[i] === 255;
    const probs = ofPixel[transform](values);
    for (const [c, p] of probs.entries()) out[c * pixels + i] = ignored ? 1 / probs.length : p;
  }
  return out;
}

describe("toProbabilities", () => {
  test.each([
    ["softmax", 3, false],
    ["softmax", 4, true],
    ["sigmoid", 1, false],
    ["sigmoid", 2, true],
    ["normalize", 3, true],
    ["clamp", 2, true],
  ] as const)(
    "%s of %i channels has JavaScript's bits (ignored pixels: %s)",
    async (transform, channels, ignores) => {
      const data = logits(channels, 7);
      if (transform === "normalize") for (let i = 0; i < data.length; i++) data[i] = Math.abs(data[i]!);
      if (transform === "sigmoid" && channels === 2)
        for (let i = 0; i < pixels; i++) data[pixels + i] = -data[i]!;
      const ignore = ignores ? 255 : undefined;
      const { probs, outside } = await toProbabilities(image(data), {
        transform,
        tolerance: 1e-3,
        labels,
        ignore,
      });
      expect(outside).toEqual({ count: 0, first: -1 });
      expect(probs.dims).toEqual([1, Math.max(2, channels), pixels]);
      expect(probs.data).toEqual(twin(data, transform, ignores));
    },
  );

  test("counts pixels without probabilities, those that count alone", async () => {
    const data = logits(2, 1);
    for (const pixel of [9, 4100, 4101]) data[pixel] = Number.NaN;
    const options = { transform: "softmax", labels } as const;
    expect((await toProbabilities(image(data), options)).outside).toEqual({ count: 3, first: 9 });
    const counted = await toProbabilities(image(data), { ...options, ignore: 255 });
    expect(counted.outside).toEqual({ count: 2, first: 4100 });
  });
});

describe("inspectValues", () => {
  const limits = { low: -1e-5, high: 1 + 1e-5, lowSum: 0.999, highSum: 1.001 };
  const half = (): Float32Array => new Float32Array(2 * pixels).fill(0.5);

  test("finds nothing in probabilities", async () => {
    const nothing = { count: 0, first: -1 };
    const expected = { withinUnit: true, values: nothing, sums: nothing, sum: 0 };
    expect(await inspectValues(image(half()), limits)).toEqual(expected);
    const zero = half().map((_, i) => (i < pixels ? -0 : 1));
    expect(await inspectValues(image(zero), limits)).toEqual(expected);
  });

  test("finds rounding, values and sums, the first of each", async () => {
    const data = half();
    data[4999] = 1.000001;
    data[pixels + 4999] = 0;
    expect(await inspectValues(image(data), limits)).toMatchObject({
      withinUnit: false,
      values: { count: 0 },
      sums: { count: 0 },
    });
    for (const at of [pixels + 12, 3000, 4998]) data[at] = 7;
    const found = await inspectValues(image(data), limits);
    expect(found).toMatchObject({
      values: { count: 3, first: 3000 },
      sums: { count: 3, first: 12 },
      sum: 7.5,
    });
  });

  test("leaves ignored pixels out", async () => {
    const data = half();
    for (const at of [9, pixels + 4500]) data[at] = Number.NaN;
    const found = await inspectValues(image(data), { ...limits, labels, ignore: 255 });
    expect(found).toMatchObject({ withinUnit: false, values: { count: 0 }, sums: { count: 0 } });
    expect(await inspectValues(image(data), limits)).toMatchObject({
      values: { count: 2, first: 9 },
      sums: { count: 2, first: 9 },
      sum: Number.NaN,
    });
  });

  test("refuses what it cannot read", async () => {
    await expect(inspectValues(image(half()), { ignore: 3 })).rejects.toThrow(
      "labels: expected labels beside ignore",
    );
    const two = tensor("float32", new Float32Array(4), [2, 2, 1]);
    await expect(inspectValues(two)).rejects.toThrow("values: expected one image, got 2");
  });
});
