import { describe, expect, test } from "vitest";
import { labels, logits, only, probs } from "../fixture.test.helper.js";
import { boundaryBand, boundaryRings } from "../metrics/boundary-ring.js";
import { argMaxSync } from "../metrics/overlap.js";
import { probabilityScoresSync } from "../metrics/probability-scores.js";
import { type Labels, type Tensor, tensor } from "../tensor.js";
import { mergeBoundaryBins } from "./boundary-bins.js";
import {
  type BoundaryCalibrationOptions,
  boundaryCalibration,
  boundaryCalibrationSync,
} from "./boundary-calibration.js";
import { calibrationBinsSync } from "./calibration-bins.js";
import { signedDistanceSync } from "./signed-distance.js";

const sum = (values: Float64Array): number => values.reduce((total, value) => total + value, 0);

// A ring is what remains of the whole image's bins when signed distances mask everything else.
describe.each([
  { of: "foreground" },
  { of: "classes" },
  { of: 2 },
  { of: "classes", boundary: "label" },
  { of: "foreground", spacing: [2, 0.7], bins: 15, edges: "left-closed" },
] satisfies BoundaryCalibrationOptions[])("rings of %o", (options: BoundaryCalibrationOptions) => {
  const rings = [-2, -1, 0, 1, 2.5];
  const found = boundaryCalibrationSync(probs, labels, { rings, ...options });
  const segmented = (options.boundary === "label" ? labels : argMaxSync(probs)) as Tensor<"uint8">;
  const { of, spacing, bins, edges } = options;

  test.each(Array.from({ length: found.groups }, (_, group) => group))("group %i", (group) => {
    const own = typeof of === "number" ? of : of === "foreground" ? undefined : group;
    const inside = Uint8Array.from(segmented.data, (label) =>
      Number(own === undefined ? label > 0 : label === own),
    );
    const mask = tensor("uint8", inside, labels.dims);
    const signed = signedDistanceSync(mask, { classes: 2, normalize: "none", absent: "far", spacing });
    boundaryRings(found, group).forEach((ring, r) => {
      const kept = Uint8Array.from(inside, (_, i) => {
        const [image, pixel] = [Math.floor(i / 42), i % 42];
        const d = signed.data[(2 * image + 1) * 42 + pixel]!;
        return Number((d < 0 ? d >= ring.from : d > ring.from) && (d < 0 ? d < ring.to : d <= ring.to));
      });
      const expected = calibrationBinsSync(probs, labels, {
        of: own === undefined ? "foreground" : "classes",
        bins,
        edges,
        mask: tensor("uint8", kept, labels.dims),
      });
      const at = (own ?? 0) * expected.bins;
      const part = (values: Float64Array): Float64Array => values.slice(at, at + expected.bins);
      expect(ring.bins.count, `ring ${r}`).toEqual(part(expected.count));
      expect(ring.bins.confidenceSum).toEqual(part(expected.confidenceSum));
      expect(ring.bins.accuracySum).toEqual(part(expected.accuracySum));
    });
  });
});

test("top labels measure to the nearest other class, negative in the foreground", () => {
  // Predicted 0 0 2 2 1: the last pixel of class 2 touches class 1, of which the background is 3 away.
  const p = tensor(
    "float32",
    Float32Array.of(8, 7, 1, 2, 1, 1, 2, 1, 3, 7, 1, 1, 8, 5, 2).map((x) => x / 10),
    [1, 3, 5],
  );
  const y = tensor("uint8", Uint8Array.of(0, 1, 2, 2, 2), [1, 5]);
  const bins = boundaryCalibrationSync(p, y, { of: "top-label", rings: [-1, 0, 1] });
  const rows = boundaryRings(bins);
  expect(rows.map(({ from, to, count }) => [from, to, count])).toEqual([
    [-Infinity, -1, 0],
    [-1, 0, 3],
    [0, 1, 1],
    [1, Infinity, 1],
  ]);
  expect(rows[1]!.accuracy).toBeCloseTo(2 / 3, 12);
  expect(rows[1]!.confidence).toBeCloseTo((0.8 + 0.5 + 0.7) / 3, 7);
  expect(rows[1]!.gap).toBeCloseTo(rows[1]!.confidence - rows[1]!.accuracy, 12);
  expect(rows[1]!.negativeLogLikelihood).toBeCloseTo(-Math.log(0.8 * 0.5 * 0.2) / 3, 7);
  expect(rows[2]!.negativeLogLikelihood).toBeCloseTo(-Math.log(0.2), 7);
});

test("all rings together are the whole image", async () => {
  const bins = await boundaryCalibration(probs, labels, { of: "top-label", ignore: 2 });
  expect(bins).toEqual(boundaryCalibrationSync(probs, labels, { of: "top-label", ignore: 2 }));
  const scores = probabilityScoresSync(probs, labels, { ignore: 2 });
  const all = boundaryBand(bins, {});
  expect(all.count).toBe(scores.total);
  expect(sum(bins.logLossSum)).toBeCloseTo(scores.logLossSum, 10);
  const expected = calibrationBinsSync(probs, labels, { of: "top-label", ignore: 2 });
  expect(all.bins.count).toEqual(expected.count);
  expect(all.bins.confidenceSum).toEqual(expected.confidenceSum);
});

test("a band is the sum of its rings, and its ends are edges", () => {
  const bins = boundaryCalibrationSync(probs, labels);
  const rows = boundaryRings(bins);
  const band = boundaryBand(bins, { from: -1, to: 2 });
  expect(band.count).toBe(rows[5]!.count + rows[6]!.count + rows[7]!.count);
  expect([band.from, band.to]).toEqual([-1, 2]);
  expect(() => boundaryBand(bins, { from: 0.5 })).toThrow("from: expected one of the rings' edges -10, -5");
  expect(() => boundaryBand(bins, { from: 1, to: 0 })).toThrow("to: expected a distance above 1, got 0");
});

test("images add up to the bit", () => {
  const whole = boundaryCalibrationSync(probs, labels, { of: "classes" });
  const [a, b] = [0, 1].map((n) =>
    boundaryCalibrationSync(only(probs, n) as Tensor<"float32">, only(labels, n) as Labels, {
      of: "classes",
    }),
  ) as [typeof whole, typeof whole];
  expect(mergeBoundaryBins(a, b)).toEqual(whole);
  const other = boundaryCalibrationSync(probs, labels, { of: "classes", rings: [0] });
  expect(() => mergeBoundaryBins(a, other)).toThrow("b: layouts differ (rings");
});

test("a label of probability 0 makes its ring's loss infinite and no other", () => {
  const p = tensor("float32", Float32Array.of(1, 1, 0.2, 0, 0, 0.8), [1, 2, 3]);
  const y = tensor("uint8", Uint8Array.of(1, 0, 1), [1, 3]);
  const bins = boundaryCalibrationSync(p, y, { rings: [0, 1] });
  expect(boundaryRings(bins).map((ring) => ring.negativeLogLikelihood)).toEqual([
    expect.closeTo(-Math.log(0.8), 7),
    0,
    Infinity,
  ]);
  expect(sum(bins.impossible)).toBe(1);
});

test.each<[BoundaryCalibrationOptions, string]>([
  [{ rings: [] }, "rings: expected 1 to 255 distances, got []"],
  [{ rings: [1, 1] }, "rings: expected increasing distances, got [1, 1]"],
  [{ rings: [0, Infinity] }, "rings: expected increasing distances, got [0, Infinity]"],
  [{ of: 3 }, "of: expected an integer from 0 to 2, got 3"],
  [{ of: "pixels" as never }, "of: expected one of foreground, classes, top-label, got pixels"],
  [{ boundary: "true" as never }, "boundary: expected one of predicted, label, got true"],
  [{ spacing: [1] }, "spacing: expected 2 numbers, got 1"],
])("%o is refused", (options, message) => {
  expect(() => boundaryCalibrationSync(probs, labels, options)).toThrow(message);
});

test("logits are refused", () => {
  expect(() => boundaryCalibrationSync(logits, labels)).toThrow("probs: expected probabilities in [0, 1]");
});
