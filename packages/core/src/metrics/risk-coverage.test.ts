import { expect, test } from "vitest";
import { labels, probs } from "../fixture.test.helper.js";
import { calibrationBinsSync } from "../kernels/calibration-bins.js";
import { argMaxSync } from "./overlap.js";
import { pixelRiskAreas, pixelRiskCoverage, riskCoverage } from "./risk-coverage.js";

test("published values on the fixture: pixels by their largest probability", () => {
  const predicted = argMaxSync(probs);
  const confidences = Array.from(predicted.data, (_, i) => {
    const [image, pixel] = [Math.floor(i / 42), i % 42];
    return Math.max(...[0, 1, 2].map((c) => probs.data[(image * 3 + c) * 42 + pixel]!));
  });
  const errors = Array.from(predicted.data, (label, i) => Number(label !== labels.data[i]));
  const { aurc, augrc } = riskCoverage(confidences, errors);
  expect(aurc).toBeCloseTo(0.62446161, 7);
  expect(augrc).toBeCloseTo(0.32093254, 7);
  const bins = calibrationBinsSync(probs, labels, { of: "top-label", bins: 4096 });
  const { points, ...binned } = pixelRiskCoverage(bins);
  expect(points).toHaveLength(bins.count.filter((count) => count > 0).length + 1);
  expect(binned.aurc).toBeCloseTo(aurc, 2);
  expect(binned.augrc).toBeCloseTo(augrc, 2);
  expect(pixelRiskAreas(bins)).toEqual(binned);
});

test("leaving out the wrong ones first is best, equal confidences stay together", () => {
  const best = riskCoverage([0.9, 0.8, 0.1, 0.2], [0, 0, 1, 1]);
  expect(best.points.map(({ coverage, selectiveRisk }) => [coverage, selectiveRisk])).toEqual([
    [1, 0.5],
    [0.75, expect.closeTo(1 / 3, 12)],
    [0.5, 0],
    [0.25, 0],
    [0, 0],
  ]);
  // The optimum of the generalised risk is half of the squared mean loss.
  expect(best.augrc).toBeCloseTo(0.125, 12);
  const equal = riskCoverage([0.5, 0.5], [0, 1]);
  expect(equal).toEqual({
    points: [
      { coverage: 1, selectiveRisk: 0.5, generalizedRisk: 0.5 },
      { coverage: 0, selectiveRisk: 0.5, generalizedRisk: 0 },
    ],
    aurc: 0.5,
    augrc: 0.25,
  });
  expect(riskCoverage([], []).aurc).toBeNaN();
});

test.each<[number[], number[], string]>([
  [[1], [0, 1], "losses: expected 1 numbers, got 2"],
  [[Number.NaN], [0], "confidences: expected finite numbers, got NaN"],
  [[1], [2], "losses: expected numbers from 0 to 1, got 2"],
])("%j with %j is refused", (confidences, losses, message) => {
  expect(() => riskCoverage(confidences, losses)).toThrow(message);
});
