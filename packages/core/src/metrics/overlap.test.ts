import fc from "fast-check";
import { expect, test } from "vitest";
import { InvalidArgumentError } from "../errors.js";
import { labels, logits, only, probs } from "../fixture.test.helper.js";
import { type Tensor, tensor } from "../tensor.js";
import {
  argMax,
  argMaxSync,
  confusionCounts,
  confusionCountsSync,
  diceScore,
  intersectionOverUnion,
  type OverlapCounts,
  type OverlapPolicy,
  overlapCounts,
} from "./overlap.js";

const confusion = confusionCountsSync(argMaxSync(probs), labels, { classes: 3 });

test("arg-max of the fixture, of probabilities or logits", async () => {
  const rows = ["0022211", "2221111", "2211111", "1111110", "1111000", "1100022"];
  expect(Array.from(argMaxSync(only(probs, 0)).data).join("")).toBe(rows.join(""));
  expect(await argMax(logits)).toEqual(argMaxSync(probs));
});

test("Dice and IoU of the fixture", () => {
  const dice = [0, 1].map((n) => diceScore(overlapCounts(confusion, "foreground", n), { smooth: 1e-6 }));
  expect(dice[0]).toBeCloseTo(0.50980393, 7);
  expect(dice[1]).toBeCloseTo(0.42857144, 7);
  const iou = (c: number, n: number): number =>
    intersectionOverUnion(overlapCounts(confusion, c, n), { labelEmpty: Number.NaN });
  expect(iou(1, 0)).toBeCloseTo(0.23076923, 7);
  expect(iou(2, 0)).toBeCloseTo(0.11764706, 7);
  expect(iou(1, 1)).toBeCloseTo(0.40909091, 7);
  expect(iou(2, 1)).toBeNaN();
});

test("the first of equal values wins, 256 classes fit in uint8 and 257 do not", () => {
  const flat = (classes: number): Tensor<"float32"> =>
    tensor("float32", new Float32Array(classes * 2), [1, classes, 2]);
  expect(argMaxSync(flat(256))).toEqual(tensor("uint8", new Uint8Array(2), [1, 2]));
  const many = flat(257);
  many.data[256 * 2 + 1] = 1;
  expect(argMaxSync(many)).toEqual(tensor("int32", Int32Array.of(0, 256), [1, 2]));
  const out = tensor("uint8", new Uint8Array(2), [1, 2]);
  expect(argMaxSync(flat(3), { out }).data).toBe(out.data);
});

const nothing = { truePositive: 0, falsePositive: 0, falseNegative: 0 };
test.each<[string, Partial<OverlapCounts>, OverlapPolicy, number, number]>([
  ["an overlap", { truePositive: 3, falsePositive: 1, falseNegative: 2 }, {}, 6 / 9, 3 / 6],
  ["both empty", {}, {}, Number.NaN, Number.NaN],
  ["both empty as success", {}, { bothEmpty: "perfect" }, 1, 1],
  ["both empty, smoothed and undefined", {}, { smooth: 1, bothEmpty: "undefined" }, Number.NaN, Number.NaN],
  ["both empty whatever one empty is", {}, { oneEmpty: "worst", labelEmpty: 1 }, Number.NaN, Number.NaN],
  ["both empty, smoothed", {}, { smooth: 1e-6 }, 1, 1],
  ["no label", { falsePositive: 4 }, {}, 0, 0],
  ["no label, left out", { falsePositive: 4 }, { labelEmpty: Number.NaN }, Number.NaN, Number.NaN],
  ["no label, told its worth", { falsePositive: 4 }, { labelEmpty: 0.5, oneEmpty: "undefined" }, 0.5, 0.5],
  ["no label, undefined", { falsePositive: 4 }, { oneEmpty: "undefined" }, Number.NaN, Number.NaN],
  ["no label, at the diagonal", { falsePositive: 4 }, { oneEmpty: "diagonal" }, 0, 0],
  ["no prediction, undefined", { falseNegative: 4 }, { oneEmpty: "undefined" }, Number.NaN, Number.NaN],
  ["no prediction", { falseNegative: 4 }, { labelEmpty: 1, bothEmpty: "perfect" }, 0, 0],
  ["smoothed", { truePositive: 1, falsePositive: 1 }, { smooth: 1 }, 3 / 4, 2 / 3],
])("Dice and IoU: %s", (_, counts, policy, dice, iou) => {
  expect(diceScore({ ...nothing, ...counts }, policy)).toBe(dice);
  expect(intersectionOverUnion({ ...nothing, ...counts }, policy)).toBe(iou);
});

test("confusion counts pixel by pixel, per image, without ignored and masked pixels", async () => {
  const map = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 12, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(map, map, map, async (truth, guess, hidden) => {
      const dims = [2, 2, 3];
      const expected = new Float64Array(2 * 9);
      truth.forEach((label, i) => {
        if (label < 3 && hidden[i] !== 0) expected[Math.floor(i / 6) * 9 + label * 3 + (guess[i]! % 3)]! += 1;
      });
      const predicted = tensor(
        "int64",
        BigInt64Array.from(guess, (label) => BigInt(label % 3)),
        dims,
      );
      const options = { classes: 3, ignore: 3, mask: tensor("uint8", Uint8Array.from(hidden), dims) };
      const counts = await confusionCounts(predicted, tensor("int32", Int32Array.from(truth), dims), options);
      expect(counts).toEqual(tensor("float64", expected, [2, 3, 3]));
    }),
  );
  const out = tensor("float64", new Float64Array(9).fill(7), [1, 3, 3]);
  expect(confusionCountsSync(only(labels, 0), only(labels, 0), { classes: 3, out }).data).toBe(out.data);
  expect(out.data.reduce((sum, count) => sum + count)).toBe(42);
});

const map = tensor("uint8", Uint8Array.of(0, 2), [1, 2]);
const policy = (given: object) => () => diceScore(nothing, given);
test.each<[string, () => unknown, string]>([
  [
    "a label",
    () => confusionCountsSync(tensor("uint8", Uint8Array.of(0, 1), [1, 2]), map, { classes: 2 }),
    "labels: expected classes 0 to 1, got 2 at pixel 1 (1 such pixels)",
  ],
  [
    "a prediction",
    () => confusionCountsSync(map, tensor("uint8", Uint8Array.of(0, 1), [1, 2]), { classes: 2 }),
    "predicted: expected classes 0 to 1, got 2 at pixel 1",
  ],
  [
    "dims",
    () => confusionCountsSync(map, tensor("uint8", new Uint8Array(3), [1, 3]), { classes: 2 }),
    "predicted: expected dims [1, 3], got [1, 2]",
  ],
  [
    "out",
    () => confusionCountsSync(map, map, { classes: 3, out: tensor("float64", new Float64Array(9), [9]) }),
    "out: expected rank 3, got 1",
  ],
  ["classes", () => confusionCountsSync(map, map, { classes: 0 }), "classes: expected an integer from 1"],
  ["ignore", () => confusionCountsSync(map, map, { classes: 3, ignore: 0.1 }), "ignore: expected an integer"],
  [
    "a mask",
    () => confusionCountsSync(map, map, { classes: 3, mask: tensor("uint8", new Uint8Array(3), [1, 3]) }),
    "mask: expected dims [1, 2]",
  ],
  [
    "a device",
    () => confusionCountsSync(map, map, { classes: 3, device: "tpu" as never }),
    "device: expected one of cpu",
  ],
  ["bothEmpty", policy({ bothEmpty: "one" }), "bothEmpty: expected one of undefined, perfect, got one"],
  ["a number", policy({ bothEmpty: 1 }), "bothEmpty: expected one of undefined, perfect, got 1"],
  ["oneEmpty", policy({ oneEmpty: "nan" }), "oneEmpty: expected one of worst, diagonal, undefined, got nan"],
  ["smooth", policy({ smooth: -1 }), "smooth: expected a finite number of at least 0, got -1"],
  ["smooth", policy({ smooth: Number.NaN }), "smooth: expected a finite number of at least 0, got NaN"],
  ["labelEmpty", policy({ labelEmpty: null }), "labelEmpty: expected a number from 0 to 1, or NaN, got null"],
  ["labelEmpty", policy({ labelEmpty: 2 }), "labelEmpty: expected a number from 0 to 1, or NaN, got 2"],
  [
    "a policy",
    policy({ bothEmty: "perfect" }),
    'policy.bothEmty: unknown option (did you mean "bothEmpty"?)',
  ],
  ["a region", () => overlapCounts(confusion, 3), "region: expected an integer from 0 to 2, got 3"],
  ["an image", () => overlapCounts(confusion, 0, 2), "image: expected an integer from 0 to 1, got 2"],
  [
    "NaN",
    () => argMaxSync(tensor("float32", Float32Array.of(1, Number.NaN), [1, 2, 1])),
    "values: NaN at pixel 0 (1 such pixels)",
  ],
  [
    "rank",
    () => argMaxSync(tensor("float32", new Float32Array(2), [1, 2])),
    "values: expected rank 3 to 5, got 2",
  ],
  [
    "out",
    () => argMaxSync(probs, { out: tensor("int32", new Int32Array(84), [2, 6, 7]) }),
    "out: expected type uint8, got int32",
  ],
])("rejects %s", (_, attempt, message) => {
  expect(attempt).toThrow(InvalidArgumentError);
  expect(attempt).toThrow(message);
});
