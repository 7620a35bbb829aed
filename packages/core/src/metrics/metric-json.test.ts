import { describe, expect, test } from "vitest";
import { InvalidArgumentError } from "../errors.js";
import { labels, probs } from "../fixture.test.helper.js";
import { BoundaryCalibrationMetric } from "./boundary-calibration-metric.js";
import { CalibrationMetric } from "./calibration-metric.js";
import type { Metric } from "./metric.js";
import { MetricGroup } from "./metric-group.js";
import { type MetricJson, stateJson } from "./metric-state.js";
import { OverlapMetric } from "./overlap-metric.js";
import { ProbabilityScoreMetric } from "./probability-score-metric.js";
import { SurfaceDistanceMetric } from "./surface-distance-metric.js";
import { TemperatureMetric } from "./temperature-metric.js";

const classes = {
  BoundaryCalibrationMetric: [
    () => new BoundaryCalibrationMetric({ classes: 3, rings: [-1, 0, 1], of: 2 }),
    BoundaryCalibrationMetric.fromJSON,
  ],
  CalibrationMetric: [() => new CalibrationMetric({ classes: 3, squares: true }), CalibrationMetric.fromJSON],
  OverlapMetric: [() => new OverlapMetric({ classes: 3, labelEmpty: Number.NaN }), OverlapMetric.fromJSON],
  ProbabilityScoreMetric: [
    () => new ProbabilityScoreMetric({ classes: 3, floor: 1e-9 }),
    ProbabilityScoreMetric.fromJSON,
  ],
  SurfaceDistanceMetric: [
    () => new SurfaceDistanceMetric({ classes: 3, tolerance: [1, 2, 3] }),
    SurfaceDistanceMetric.fromJSON,
  ],
  TemperatureMetric: [() => new TemperatureMetric({ classes: 3 }), TemperatureMetric.fromJSON],
  MetricGroup: [
    () => new MetricGroup({ a: new OverlapMetric({ classes: 3 }), b: new CalibrationMetric({ classes: 3 }) }),
    MetricGroup.fromJSON,
  ],
} as const satisfies Record<string, readonly [() => Metric<unknown>, (json: MetricJson) => Metric<unknown>]>;

describe.each(Object.entries(classes))("%s as JSON", (kind, [make, fromJson]) => {
  test("comes back bit for bit, also from within other JSON", async () => {
    const metric: Metric<unknown> = make();
    await metric.update(probs, labels);
    const text = JSON.stringify({ model: "a", metric });
    expect(JSON.parse(text).metric).toEqual({ kind, state: Buffer.from(metric.state()).toString("base64") });
    const back: Metric<unknown> = fromJson(JSON.parse(text).metric);
    expect(Buffer.compare(back.state(), metric.state())).toBe(0);
    expect(back.compute()).toEqual(metric.compute());
    await back.update(probs, labels);
    back.merge(metric);
    expect(JSON.stringify(fromJson(JSON.parse(JSON.stringify(back))))).toBe(JSON.stringify(back));
  });

  test("is refused when any letter was changed", async () => {
    const { state } = make().toJSON();
    for (let at = 0; at < state.length; at++) {
      for (const letter of ["A", "x", "*", " ", "="]) {
        if (state[at] === letter) continue;
        const json = { kind, state: `${state.slice(0, at)}${letter}${state.slice(at + 1)}` };
        expect(() => fromJson(json), `${letter} at ${at}`).toThrow(InvalidArgumentError);
      }
    }
    for (const cut of [0, 1, 4, 40, state.length - 4]) {
      expect(() => fromJson({ kind, state: state.slice(0, cut) })).toThrow(InvalidArgumentError);
    }
  });

  test("refuses other values", () => {
    const { state } = make().toJSON();
    for (const [json, message] of [
      [undefined, "json: expected an object, as JSON.parse returns it, got undefined"],
      [JSON.stringify({ kind, state }), "json: expected an object, as JSON.parse returns it"],
      [[kind, state], "json: expected an object"],
      [{ state }, `json: expected a state of ${kind}, got undefined`],
      [{ kind: "Metric", state }, `json: expected a state of ${kind}, got Metric`],
      [{ kind, state: 3 }, "json.state: expected bytes in Base64, got 3"],
      [{ kind, state: `${state}\n` }, "json.state: expected bytes in Base64"],
      [{ kind, state: "" }, "state: expected a metric state of version 1, 2 or 3"],
    ] as const)
      expect(() => fromJson(json as never)).toThrow(message);
  });
});

test("a state of another class is refused by its bytes, whatever the JSON says", () => {
  const { state } = new OverlapMetric({ classes: 3 }).toJSON();
  expect(() => CalibrationMetric.fromJSON({ kind: "CalibrationMetric", state })).toThrow(
    "state: expected a state of CalibrationMetric, got OverlapMetric",
  );
});

test("a state longer than a string is refused before it is encoded", () => {
  // Memory that is never touched.
  expect(() => stateJson("OverlapMetric", new Uint8Array(2 ** 29))).toThrow(
    expect.objectContaining({ code: "ERR_PIXELCAL_RESULT_TOO_LARGE" }),
  );
});
