import { describe, expect, test } from "vitest";
import { labels, logits, probs } from "../fixture.test.helper.js";
import { tensor } from "../tensor.js";
import { CalibrationMetric } from "./calibration-metric.js";
import type { Metric } from "./metric.js";
import { MetricGroup } from "./metric-group.js";
import { OverlapMetric } from "./overlap-metric.js";
import { ProbabilityScoreMetric } from "./probability-score-metric.js";
import { SurfaceDistanceMetric } from "./surface-distance-metric.js";

const classes = 3;
const make = () => ({
  foreground: new CalibrationMetric({ classes, squares: true }),
  classwise: new CalibrationMetric({ classes, of: "classes", bins: 15, threshold: 1e-3 }),
  voided: new CalibrationMetric({ classes, ignore: 2 }),
  overlap: new OverlapMetric({ classes, ignore: 2 }),
  surfaces: new SurfaceDistanceMetric({ classes, percentile: 90 }),
  scores: new ProbabilityScoreMetric({ classes, floor: 1e-6 }),
  "7": new OverlapMetric({ classes, bothEmpty: "perfect" }),
});
const spacing = [2, 0.5];

/** Updates the metrics of a group one by one. */
async function alone(times: number) {
  const metrics = make();
  for (let i = 0; i < times; i++) {
    for (const [name, metric] of Object.entries(metrics)) {
      const options = name === "surfaces" ? { spacing } : {};
      await (metric as Metric<unknown>).update(probs, labels, options);
    }
  }
  return metrics;
}

async function together(times: number) {
  const group = new MetricGroup(make());
  for (let i = 0; i < times; i++) await group.update(probs, labels, { spacing });
  return group;
}

describe("a group", () => {
  test("holds exactly what its metrics hold alone", async () => {
    const [group, single] = [await together(2), await alone(2)];
    for (const [name, metric] of Object.entries(single)) {
      const grouped = group.metrics[name as keyof typeof single] as Metric<unknown>;
      expect(grouped.state(), name).toEqual(metric.state());
    }
    const results = Object.entries(single).map(([name, metric]) => [name, metric.compute()]);
    expect(group.compute()).toEqual(Object.fromEntries(results));
  });

  test("merges, resets and is restored as its metrics are", async () => {
    const [a, b] = [await together(1), await together(2)];
    a.merge(b);
    const [single, further] = [await alone(1), await alone(2)];
    single.surfaces.merge(further.surfaces);
    expect(a.metrics.surfaces.state()).toEqual(single.surfaces.state());
    const restored = MetricGroup.restore(a.state());
    expect(restored.state()).toEqual(a.state());
    expect(restored.compute()).toEqual(a.compute());
    a.reset();
    expect(a.state()).toEqual(new MetricGroup(make()).state());
  });

  test("merges nothing when one metric differs", async () => {
    const group = await together(1);
    const before = group.state();
    const other = { ...make(), scores: new ProbabilityScoreMetric({ classes, floor: 0.5 }) };
    expect(() => group.merge(new MetricGroup(other))).toThrow(
      "other: options differ (floor 0.000001 and 0.5)",
    );
    const swapped = { ...make(), scores: new OverlapMetric({ classes }) };
    expect(() => group.merge(new MetricGroup(swapped) as never)).toThrow(
      "other: expected a ProbabilityScoreMetric, got OverlapMetric",
    );
    const { scores: _, ...fewer } = make();
    expect(() => group.merge(new MetricGroup(fewer) as never)).toThrow(
      "other: expected metrics 7, foreground",
    );
    expect(() => group.merge(make().overlap as never)).toThrow("other: expected a MetricGroup");
    expect(group.state()).toEqual(before);
  });

  test("adds a case to none of its metrics when one refuses it", async () => {
    const group = await together(1);
    const before = group.state();
    // Values that are no probabilities: the overlap alone would take them.
    await expect(group.update(logits, labels)).rejects.toThrow("probs");
    const stray = tensor("uint8", labels.data.map(() => 3) as Uint8Array, labels.dims);
    await expect(group.update(probs, stray)).rejects.toThrow("label");
    expect(group.state()).toEqual(before);
  });

  test("refuses what it cannot hold", () => {
    expect(() => new MetricGroup({})).toThrow("metrics: needs at least one metric");
    expect(() => new MetricGroup([] as never)).toThrow("metrics: expected an object of metrics by name");
    expect(() => new MetricGroup({ a: {} } as never)).toThrow(
      "metrics.a: expected one of BoundaryCalibrationMetric, CalibrationMetric, ",
    );
    expect(() => new MetricGroup({ a: new MetricGroup(make()) } as never)).toThrow("metrics.a: expected");
  });

  test("refuses other states, and damaged ones", async () => {
    const state = (await together(1)).state();
    expect(() => MetricGroup.restore(make().overlap.state())).toThrow(
      "state: expected a state of MetricGroup",
    );
    expect(() => OverlapMetric.restore(state)).toThrow("state: expected a state of OverlapMetric");
    for (let at = 0; at < state.length; at += 61) {
      const flipped = Uint8Array.from(state);
      flipped[at]! ^= 1;
      expect(() => MetricGroup.restore(flipped)).toThrow("state: ");
    }
  });

  test("refuses unknown options of an update", async () => {
    const run = new MetricGroup(make()).update(probs, labels, { spaceing: spacing } as never);
    await expect(run).rejects.toThrow('options.spaceing: unknown option (did you mean "spacing"?)');
  });
});
