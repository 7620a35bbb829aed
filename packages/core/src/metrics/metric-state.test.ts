import { crc32 } from "node:zlib";
import { describe, expect, test } from "vitest";
import { InvalidArgumentError } from "../errors.js";
import { labels, probs } from "../fixture.test.helper.js";
import { BoundaryCalibrationMetric } from "./boundary-calibration-metric.js";
import { CalibrationMetric } from "./calibration-metric.js";
import type { Metric } from "./metric.js";
import { MetricGroup } from "./metric-group.js";
import { OverlapMetric } from "./overlap-metric.js";
import { ProbabilityScoreMetric } from "./probability-score-metric.js";
import { SurfaceDistanceMetric } from "./surface-distance-metric.js";
import { TemperatureMetric } from "./temperature-metric.js";

/** Writes the documented bytes of a state independently. */
function written(version: 1 | 2 | 3, kind: string, options: object, sums: readonly number[]): Uint8Array {
  const prefix = version === 1 ? 12 : 16;
  const json = JSON.stringify({ kind, options });
  const header = json.padEnd(json.length + ((8 - ((prefix + json.length) % 8)) % 8));
  const bytes = new Uint8Array(prefix + header.length + 8 * sums.length);
  const view = new DataView(bytes.buffer);
  bytes.set([...Buffer.from("PCMS"), version]);
  view.setUint32(8, header.length, true);
  bytes.set(Buffer.from(header), prefix);
  sums.forEach((sum, i) => void view.setFloat64(prefix + header.length + 8 * i, sum, true));
  if (version > 1) view.setUint32(12, crc32(bytes.subarray(16), crc32(bytes.subarray(0, 12))), true);
  return bytes;
}

const filled = async <M extends Metric<unknown>>(metric: M): Promise<M> => {
  await metric.update(probs, labels);
  return metric;
};

test.each<[string, () => Metric<unknown>, (state: Uint8Array) => Metric<unknown>]>([
  ["CalibrationMetric", () => new CalibrationMetric({ classes: 3 }), CalibrationMetric.restore],
  [
    "BoundaryCalibrationMetric",
    () => new BoundaryCalibrationMetric({ classes: 3, rings: [0], bins: 3 }),
    BoundaryCalibrationMetric.restore,
  ],
  ["OverlapMetric", () => new OverlapMetric({ classes: 3 }), OverlapMetric.restore],
  [
    "ProbabilityScoreMetric",
    () => new ProbabilityScoreMetric({ classes: 3 }),
    ProbabilityScoreMetric.restore,
  ],
  ["SurfaceDistanceMetric", () => new SurfaceDistanceMetric({ classes: 3 }), SurfaceDistanceMetric.restore],
  ["TemperatureMetric", () => new TemperatureMetric({ classes: 3 }), TemperatureMetric.restore],
])("%s takes no state with a flipped bit, cut off or added to", async (_, make, restore) => {
  const state = (await filled(make())).state();
  for (let bit = 0; bit < 8 * state.length; bit++) {
    const flipped = Uint8Array.from(state);
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    expect(() => restore(flipped), `bit ${bit}`).toThrow(InvalidArgumentError);
  }
  for (let length = 0; length < state.length; length++) {
    expect(() => restore(state.subarray(0, length))).toThrow(InvalidArgumentError);
  }
  const longer = new Uint8Array(state.length + 8);
  longer.set(state);
  expect(() => restore(longer)).toThrow("state: damaged (checksum mismatch)");
});

describe("options of the same meaning", () => {
  const defaults = {
    bins: 10,
    of: "foreground",
    edges: "right-closed",
    includeLowest: true,
    comparison: "float64",
    falsePositiveWeight: 2,
    variant: "reference",
    falsePositiveThreshold: 0.5,
  } as const;
  test.each<[string, () => Metric<unknown>, () => Metric<unknown>]>([
    [
      "defaults",
      () => new CalibrationMetric({ classes: 3 }),
      () => new CalibrationMetric({ classes: 3, ...defaults }),
    ],
    [
      "limits that both precisions have",
      () => new CalibrationMetric({ classes: 3, bins: 8 }),
      () => new CalibrationMetric({ classes: 3, bins: 8, comparison: "float32" }),
    ],
    [
      "a threshold that is not read",
      () => new CalibrationMetric({ classes: 3, variant: "outside" }),
      () => new CalibrationMetric({ classes: 3, variant: "outside", falsePositiveThreshold: 0.3 }),
    ],
    [
      "policies",
      () => new OverlapMetric({ classes: 3 }),
      () => new OverlapMetric({ classes: 3, bothEmpty: "undefined", oneEmpty: "worst", smooth: 0 }),
    ],
    [
      "one empty",
      () => new OverlapMetric({ classes: 3, labelEmpty: 0 }),
      () => new OverlapMetric({ classes: 3, oneEmpty: "diagonal" }),
    ],
    [
      "smoothed",
      () => new OverlapMetric({ classes: 3, smooth: 1 }),
      () => new OverlapMetric({ classes: 3, smooth: 1, bothEmpty: "perfect" }),
    ],
    [
      "tolerances",
      () => new SurfaceDistanceMetric({ classes: 3, tolerance: 2, bothEmpty: "perfect" }),
      () => new SurfaceDistanceMetric({ classes: 3, tolerance: [2, 2, 2], percentile: 95 }),
    ],
    [
      "a floor",
      () => new ProbabilityScoreMetric({ classes: 3 }),
      () => new ProbabilityScoreMetric({ classes: 3, floor: 0 }),
    ],
  ])("merge, and have equal states: %s", async (_, one, other) => {
    const [a, b] = [await filled(one()), await filled(other())];
    expect(a.state()).toEqual(b.state());
    expect(() => a.merge(b)).not.toThrow();
  });

  test.each<[string, Metric<unknown>, Metric<unknown>]>([
    [
      "includeLowest true and false",
      new CalibrationMetric({ classes: 3 }),
      new CalibrationMetric({ classes: 3, includeLowest: false }),
    ],
    [
      'comparison "float64" and "float32"',
      new CalibrationMetric({ classes: 3 }),
      new CalibrationMetric({ classes: 3, comparison: "float32" }),
    ],
    [
      'labelEmpty not given and "NaN"',
      new OverlapMetric({ classes: 3 }),
      new OverlapMetric({ classes: 3, labelEmpty: Number.NaN }),
    ],
    [
      "ignore 0 and 1",
      new OverlapMetric({ classes: 3, ignore: 0 }),
      new OverlapMetric({ classes: 3, ignore: 1 }),
    ],
  ])("others do not: %s", (difference, a, b) => {
    expect(() => a.merge(b)).toThrow(`other: options differ (${difference})`);
  });
});

describe("states of version 1", () => {
  test("of bins (lo, hi], which left p = 0 out", () => {
    const sums = [10, 3, 5, 1, 4, 1, 2, 0.5, 2];
    const old = written(1, "CalibrationMetric", { classes: 2, bins: 2 }, sums);
    const metric = CalibrationMetric.restore(old);
    expect(metric.compute()).toMatchObject({ total: 10, dropped: 2 });
    expect(Array.from(metric.bins().falsePositiveSum)).toEqual([0.5, 2]);
    metric.merge(new CalibrationMetric({ classes: 2, bins: 2, includeLowest: false }));
    expect(() => metric.merge(new CalibrationMetric({ classes: 2, bins: 2 }))).toThrow("includeLowest");
    const left = written(1, "CalibrationMetric", { classes: 2, bins: 2, edges: "left-closed" }, [
      8,
      ...sums.slice(1),
    ]);
    CalibrationMetric.restore(left).merge(
      new CalibrationMetric({ classes: 2, bins: 2, edges: "left-closed" }),
    );
  });

  test("of scores without a floor", () => {
    const metric = ProbabilityScoreMetric.restore(
      written(1, "ProbabilityScoreMetric", { classes: 2 }, [4, 2, 1]),
    );
    expect(metric.compute()).toEqual({ pixels: 4, brier: 0.5, negativeLogLikelihood: 0.25, bounded: 0 });
  });

  test.each([
    [1, "perfect"],
    ["NaN", "undefined"],
    [undefined, "undefined"],
  ] as const)("of overlaps where both empty counted %s", (number, name) => {
    const sums = new Array<number>(1 + 4 + 2 * 3 * 5).fill(0);
    const old = written(1, "OverlapMetric", { classes: 2, bothEmpty: number }, sums);
    OverlapMetric.restore(old).merge(new OverlapMetric({ classes: 2, bothEmpty: name }));
  });

  test("of surface distances, which had the 95th percentile alone", () => {
    const series = (value: number): number[] => [1, value, value * value, 0, 0];
    const region = [...series(4), ...series(3), ...series(2), ...series(1)];
    const options = { classes: 2, regions: "foreground", convention: "monai", empty: "nan", tolerance: 1 };
    const old = written(1, "SurfaceDistanceMetric", options, [
      1,
      ...region,
      ...new Array<number>(20).fill(0),
    ]);
    const metric = SurfaceDistanceMetric.restore(old);
    const { hd, hd95, hdPercentile, assd, nsd } = metric.compute().foreground!;
    expect([hd, hd95, hdPercentile, assd, nsd].map(({ mean }) => mean)).toEqual([4, 3, 3, 2, 1]);
    const today = { classes: 2, regions: "foreground", convention: "monai", oneEmpty: "undefined" } as const;
    metric.merge(new SurfaceDistanceMetric({ ...today, bothEmpty: "undefined" }));
    const cut = written(1, "SurfaceDistanceMetric", options, [1, ...region.slice(1)]);
    expect(() => SurfaceDistanceMetric.restore(cut)).toThrow("state: expected sums of 4 measures per region");
  });

  test("of overlaps with another number are refused", () => {
    const old = written(1, "OverlapMetric", { classes: 2, bothEmpty: 0.5 }, new Array<number>(35).fill(0));
    expect(() => OverlapMetric.restore(old)).toThrow("state: bothEmpty 0.5 is no longer supported");
  });
});

describe("states of version 2", () => {
  test("of bins, whose sums of p were numbers", () => {
    const sums = [10, 2, 3, 5, 1.25, 4.1, 1, 2, 0.5, 2];
    const metric = CalibrationMetric.restore(written(2, "CalibrationMetric", { classes: 2, bins: 2 }, sums));
    expect(metric.bins().confidenceSum[0]).toBe(1.25);
    expect(metric.bins().confidenceSum[1]).toBeCloseTo(4.1, 11);
    expect(Array.from(metric.bins().count)).toEqual([3, 5]);
    const lie = written(2, "CalibrationMetric", { classes: 2, bins: 2 }, [...sums.slice(0, 9), -1]);
    expect(() => CalibrationMetric.restore(lie)).toThrow("sums of at least 0, got -1");
  });

  test("of scores, an infinite log loss among them", () => {
    const old = written(2, "ProbabilityScoreMetric", { classes: 2 }, [4, 2.5, Number.POSITIVE_INFINITY, 0]);
    const metric = ProbabilityScoreMetric.restore(old);
    expect(metric.compute()).toMatchObject({ brier: 0.625, negativeLogLikelihood: Number.POSITIVE_INFINITY });
    expect(ProbabilityScoreMetric.restore(metric.state()).state()).toEqual(metric.state());
  });

  test("of overlaps and surfaces, alone and in a group", async () => {
    const series = [2, 0.75, 0.3125, 1, 3];
    const numbers = [5, 4, 3, 2, 1, ...new Array<number[]>(6).fill(series).flat()];
    const expected = { finiteMean: 0.375, count: 3, infinite: 1, undefined: 3 };
    const alone = OverlapMetric.restore(written(2, "OverlapMetric", { classes: 2 }, numbers));
    expect(alone.compute().classes[1]!.iou).toMatchObject(expected);
    expect(alone.compute().classes[1]!.iou.deviation).toBeCloseTo(Math.sqrt(0.3125 - 2 * 0.375 ** 2), 12);
    const surfaces = [3, ...new Array<number[]>(10).fill(series).flat()];
    const parts = [
      { name: "a", kind: "OverlapMetric", options: { classes: 2 }, length: numbers.length },
      { name: "b", kind: "SurfaceDistanceMetric", options: { classes: 2 }, length: surfaces.length },
    ];
    const group = MetricGroup.restore(written(2, "MetricGroup", { parts }, [...numbers, ...surfaces]));
    expect(group.metrics.a!.state()).toEqual(alone.state());
    expect((group.metrics.b as SurfaceDistanceMetric).compute().classes[1]!.hd).toMatchObject(expected);
    const cut = written(2, "SurfaceDistanceMetric", { classes: 2 }, surfaces.slice(1));
    expect(() => SurfaceDistanceMetric.restore(cut)).toThrow("state: expected 5 sums per series");
  });
});

test.each<[string, number[]]>([
  ["a fraction of 1", [4, 2, 1, 0, 2 ** 40, 0]],
  ["half a unit", [4, 2, 1, 0, 0.5, 0]],
  ["half a whole", [4, 2.5, 1, 0, 0, 0]],
])("%s is no exact sum", (_, sums) => {
  const state = written(3, "ProbabilityScoreMetric", { classes: 2 }, sums);
  expect(() => ProbabilityScoreMetric.restore(state)).toThrow("state: expected whole numbers and fractions");
});

test.each<[string, number[]]>([
  ["a digit without a position", [0, 1, 0, 0]],
  ["half a digit", [38, 0.5, 0, 0]],
  ["a position beyond the last", [79, 1, 0, 0]],
  ["a negative digit", [38, 1, -1, 0]],
])("%s is no sum of cases", (_, digits) => {
  const sums = [0, 0, 0, 0, 0, 1, 0, 0, ...digits, 0, 0, 0, 0, ...new Array<number>(55).fill(0)];
  expect(() => OverlapMetric.restore(written(3, "OverlapMetric", { classes: 2 }, sums))).toThrow(
    "state: expected sums of at least 0",
  );
});

const scores = (options: object, sums: number[], version: 1 | 2 = 2): Uint8Array =>
  written(version, "ProbabilityScoreMetric", options, sums);
const overlap = (at: number, value: number): Uint8Array => {
  const sums = new Array<number>(35).fill(0);
  sums[at] = value;
  return written(2, "OverlapMetric", { classes: 2 }, sums);
};
const two = { classes: 2 };
test.each<[string, (state: Uint8Array) => unknown, Uint8Array, string]>([
  ["a negative count", ProbabilityScoreMetric.restore, scores(two, [-4, 2, 1, 0]), "whole counts, got -4"],
  ["half a count", ProbabilityScoreMetric.restore, scores(two, [0.5, 2, 1, 0]), "whole counts, got 0.5"],
  [
    "an infinite count",
    ProbabilityScoreMetric.restore,
    scores(two, [1 / 0, 2, 1, 0]),
    "whole counts, got Infinity",
  ],
  ["a negative sum", ProbabilityScoreMetric.restore, scores(two, [4, -2, 1, 0]), "at least 0, got -2"],
  ["NaN", ProbabilityScoreMetric.restore, scores(two, [4, 2, 0 / 0, 0]), "at least 0, got NaN"],
  ["a negative count of version 1", ProbabilityScoreMetric.restore, scores(two, [-4, 2, 1], 1), "got -4"],
  ["negative cases", OverlapMetric.restore, overlap(0, -1), "whole counts, got -1"],
  [
    "half a case of distances",
    SurfaceDistanceMetric.restore,
    written(2, "SurfaceDistanceMetric", two, [0, 0.5, ...new Array<number>(49).fill(0)]),
    "whole counts, got 0.5",
  ],
  ["half a pixel", OverlapMetric.restore, overlap(3, 0.5), "whole counts, got 0.5"],
  ["half an undefined case", OverlapMetric.restore, overlap(9, 0.5), "whole counts, got 0.5"],
  ["too few sums", ProbabilityScoreMetric.restore, scores(two, [4, 2, 1]), "state: expected 4 sums, got 3"],
  [
    "a class count as text",
    ProbabilityScoreMetric.restore,
    scores({ classes: "2" }, []),
    "state: classes: expected",
  ],
  [
    "an unknown option",
    ProbabilityScoreMetric.restore,
    scores({ ...two, flor: 1 }, []),
    'did you mean "floor"?',
  ],
  ["no options", ProbabilityScoreMetric.restore, scores(null as never, []), "state: expected a state of"],
  ["a list", ProbabilityScoreMetric.restore, scores([] as never, []), "state: options: expected an object"],
  [
    "a dangerous option",
    ProbabilityScoreMetric.restore,
    scores(JSON.parse('{"classes": 2, "__proto__": {"floor": 1}}'), []),
    "state: options.__proto__: unknown option",
  ],
])("%s is refused", (_, restore, state, message) => {
  expect(() => restore(state)).toThrow(InvalidArgumentError);
  expect(() => restore(state)).toThrow(message);
});

test("what a state claims is compared with its length before memory is taken", () => {
  const claims = { classes: 20_000, bins: 1000, of: "classes" };
  const before = process.memoryUsage().arrayBuffers;
  for (const version of [1, 2, 3] as const) {
    const state = written(version, "CalibrationMetric", claims, [1]);
    expect(() => CalibrationMetric.restore(state)).toThrow(/state: expected \d+ sums, got 1/);
  }
  new CalibrationMetric({ classes: 1000, bins: 1024, of: "classes" });
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 20);
  expect(() => new OverlapMetric({ classes: 32767 })).toThrow(
    "classes: 32767 classes need 1074397186 sums; at most",
  );
});

test("a large metric's state is restored whole", () => {
  const options = { classes: 400, bins: 1024, of: "classes" } as const;
  const metric = new CalibrationMetric(options);
  const state = metric.state();
  expect(Buffer.compare(CalibrationMetric.restore(state).state(), state)).toBe(0);
});
