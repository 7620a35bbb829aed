import { elementCount, Random, tensor, zeros } from "@pixelcal/core";
import { describe, expect, test } from "vitest";
import type { Preparation } from "./preparation.js";
import { coarseAxis, nonZeroWindow, prepareCase, restoreProbabilities } from "./prepare-case.js";

const none: Preparation = { normalization: [{ scheme: "none" }] };
/** A ball of label 1 in a box of ones, which zeros surround. */
const size = [12, 20, 16];
const inside = (z: number, y: number, x: number): boolean => z >= 2 && z < 10 && y >= 3 && y < 17 && x >= 4;
const ball = (z: number, y: number, x: number): boolean =>
  (z - 5.5) ** 2 * 4 + (y - 9.5) ** 2 + (x - 9.5) ** 2 < 25;
const filled = (value: (z: number, y: number, x: number) => number): number[] =>
  Array.from({ length: 12 * 20 * 16 }, (_, i) => value(Math.floor(i / 320), Math.floor(i / 16) % 20, i % 16));
const item = {
  image: tensor("float32", Float32Array.from(filled((z, y, x) => (inside(z, y, x) ? 1 + x : 0))), [
    1,
    ...size,
  ]),
  labels: tensor("uint8", Uint8Array.from(filled((z, y, x) => Number(ball(z, y, x)))), size),
  spacing: [2, 1, 1],
  extras: {},
};

test("crops to what is not 0, and probabilities come back with background around them", async () => {
  const { item: cropped, place } = await prepareCase(item, { ...none, crop: true });
  expect(cropped.image.dims).toEqual([1, 8, 14, 12]);
  expect(place.window).toEqual({ origin: [2, 3, 4], size: [8, 14, 12] });
  const foreground = Float32Array.from(cropped.labels!.data, Number);
  const probs = new Float32Array(2 * foreground.length);
  probs.set(foreground, foreground.length);
  for (const [i, p] of foreground.entries()) probs[i] = 1 - p;
  const back = await restoreProbabilities(tensor("float32", probs, [2, 8, 14, 12]), place);
  expect(back.dims).toEqual([2, ...size]);
  expect(Array.from(back.data.subarray(item.labels.data.length))).toEqual(Array.from(item.labels.data));
  for (let i = 0; i < item.labels.data.length; i++)
    expect(back.data[i]! + back.data[item.labels.data.length + i]!).toBe(1);
});

test.each([[[7]], [[5, 6]], [[3, 5, 4]]])(
  "the window of what is not 0 is the box of all such pixels: %j",
  async (size) => {
    const random = Random.fromSeed(1);
    for (const channels of [1, 3])
      for (let trial = 0; trial < 40; trial++) {
        const image = zeros("float32", [channels, ...size]);
        const pixels = elementCount(size);
        const places: number[][] = [];
        for (let n = 0; n < 1 + (trial % 4); n++) {
          let pixel = random.integer(pixels);
          image.data[random.integer(channels) * pixels + pixel] = -1;
          const place = size.map(() => 0);
          for (let axis = size.length - 1; axis >= 0; axis--) {
            place[axis] = pixel % size[axis]!;
            pixel = Math.floor(pixel / size[axis]!);
          }
          places.push(place);
        }
        const bounds = size.map((_, axis) => {
          const along = places.map((place) => place[axis]!);
          return [Math.min(...along), Math.max(...along)] as const;
        });
        expect(await nonZeroWindow(image)).toEqual({
          origin: bounds.map(([from]) => from),
          size: bounds.map(([from, to]) => to - from + 1),
        });
      }
  },
);

test("an image of zeros keeps its size", async () => {
  const empty = { image: tensor("float32", new Float32Array(12), [1, 3, 4]), extras: {} };
  const { item: same } = await prepareCase(empty, { ...none, crop: true });
  expect(same.image.dims).toEqual([1, 3, 4]);
});

test("a ball that is cropped, resampled and brought back is where it was to half a pixel", async () => {
  const preparation: Preparation = { ...none, crop: true, spacing: [1.5, 1.3, 0.8] };
  const { item: prepared, place } = await prepareCase(item, preparation);
  expect(prepared.image.dims).toEqual([1, 11, 11, 15]);
  expect(prepared.spacing).toEqual([1.5, 1.3, 0.8]);
  const labels = prepared.labels!.data;
  const probs = new Float32Array(2 * labels.length);
  for (const [i, label] of labels.entries()) probs[label * labels.length + i] = 1;
  const back = await restoreProbabilities(tensor("float32", probs, [2, 11, 11, 15]), place);
  const count = item.labels.data.length;
  const found = Array.from(back.data.subarray(count), (p) => Number(p > 0.5));
  const centre = (map: ArrayLike<number>): number[] => {
    const sums = [0, 0, 0, 0];
    for (let i = 0; i < count; i++)
      if (map[i])
        for (const [k, at] of [1, Math.floor(i / 320), Math.floor(i / 16) % 20, i % 16].entries())
          sums[k]! += at;
    return sums.slice(1).map((sum) => sum / sums[0]!);
  };
  for (const [axis, at] of centre(found).entries())
    expect(Math.abs(at - centre(item.labels.data)[axis]!)).toBeLessThan(0.25);
  const [both, either] = [0, 1].map(
    (least) => found.filter((label, i) => label + item.labels.data[i]! > 1 - least).length,
  );
  expect((2 * both!) / (both! + either!)).toBeGreaterThan(0.9);
});

describe("spacing", () => {
  test("a coarse axis is not interpolated along", async () => {
    expect(coarseAxis([5, 1, 1])).toBe(0);
    expect(coarseAxis([3, 1, 1])).toBeUndefined();
    const { place } = await prepareCase({ ...item, spacing: [5, 1, 1] }, { ...none, spacing: [4, 1, 1] });
    expect(place.axes).toEqual(["nearest", "linear", "linear"]);
  });

  test("is needed, one number per axis", async () => {
    const { spacing: _, ...without } = item;
    await expect(prepareCase(without, { ...none, spacing: [1, 1, 1] })).rejects.toThrow(
      "spacing: missing; preparation.spacing resamples by it",
    );
    await expect(prepareCase(item, { ...none, spacing: [1, 1] })).rejects.toThrow(
      "preparation.spacing: expected 3 numbers, one per axis, got 2",
    );
  });
});
