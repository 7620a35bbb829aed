import { expect, test } from "vitest";
import { type Labels, tensor } from "../tensor.js";
import { centerlineCounts, centerlineDice } from "./centerline.js";
import { regionVolumes } from "./volumes.js";

const grid = (...rows: string[]): Labels =>
  tensor("uint8", Uint8Array.from(rows.join(""), Number), [1, rows.length, rows[0]!.length]);

test("clDice of a bar whose middle is found in part", async () => {
  const truth = grid("000000000", "111111111", "111111111", "111111111", "000000000");
  const predicted = grid("100000000", "000000000", "111111000", "000000000", "000000000");
  const [[counts]] = (await centerlineCounts(predicted, truth, { classes: 2 })) as [[never]];
  expect(counts).toEqual({ predicted: 7, predictedShared: 6, truth: 9, truthShared: 6 });
  const [precision, sensitivity] = [6 / 7, 6 / 9];
  expect(centerlineDice(counts)).toBeCloseTo((2 * precision * sensitivity) / (precision + sensitivity), 12);
});

test("clDice of empty regions", () => {
  const none = { predicted: 0, predictedShared: 0, truth: 0, truthShared: 0 };
  expect(centerlineDice(none)).toBeNaN();
  expect(centerlineDice({ ...none, truth: 3 })).toBe(0);
  expect(centerlineDice({ ...none, truth: 3, predicted: 2 })).toBe(0);
});

test("volumes and their relative difference", () => {
  const counts = { truePositive: 6, falsePositive: 3, falseNegative: 2 };
  expect(regionVolumes(counts, 0.5)).toEqual({
    predicted: 4.5,
    truth: 4,
    difference: 0.5,
    relativeDifference: 0.125,
  });
  const missing = regionVolumes({ ...counts, truePositive: 0, falseNegative: 0 });
  expect(missing.relativeDifference).toBe(Infinity);
  expect(() => regionVolumes(counts, 0)).toThrow("pixelVolume: expected a positive number, got 0");
});
