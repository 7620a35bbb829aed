import { describe, expect, test } from "vitest";
import { Random } from "../random.js";
import { tensor } from "../tensor.js";
import { BoundaryCalibrationMetric } from "./boundary-calibration-metric.js";
import { CalibrationMetric } from "./calibration-metric.js";
import type { Metric } from "./metric.js";
import { MetricGroup } from "./metric-group.js";
import { OverlapMetric } from "./overlap-metric.js";
import { ProbabilityScoreMetric } from "./probability-score-metric.js";
import { SurfaceDistanceMetric } from "./surface-distance-metric.js";
import { TemperatureMetric } from "./temperature-metric.js";

const classes = 3;
const size = [19, 23];
const pixels = size[0]! * size[1]!;

/** Returns a case of noisy discs, and in every seventh one a probability of 0 for its own label. */
function drawn(seed: number) {
  const random = Random.fromSeed(seed);
  const probs = new Float32Array(classes * pixels);
  const labels = new Uint8Array(pixels);
  for (let i = 0; i < pixels; i++) {
    const [y, x] = [Math.floor(i / size[1]!) - 9, (i % size[1]!) - 11];
    labels[i] = y * y + x * x < 20 + 9 * (seed % 4) ? 1 + (seed % 2) : 0;
    const weights = Array.from({ length: classes }, (_, c) =>
      Math.exp(random.uniform() * 3 + (c === labels[i] ? 2 : 0)),
    );
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    for (let c = 0; c < classes; c++) probs[c * pixels + i] = weights[c]! / total;
  }
  if (seed % 7 === 0) for (let c = 0; c < classes; c++) probs[c * pixels] = Number(c === 2);
  return {
    probs: tensor("float32", probs, [1, classes, ...size]),
    labels: tensor("uint8", labels, [1, ...size]),
  };
}

const cases = Array.from({ length: 21 }, (_, i) => drawn(i));
const all = cases.map((_, i) => i);

describe.each<[string, () => Metric<unknown>]>([
  ["bins", () => new CalibrationMetric({ classes, squares: true })],
  ["bins of classes", () => new CalibrationMetric({ classes, of: "classes", bins: 15 })],
  ["scores", () => new ProbabilityScoreMetric({ classes })],
  ["bounded scores", () => new ProbabilityScoreMetric({ classes, floor: 1e-6 })],
  ["overlap", () => new OverlapMetric({ classes })],
  ["surfaces", () => new SurfaceDistanceMetric({ classes, spacing: [0.7, 1e-5] })],
  ["boundary", () => new BoundaryCalibrationMetric({ classes })],
  ["temperature", () => new TemperatureMetric({ classes })],
  [
    "a group",
    () =>
      new MetricGroup({
        bins: new CalibrationMetric({ classes, of: "top-label" }),
        scores: new ProbabilityScoreMetric({ classes, floor: 1e-3 }),
        overlap: new OverlapMetric({ classes, bothEmpty: "perfect" }),
        surfaces: new SurfaceDistanceMetric({ classes }),
      }),
  ],
])("%s", (_, make) => {
  const over = async (parts: readonly (readonly number[])[]): Promise<Uint8Array> => {
    const metrics = parts.map(make);
    for (const [at, part] of parts.entries())
      for (const i of part) await metrics[at]!.update(cases[i]!.probs, cases[i]!.labels);
    const [first, ...others] = metrics;
    for (const other of others) first!.merge(other);
    return first!.state();
  };

  test("has the same bytes from 1, 2 and 7 partial states in any order", async () => {
    const one = await over([all]);
    expect(await over([[...all].reverse()])).toEqual(one);
    expect(await over([all.slice(8), all.slice(0, 8)])).toEqual(one);
    expect(await over(Array.from({ length: 7 }, (_, i) => [20 - i, 13 - i, i]))).toEqual(one);
    expect(await over([[], all, []])).toEqual(one);
  });
});
