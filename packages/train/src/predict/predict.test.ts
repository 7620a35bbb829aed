import { InvalidArgumentError, type Tensor, tensor } from "@pixelcal/core";
import { describe, expect, it } from "vitest";
import { type ProbabilityModel, predict } from "./predict.js";
import { tileOrigins, tileStarts } from "./tiles.js";

const ramp = (dims: number[]): Tensor<"float32"> => {
  const count = dims.reduce((a, b) => a * b, 1);
  return tensor(
    "float32",
    Float32Array.from({ length: count }, (_, i) => Math.sin(i * 0.7) * 2),
    dims,
  );
};

/** Probabilities that depend on the pixel alone: tiling must not change them. */
const pointwise: ProbabilityModel = {
  async predict(images) {
    const [n = 0, c = 0, ...size] = images.dims;
    expect(c).toBe(1);
    const pixels = size.reduce((a, b) => a * b, 1);
    const data = new Float32Array(n * 2 * pixels);
    data.set(images.data, 0);
    return tensor("float32", data, [n, 2, ...size]);
  },
};

describe("predict", () => {
  it.each([
    { dims: [1, 9, 13], tile: [4, 5] },
    { dims: [1, 9, 13], tile: [16, 5] },
    { dims: [1, 3, 2], tile: [8, 8] },
    { dims: [1, 5, 6, 7], tile: [4, 4, 4], overlap: 0 },
    { dims: [1, 5, 6, 7], tile: [2, 3, 9], overlap: 0.75 },
  ])("tiles of $tile over $dims equal the whole image", async ({ dims, ...options }) => {
    const image = ramp(dims);
    const whole = await predict(pointwise, image);
    for (const blending of ["gaussian", "constant"] as const) {
      const tiled = await predict(pointwise, image, { ...options, blending });
      expect(tiled.dims).toEqual([2, ...dims.slice(1)]);
      tiled.data.forEach((value, i) => {
        expect(Math.abs(value - whole.data[i]!)).toBeLessThan(1e-6);
      });
    }
  });

  it.each([{ tile: undefined }, { tile: [4, 5] }])(
    "averages over mirror images, tile $tile",
    async ({ tile }) => {
      // A model that looks to the left: mirrored, it looks to the right.
      const leftward: ProbabilityModel = {
        async predict(images) {
          const width = images.dims.at(-1)!;
          const data = new Float32Array(2 * images.data.length);
          images.data.forEach((value, i) => {
            data[i] = value - (i % width === 0 ? 0 : images.data[i - 1]!);
          });
          return tensor("float32", data, [1, 2, ...images.dims.slice(2)]);
        },
      };
      const image = ramp([1, 4, 5]);
      const back = (i: number): number => Math.floor(i / 5) * 5 + 4 - (i % 5);
      const mirrored = tensor(
        "float32",
        image.data.map((_, i) => image.data[back(i)]!),
        [1, 4, 5],
      );
      const [plain, other] = [await predict(leftward, image), await predict(leftward, mirrored)];
      const both = await predict(leftward, image, { tile, flips: [1] });
      for (let i = 0; i < 20; i++)
        expect(both.data[i]).toBeCloseTo((plain.data[i]! + other.data[back(i)]!) / 2, 6);
      // Up and down, this model sees the same.
      const all = await predict(leftward, image, { tile, flips: [0, 1] });
      for (let i = 0; i < 40; i++) expect(all.data[i]).toBeCloseTo(both.data[i]!, 6);
    },
  );

  it("an image smaller than its tile lies in the middle, zeros around it, as in training", async () => {
    const seen: number[][] = [];
    const recording: ProbabilityModel = {
      async predict(images) {
        seen.push([...images.data]);
        return pointwise.predict(images);
      },
    };
    const image = tensor("float32", Float32Array.of(1, 2, 3, 4), [1, 2, 2]);
    const probs = await predict(recording, image, { tile: [4, 3] });
    expect(seen).toEqual([[0, 0, 0, 1, 2, 0, 3, 4, 0, 0, 0, 0]]);
    expect([...probs.data.subarray(0, 4)]).toEqual([1, 2, 3, 4]);
  });

  it("covers an axis from end to end with the overlap asked for", () => {
    expect(tileStarts(10, 4, 0.5)).toEqual([0, 2, 4, 6]);
    expect(tileStarts(11, 4, 0)).toEqual([0, 4, 7]);
    expect(tileStarts(4, 4, 0.5)).toEqual([0]);
    expect(tileStarts(3, 4, 0.5)).toEqual([0]);
    expect(tileStarts(3, 8, 0.5)).toEqual([-2]);
    expect(tileOrigins([5, 4], { tile: [4, 4] })).toEqual([
      [0, 0],
      [1, 0],
    ]);
  });

  it.each([
    ["tile", { tile: [4] }],
    ["tile", { tile: [4, 0] }],
    ["overlap", { tile: [4, 4], overlap: 1 }],
    ["overlap", { tile: [4, 4], overlap: -0.1 }],
    ["flips", { flips: [2] }],
    ["flips", { flips: [0, 0] }],
  ])("rejects a bad %s", async (argument, options) => {
    const attempt = predict(pointwise, ramp([1, 8, 8]), options);
    await expect(attempt).rejects.toThrow(InvalidArgumentError);
    await expect(attempt).rejects.toThrow(argument);
  });

  it("rejects an image without channels", async () => {
    await expect(predict(pointwise, ramp([8, 8]))).rejects.toThrow("image: expected rank 3 to 4, got 2");
  });
});
