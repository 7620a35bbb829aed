import { describe, expect, test } from "vitest";
import { InvalidArgumentError } from "../errors.js";
import { Random } from "../random.js";
import { type Labels, tensor } from "../tensor.js";
import {
  type BoundarySoftLabelsOptions,
  boundarySoftLabels,
  boundarySoftLabelsSync,
} from "./boundary-soft-labels.js";
import { signedDistanceSync } from "./signed-distance.js";

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const of = (labels: Labels, options: BoundarySoftLabelsOptions): number[] => [
  ...boundarySoftLabelsSync(labels, options).data,
];
function near(got: readonly number[], expected: readonly number[]): void {
  expect(got.length).toBe(expected.length);
  got.forEach((value, i) => void expect(value, `entry ${i}`).toBeCloseTo(expected[i]!, 6));
}

describe("the definition, on a row of pixels", () => {
  const row = tensor("uint8", Uint8Array.of(0, 0, 0, 1, 1), [1, 5]);
  test("two classes are the sigmoid of the distance to the border between pixels", () => {
    const foreground = [-2.5, -1.5, -0.5, 0.5, 1.5].map((x) => sigmoid(x / 0.8));
    near(of(row, { classes: 2, scale: 0.8 }), [...foreground.map((p) => 1 - p), ...foreground]);
  });
  test("spacing scales the pixel and the scale with it", () => {
    near(of(row, { classes: 2, spacing: [3], scale: 0.8 }), of(row, { classes: 2, scale: 0.8 }));
  });
  test("a floor mixes in the uniform distribution, also for absent classes", () => {
    const plain = of(row, { classes: 4 });
    near(
      of(row, { classes: 4, floor: 0.1 }),
      plain.map((t) => 0.9 * t + 0.025),
    );
    expect(plain.slice(10)).toEqual(Array(10).fill(0));
  });
  test("three classes meet: the nearest of the others and the own side", () => {
    const three = tensor("int32", Int32Array.of(0, 1, 2), [1, 3]);
    // Pixel 0 lies 1 inside class 0, 1 outside class 1 and 2 outside class 2, each less half a pixel.
    const scores = [0.5, -0.5, -1.5].map((s) => Math.exp(s / 2));
    const sum = scores.reduce((a, b) => a + b);
    const got = of(three, { classes: 3, scale: 1 });
    near(
      [got[0]!, got[3]!, got[6]!],
      scores.map((s) => s / sum),
    );
  });
  test("ignored pixels are no border, and have no target", () => {
    const holes = tensor("int32", Int32Array.of(9, 0, 0, 9, 1), [1, 5]);
    const at = [-2.5, -1.5, 1.5].map((x) => sigmoid(x / 0.6));
    const foreground = [0, at[0]!, at[1]!, 0, at[2]!];
    const background = [0, 1 - at[0]!, 1 - at[1]!, 0, 1 - at[2]!];
    near(of(holes, { classes: 2, scale: 0.6, ignore: 9 }), [...background, ...foreground]);
    // There is no border where the other class is absent, nor where no class is present.
    const alone = tensor("int32", Int32Array.of(9, 0, 9), [1, 3]);
    expect(of(alone, { classes: 2, scale: 5, ignore: 9 })).toEqual([0, 1, 0, 0, 0, 0]);
  });
});

test("the targets of signedDistance's distances, with any spacing, in 2-D and 3-D", async () => {
  const random = Random.fromSeed(5);
  const cases: readonly [readonly number[], readonly number[] | undefined][] = [
    [[2, 9, 14], undefined],
    [
      [1, 9, 14],
      [2.5, 0.8],
    ],
    [
      [2, 4, 7, 6],
      [3, 0.7, 0.9],
    ],
  ];
  for (const [dims, spacing] of cases) {
    const pixels = dims.reduce((a, b) => a * b, 1);
    const labels = tensor(
      "uint8",
      Uint8Array.from({ length: pixels }, () => random.integer(3)),
      dims,
    );
    const scale = 1.3;
    const h = Math.min(...(spacing ?? [1]));
    const phi = signedDistanceSync(labels, { classes: 3, spacing, normalize: "none" }).data;
    const image = pixels / dims[0]!;
    const scores = phi.map((s) => (-Math.sign(s) * Math.max(Math.abs(s) - h / 2, h / 2)) / (2 * scale * h));
    const target = (await boundarySoftLabels(labels, { classes: 3, spacing, scale })).data;
    for (let n = 0; n < dims[0]!; n++) {
      for (let i = 0; i < image; i++) {
        const at = [0, 1, 2].map((c) => (3 * n + c) * image + i);
        const sum = at.reduce((total, k) => total + Math.exp(scores[k]!), 0);
        for (const k of at) expect(target[k]).toBeCloseTo(Math.exp(scores[k]!) / sum, 5);
        expect(at.reduce((total, k) => total + target[k]!, 0)).toBeCloseTo(1, 6);
      }
    }
  }
});

test("scale 0 is exactly one-hot, and out is written", () => {
  const labels = tensor("uint8", Uint8Array.of(2, 0, 0, 2), [1, 2, 2]);
  const out = tensor("float32", new Float32Array(12).fill(7), [1, 3, 2, 2]);
  expect(boundarySoftLabelsSync(labels, { classes: 3, scale: 0, out }).data).toBe(out.data);
  expect([...out.data]).toEqual([0, 1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 1]);
});

test("rejected arguments", async () => {
  const labels = tensor("int32", Int32Array.of(0, 1, 7, 0), [1, 4]);
  const cases: readonly [object, string][] = [
    [{ classes: 2 }, "labels: expected classes 0 to 1, got 7 at pixel 2 (1 such pixels)"],
    [{ classes: 0 }, "classes: expected an integer from 1 to 32767, got 0"],
    [{ classes: 2, spacing: [1, 1] }, "spacing: expected 1 numbers, got 2"],
    [{ classes: 2, scale: -1 }, "scale: expected a number of at least 0, got -1"],
    [{ classes: 2, scale: "1" }, "scale: expected a number of at least 0, got 1"],
    [{ classes: 2, floor: 1 }, "floor: expected a number from 0 to below 1, got 1"],
    [{ classes: 2, ignore: 0.5 }, "ignore: expected an integer"],
    [{ classes: 2, out: tensor("float32", new Float32Array(4), [1, 4]) }, "out: expected rank 3, got 2"],
  ];
  for (const [options, message] of cases) {
    const run = () => boundarySoftLabelsSync(labels, options as BoundarySoftLabelsOptions);
    expect(run).toThrow(InvalidArgumentError);
    expect(run).toThrow(message);
    await expect(boundarySoftLabels(labels, options as BoundarySoftLabelsOptions)).rejects.toThrow(message);
  }
});
