import { describe, expect, test } from "vitest";
import { networkFor, planFor } from "./plan.js";

const GiB = 2 ** 30;
const of = (sizes: number[][], spacings: number[][] | undefined, memory = 4 * GiB, classes = 3) =>
  planFor({ sizes, spacings }, { memory, base: 16, classes });

describe("planFor", () => {
  test("isotropic: the median spacing, and patches of the median size up to what stages halve", () => {
    const plan = of(
      [
        [34, 52, 35],
        [40, 50, 39],
        [36, 48, 31],
      ],
      [
        [1, 1, 1],
        [1, 1, 1],
        [1, 1, 1],
      ],
    );
    expect(plan).toEqual({ spacing: [1, 1, 1], patch: [40, 56, 40], batch: 2, network: "plain", base: 16 });
  });

  test("volumes too small for stages are padded to those of the authors' U-Net", () => {
    expect(of([[6, 7, 5]], [[1, 1, 1]])).toEqual({
      spacing: [1, 1, 1],
      patch: [8, 8, 8],
      batch: 2,
      network: "unet",
      base: 16,
    });
  });

  test("sizes are those after resampling", () => {
    const { patch } = of(
      [
        [20, 20],
        [20, 20],
        [20, 20],
      ],
      [
        [1, 1],
        [2, 2],
        [2, 2],
      ],
    );
    // Two of three cases keep 20 pixels at the median spacing of 2.
    expect(patch).toEqual([24, 24]);
  });

  test("an axis that is three times as coarse and as short: the tenth percentile, and stages of its own", () => {
    const spacings = [5, 6, 8, 9, 10].map((z) => [z, 1.5, 1.5]);
    const plan = of(
      spacings.map(() => [10, 200, 200]),
      spacings,
    );
    expect(plan.spacing![0]).toBeCloseTo(5.4, 12);
    expect(plan.spacing!.slice(1)).toEqual([1.5, 1.5]);
    expect(plan.stages!.strides[0]).toEqual([1, 2, 2]);
    const product = [0, 1, 2].map((axis) => plan.stages!.strides.reduce((p, s) => p * s[axis]!, 1));
    for (const [axis, n] of plan.patch.entries()) expect(n % product[axis]!).toBe(0);
  });

  test("a coarse axis of as many pixels keeps its median", () => {
    const spacings = [5, 6, 8].map((z) => [z, 1, 1]);
    expect(
      of(
        spacings.map(() => [60, 60, 60]),
        spacings,
      ).spacing,
    ).toEqual([6, 1, 1]);
  });

  test("spacings that files hold in single precision are six digits again", () => {
    const spacings = [5, 10, 10].map((z) => [z, 1.37, 1.37].map(Math.fround));
    expect(
      of(
        spacings.map(() => [10, 200, 200]),
        spacings,
      ).spacing,
    ).toEqual([6, 1.37, 1.37]);
  });

  test("less memory, smaller patches: the axis that is largest for its median loses first", () => {
    const cases = [[300, 512, 512]];
    const large = of(cases, [[1, 1, 1]], 16 * GiB).patch;
    const small = of(cases, [[1, 1, 1]], GiB).patch;
    expect(small.every((n, axis) => n <= large[axis]! && n % 8 === 0)).toBe(true);
    expect(2 * small.reduce((a, b) => a * b, 1)).toBeLessThanOrEqual(GiB / (4 * (28 * 16 + 13 * 3)));
    // It keeps the shape of the cases.
    expect(small[1]! / small[0]!).toBeCloseTo(512 / 300, 0);
  });

  test("more classes, smaller patches, of the plain network by more", () => {
    const pixels = (classes: number, size: number[]): number =>
      of([size], undefined, 4 * GiB, classes).patch.reduce((a, b) => a * b, 1);
    const [volume, plane] = [
      [300, 512, 512],
      [9000, 9000],
    ];
    for (const size of [volume, plane]) expect(pixels(104, size)).toBeLessThan(pixels(3, size));
    expect(2 * pixels(104, volume)).toBeLessThanOrEqual((4 * GiB) / (4 * (28 * 16 + 13 * 104)));
    expect(2 * pixels(104, plane)).toBeLessThanOrEqual((4 * GiB) / (4 * (24 * 16 + 5 * 104)));
  });

  test("planar patches: as many as fit and hold a twentieth of the pixels, from 2 to 12", () => {
    const planes = (count: number): number[][] => Array.from({ length: count }, () => [64, 64]);
    expect(of(planes(10), undefined)).toEqual({ patch: [64, 64], batch: 2, network: "unet", base: 16 });
    expect(of(planes(1000), undefined).batch).toBe(12);
    expect(of(planes(100), undefined).batch).toBe(5);
  });
});

describe("networkFor", () => {
  const base = (size: number[], spacing: number[], memory = 4 * GiB): number =>
    networkFor({ sizes: [size], spacings: [spacing] }, 3, memory).base;

  test("small volumes have nnU-Net's 32 channels", () => {
    expect(base([36, 50, 35], [1, 1, 1])).toBe(32);
    expect(base([48, 48, 48], [1, 1, 1])).toBe(32);
    expect(base([12, 96, 96], [5, 1, 1])).toBe(32);
  });

  test("large volumes, and images of the authors' U-Net, have 16", () => {
    expect(base([56, 56, 48], [1, 1, 1])).toBe(16);
    expect(base([64, 64], [1, 1])).toBe(16);
    expect(base([6, 7, 5], [1, 1, 1])).toBe(16);
  });

  test("no channels are paid for with smaller patches", () => {
    const estimate = 4 * (28 * 32 + 13 * 3) * 2 * 48 ** 3;
    expect(base([48, 48, 48], [1, 1, 1], estimate + 1)).toBe(32);
    expect(base([48, 48, 48], [1, 1, 1], estimate - 1)).toBe(16);
  });
});
