import { argMax, Random, type Tensor, tensor } from "@pixelcal/core";
import { describe, expect, test } from "vitest";
import type { Preparation } from "../preparation/preparation.js";
import { type PredictOptions, type ProbabilityModel, predict } from "./predict.js";
import { predictCase, predictCaseLabels } from "./predict-case.js";
import { type PredictLabelsOptions, predictLabels } from "./predict-labels.js";
import { regionLabels } from "./region-labels.js";

function noise(dims: readonly number[], seed: number): Tensor<"float32"> {
  const random = Random.fromSeed(seed);
  const count = dims.reduce((a, b) => a * b, 1);
  return tensor(
    "float32",
    Float32Array.from({ length: count }, () => random.normal()),
    dims,
  );
}

/** A model of `classes` channels whose values depend on pixel, channel and place in the tile. */
function model(classes: number, activation: "softmax" | "sigmoid" = "softmax") {
  const calls: string[] = [];
  const made: ProbabilityModel = {
    activation,
    async predict({ data, dims }) {
      const [count = 0, , ...spatial] = dims;
      const pixels = spatial.reduce((a, b) => a * b, 1);
      calls.push(String(data[0]));
      const out = new Float32Array(count * classes * pixels);
      for (let i = 0; i < pixels; i++) {
        const z = Array.from({ length: classes }, (_, c) => Math.sin(3 * data[i]! * (c + 1) + c + i / 9));
        const sum = z.reduce((total, value) => total + Math.exp(value), 0);
        z.forEach((value, c) => {
          out[c * pixels + i] =
            activation === "softmax" ? Math.exp(value) / sum : 1 / (1 + Math.exp(-2 * value));
        });
      }
      return tensor("float32", out, [count, classes, ...spatial]);
    },
  };
  return { made, calls };
}

async function likeliest(network: ProbabilityModel, image: Tensor<"float32">, options: PredictOptions) {
  const { dims, ...probs } = await predict(network, image, options);
  return [...(await argMax({ ...probs, dims: [1, ...dims] })).data].map(Number);
}

describe("predictLabels has the likeliest class of predict, to the bit", () => {
  test.each<[string, readonly number[], PredictLabelsOptions]>([
    ["one column", [1, 20, 17], { tile: [8, 8] }],
    ["columns of an image", [2, 20, 17], { tile: [8, 6], sumBytes: 4 * 5 * 8 * 5 }],
    ["columns of one pixel", [1, 9, 7], { tile: [4, 4], sumBytes: 1 }],
    ["columns of a volume", [1, 13, 11, 10], { tile: [6, 4, 5], overlap: 0.4, sumBytes: 4 * 5 * 6 * 12 }],
    [
      "a volume with flips",
      [1, 9, 8, 10],
      { tile: [4, 4, 4], flips: [0, 2], blending: "constant", sumBytes: 2000 },
    ],
    ["an image smaller than the tile", [1, 5, 6], { tile: [8, 8], sumBytes: 300 }],
    ["a volume thinner than the tile", [1, 3, 14, 5], { tile: [8, 4, 8], sumBytes: 900 }],
    ["no overlap", [1, 12, 12], { tile: [5, 4], overlap: 0, sumBytes: 500 }],
  ])("%s", async (_, dims, options) => {
    const image = noise(dims, 1);
    const { made } = model(5);
    const map = await predictLabels(made, image, options);
    expect(map.type).toBe("uint8");
    expect(map.dims).toEqual(dims.slice(1));
    const { sumBytes: __, ...rest } = options;
    expect([...map.data]).toEqual(await likeliest(made, image, rest));
  });
});

test("one column predicts every tile once", async () => {
  const image = noise([1, 20, 17], 2);
  const [whole, lean] = [model(3), model(3)];
  await predict(whole.made, image, { tile: [8, 8] });
  await predictLabels(lean.made, image, { tile: [8, 8] });
  expect(lean.calls).toEqual(whole.calls);
});

test("more than 256 classes give 16 bits", async () => {
  const map = await predictLabels(model(300).made, noise([1, 6, 6], 3), { tile: [4, 4] });
  expect(map.type).toBe("uint16");
  expect(Math.max(...map.data)).toBeGreaterThan(255);
});

test("sigmoid heads write their labels in order", async () => {
  const image = noise([1, 14, 15], 4);
  const { made } = model(3, "sigmoid");
  const order = [7, 2, 9];
  const map = await predictLabels(made, image, { tile: [6, 6], classOrder: order, sumBytes: 400 });
  expect(map).toEqual(await regionLabels(await predict(made, image, { tile: [6, 6] }), order));
});

test.each<[string, Preparation]>([
  ["cropped", { normalization: [{ scheme: "z-score" }], crop: true }],
  ["normalised", { normalization: [{ scheme: "z-score" }] }],
])("a case is %s and labelled as stored", async (_, preparation) => {
  const image = noise([1, 12, 13], 5);
  for (const i of image.data.keys()) if (i < 26 || i % 13 > 9) image.data[i] = 0;
  for (const activation of ["softmax", "sigmoid"] as const) {
    const models = [{ model: model(3, activation).made, preparation }];
    const probs = await predictCase(models, { image }, { tile: [5, 5] });
    const order = activation === "sigmoid" ? { classOrder: [1, 2, 3] } : {};
    const map = await predictCaseLabels(models, { image }, { tile: [5, 5], ...order });
    const expected =
      activation === "sigmoid"
        ? [...(await regionLabels(probs, [1, 2, 3])).data]
        : [...(await argMax({ ...probs, dims: [1, ...probs.dims] })).data].map(Number);
    expect([...map.data]).toEqual(expected);
    // Outside of the crop is background, and in no region.
    if (preparation.crop) expect(map.data.slice(0, 26).every((label) => label === 0)).toBe(true);
  }
});

test.each<[string, readonly number[], readonly number[], readonly number[], Partial<PredictLabelsOptions>]>([
  ["finer, in 2-D", [1, 17, 13], [1, 1], [0.6, 0.8], {}],
  ["coarser, in 2-D, in columns", [1, 23, 29], [1, 1], [1.7, 1.3], { sumBytes: 4 * 4 * 5 * 6 }],
  ["finer, in 3-D, in columns", [1, 9, 11, 8], [2, 1, 1], [1.3, 0.7, 0.9], { sumBytes: 4 * 4 * 5 * 40 }],
  ["coarser, in 3-D", [1, 14, 13, 12], [1, 1, 1], [1.9, 1.5, 2.1], {}],
  ["by pixels of one column", [1, 7, 6], [1, 1], [0.7, 1.4], { sumBytes: 1 }],
  ["along one axis alone", [1, 12, 9], [1, 1], [1, 2], { sumBytes: 300 }],
  ["to the nearest along a coarse axis", [1, 5, 12, 10], [5, 1, 1], [2, 1.2, 1.2], { sumBytes: 2000 }],
])("a case resampled %s is labelled on its own grid", async (_, dims, spacing, target, more) => {
  const image = noise(dims, 7);
  image.data.fill(0, 0, dims.at(-1)! * 2);
  const tile = dims.slice(1).map((n) => Math.min(5, n));
  for (const activation of ["softmax", "sigmoid"] as const)
    for (const crop of [false, true]) {
      const preparation = { normalization: [{ scheme: "none" as const }], spacing: target, crop };
      const models = [{ model: model(4, activation).made, preparation }];
      const item = { image, spacing };
      const order = activation === "sigmoid" ? { classOrder: [1, 2, 3, 4] } : {};
      const map = await predictCaseLabels(models, item, { tile, ...order, ...more });
      const probs = await predictCase(models, item, { tile });
      const expected =
        activation === "sigmoid"
          ? await regionLabels(probs, [1, 2, 3, 4])
          : await argMax({ ...probs, dims: [1, ...probs.dims] });
      expect(map.dims).toEqual(dims.slice(1));
      expect([...map.data]).toEqual([...expected.data].map(Number));
    }
});

test("options and models that do not fit are refused, and outputs that are not finite", async () => {
  const image = noise([1, 8, 8], 6);
  const { made } = model(2);
  await expect(predictLabels(made, image, { tile: [4] })).rejects.toThrow(
    "tile: expected 2 sizes of 1 or more, got [4]",
  );
  await expect(predictLabels(made, image, { tile: [4, 4], sumBytes: 0 })).rejects.toThrow(
    "sumBytes: expected a number above 0, got 0",
  );
  await expect(predictLabels(made, image, { tile: [4, 4], classOrder: [1] })).rejects.toThrow(
    "classOrder: expected 2 labels, one a region, got 1",
  );
  const preparation = { normalization: [{ scheme: "none" as const }], spacing: [1, 1] };
  await expect(
    predictCaseLabels([{ model: made }, { model: made, preparation }], { image }, { tile: [4, 4] }),
  ).rejects.toThrow("models: label maps need models of one preparation");
  const grid = { size: [8], interpolation: ["linear"] as const };
  await expect(predictLabels(made, image, { tile: [4, 4], grid })).rejects.toThrow(
    "grid.size: expected 2 sizes, got [8]",
  );
  image.data[40] = Number.NaN;
  await expect(predictLabels(made, image, { tile: [4, 4] })).rejects.toThrow(
    "the network's outputs are not finite",
  );
  const finer = { size: [12, 12], interpolation: ["linear", "linear"] as const };
  await expect(predictLabels(made, image, { tile: [4, 4], grid: finer })).rejects.toThrow(
    "the network's outputs are not finite",
  );
});
