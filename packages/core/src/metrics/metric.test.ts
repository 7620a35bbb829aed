import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { InvalidArgumentError } from "../errors.js";
import { labels, only, probs, softmax } from "../fixture.test.helper.js";
import { calibrationBinsSync } from "../kernels/calibration-bins.js";
import { type Labels, type Tensor, tensor } from "../tensor.js";
import { expectedCalibrationError, pixelExpectedCalibrationError } from "./calibration-error.js";
import { CalibrationMetric } from "./calibration-metric.js";
import { CaseSums } from "./case-statistics.js";
import type { Metric } from "./metric.js";
import { OverlapMetric } from "./overlap-metric.js";
import { ProbabilityScoreMetric } from "./probability-score-metric.js";

interface Maker {
  readonly name: string;
  readonly make: () => Metric<unknown>;
  readonly restore: (state: Uint8Array) => Metric<unknown>;
}
const calibration = (options: object): Maker => ({
  name: `CalibrationMetric ${JSON.stringify(options)}`,
  make: () => new CalibrationMetric({ classes: 3, ...options }),
  restore: CalibrationMetric.restore,
});
const makers: Maker[] = [
  calibration({}),
  calibration({ of: "classes", threshold: 1e-3, bins: 15, falsePositiveWeight: 1 }),
  calibration({ of: "top-label", edges: "left-closed", ignore: 2 }),
  { name: "OverlapMetric", make: () => new OverlapMetric({ classes: 3 }), restore: OverlapMetric.restore },
  {
    name: "OverlapMetric without absent labels",
    make: () => new OverlapMetric({ classes: 3, labelEmpty: Number.NaN, bothEmpty: "perfect", ignore: 1 }),
    restore: OverlapMetric.restore,
  },
  {
    name: "ProbabilityScoreMetric",
    make: () => new ProbabilityScoreMetric({ classes: 3 }),
    restore: ProbabilityScoreMetric.restore,
  },
];

interface Scene {
  readonly p: Tensor<"float32">;
  readonly y: Labels;
}
const scenes: fc.Arbitrary<Scene[]> = fc.array(
  fc.integer({ min: 1, max: 3 }).chain((batch) =>
    fc
      .tuple(
        fc.array(fc.double({ min: -3, max: 3, noNaN: true }), {
          minLength: batch * 12,
          maxLength: batch * 12,
        }),
        fc.array(fc.integer({ min: 0, max: 2 }), { minLength: batch * 4, maxLength: batch * 4 }),
      )
      .map(([z, y]) => ({
        p: softmax(tensor("float32", Float32Array.from(z), [batch, 3, 2, 2])),
        y: tensor("uint8", Uint8Array.from(y), [batch, 2, 2]),
      })),
  ),
  { maxLength: 5 },
);

/** Lists every number in a result, in a fixed order. */
function numbers(value: unknown): number[] {
  if (typeof value === "number") return [value];
  if (value instanceof Float64Array) return Array.from(value);
  if (typeof value !== "object" || value === null) return [];
  return Object.values(value).flatMap(numbers);
}

function expectClose(actual: unknown, expected: unknown): void {
  const wanted = numbers(expected);
  numbers(actual).forEach((value, i) => {
    if (Number.isFinite(wanted[i])) expect(value).toBeCloseTo(wanted[i]!, 7);
    else expect(value).toBe(wanted[i]);
  });
}

describe.each(makers)("$name", ({ make, restore }) => {
  test("merging parts in any order, and batches or single cases, give the same", async () => {
    await fc.assert(
      fc.asyncProperty(
        scenes,
        fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 5, maxLength: 5 }),
        async (all, at) => {
          const whole = make();
          const single = make();
          const parts = [make(), make(), make()];
          for (const [i, { p, y }] of all.entries()) {
            await whole.update(p, y);
            await parts[at[i]!]!.update(p, y);
            for (let n = 0; n < p.dims[0]!; n++) await single.update(only(p, n), only(y, n));
          }
          const [a, b, c] = parts as [Metric<unknown>, Metric<unknown>, Metric<unknown>];
          c.merge(a);
          c.merge(b);
          expectClose(c.compute(), whole.compute());
          expectClose(single.compute(), whole.compute());
        },
      ),
      { numRuns: 40 },
    );
  });

  test("a restored state is equal, goes on alike, and reset forgets", async () => {
    const metric = make();
    await metric.update(probs, labels);
    const copy = restore(metric.state());
    expect(copy.compute()).toEqual(metric.compute());
    expect(copy.state()).toEqual(metric.state());
    await metric.update(only(probs, 0), only(labels, 0));
    await copy.update(only(probs, 0), only(labels, 0));
    expect(copy.compute()).toEqual(metric.compute());
    metric.reset();
    expect(metric.compute()).toEqual(make().compute());
    // The bytes are a view into a larger buffer, as a file reader returns them.
    const bytes = new Uint8Array(copy.state().length + 3);
    bytes.set(copy.state(), 3);
    expect(restore(bytes.subarray(3)).compute()).toEqual(copy.compute());
  });

  test("rejects other metrics, other classes and other bytes", async () => {
    const metric = make();
    const other =
      metric instanceof OverlapMetric
        ? new ProbabilityScoreMetric({ classes: 3 })
        : new OverlapMetric({ classes: 3 });
    expect(() => metric.merge(other as never)).toThrow(InvalidArgumentError);
    expect(() => restore(other.state())).toThrow("state: expected a state of ");
    expect(() => restore(new Uint8Array(40))).toThrow("state: expected a metric state of version 1, 2 or 3");
    expect(() => restore(metric.state().subarray(0, 9))).toThrow("state: expected a complete metric state");
    expect(() => restore(metric.state().subarray(0, -3))).toThrow("state: expected a complete metric state");
    expect(() => restore(metric.state().subarray(0, -8))).toThrow("state: damaged (checksum mismatch)");
    expect(() => restore([] as never)).toThrow("state: expected a Uint8Array");
    const two = tensor("float32", Float32Array.of(0.5, 0.5), [1, 2, 1]);
    await expect(metric.update(two, tensor("uint8", Uint8Array.of(0), [1, 1]))).rejects.toThrow(
      "probs: expected 3 classes, got 2",
    );
  });
});

test("merge rejects other options", () => {
  const metric = new OverlapMetric({ classes: 3 });
  expect(() => metric.merge(new OverlapMetric({ classes: 3, smooth: 1 }))).toThrow("other: options differ (");
});

test.each<[string, () => unknown, string]>([
  ["classes", () => new OverlapMetric({ classes: 0 }), "classes: expected an integer from 1"],
  ["no options", () => new ProbabilityScoreMetric(undefined as never), "options: expected an object"],
  ["ignore", () => new OverlapMetric({ classes: 2, ignore: 0.5 }), "ignore: expected an integer"],
  [
    "ignored scores",
    () => new ProbabilityScoreMetric({ classes: 2, ignore: 0.5 }),
    "ignore: expected an integer",
  ],
  ["bins", () => new CalibrationMetric({ classes: 2, bins: 0 }), "bins: expected an integer"],
  [
    "a variant",
    () => new CalibrationMetric({ classes: 2, variant: "x" as never }),
    "variant: expected one of",
  ],
])("constructors reject %s", (_, make, message) => {
  expect(make).toThrow(InvalidArgumentError);
  expect(make).toThrow(message);
});

test("CalibrationMetric gives the errors of the bins of all pixels", async () => {
  const metric = new CalibrationMetric({ classes: 3 });
  await metric.update(probs, labels);
  const bins = calibrationBinsSync(probs, labels);
  const { expected, pixel } = metric.compute();
  expect(expected).toBeCloseTo(expectedCalibrationError(bins), 12);
  expect(pixel).toBeCloseTo(pixelExpectedCalibrationError(bins), 12);
  expect(new CalibrationMetric({ classes: 3, of: "classes" }).compute().expected).toBeNaN();
});

test("OverlapMetric: undefined cases are counted and in no mean", async () => {
  const metric = new OverlapMetric({ classes: 3, labelEmpty: Number.NaN });
  await metric.update(probs, labels);
  const { cases, classes, foreground, confusion } = metric.compute();
  expect(cases).toBe(2);
  expect(foreground.dice.mean).toBeCloseTo((0.50980393 + 0.42857144) / 2, 6);
  expect(classes[2]!.iou).toMatchObject({ count: 1, undefined: 1, infinite: 0 });
  expect(classes[2]!.iou.mean).toBeCloseTo(0.11764706, 7);
  expect(classes[2]!.iou.deviation).toBeNaN();
  expect(confusion.data.reduce((sum, count) => sum + count, 0)).toBe(84);
  expect(classes[1]!.pooledIou).toBeGreaterThan(0);
});

test("case statistics", () => {
  const sums = new Float64Array(2 * CaseSums.length);
  expect(CaseSums.statistics(sums, CaseSums.length)).toEqual({
    mean: Number.NaN,
    deviation: Number.NaN,
    finiteMean: Number.NaN,
    count: 0,
    infinite: 0,
    undefined: 0,
  });
  for (const value of [1, 2, 3, Number.NaN, Number.POSITIVE_INFINITY])
    CaseSums.add(sums, CaseSums.length, value);
  expect(CaseSums.statistics(sums, CaseSums.length)).toEqual({
    mean: Number.POSITIVE_INFINITY,
    deviation: 1,
    finiteMean: 2,
    count: 4,
    infinite: 1,
    undefined: 1,
  });
  expect(sums.subarray(0, CaseSums.length).every((sum) => sum === 0)).toBe(true);
});
