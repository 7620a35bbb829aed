import { Random } from "@pixelcal/core";
import { describe, expect, test } from "vitest";
import { pooledScores } from "./pooled-scores.js";
import { row, rows } from "./rows.test.helper.js";
import { runStatistics } from "./run-statistics.js";

const all = rows(24);

/** Returns a statistic of cases, drawn one by one, 2,000 times. */
function values<T>(units: readonly T[], statistic: (chosen: readonly T[]) => number): readonly number[] {
  const random = Random.fromSeed(0);
  return Array.from({ length: 2000 }, () => statistic(units.map(() => units[random.integer(units.length)]!)));
}

/** Returns the percentile interval of a statistic of cases, drawn one by one. */
function drawn<T>(
  units: readonly T[],
  statistic: (chosen: readonly T[]) => number,
): { low: number; high: number } {
  const sorted = values(units, statistic).toSorted((a, b) => a - b);
  // The share that the quantiles leave out for 12 and 24 groups, by scipy.stats.t.
  const tail = { 12: 0.010757, 24: 0.017294 }[units.length]!;
  const at = (share: number): number => {
    const place = share * 1999;
    const low = sorted[Math.floor(place)]!;
    return low + (sorted[Math.ceil(place)]! - low) * (place - Math.floor(place));
  };
  return { low: at(tail), high: at(1 - tail) };
}

type Row = (typeof all)[number];

/** Returns the histogram of a case whose ten pixels of confidence 0.5 are right or wrong by chance. */
function coin(i: number) {
  const bin = (value: number): number[] => Array.from({ length: 15 }, (_, b) => (b === 7 ? value : 0));
  const right = Random.fromSeed(i).integer(11);
  return { count: bin(10), confidence: bin(5), accuracy: bin(right), falsePositive: bin(0) };
}

const meanDice = (chosen: readonly Row[]): number =>
  chosen.reduce((sum, { scores }) => sum + scores.DSC!, 0) / chosen.length;

const pooledError = (chosen: readonly Row[]): number => {
  let [error, pixels] = [0, 0];
  for (let b = 0; b < 15; b++) {
    let gap = 0;
    for (const { sums } of chosen) {
      gap += sums!.topLabel.confidence[b]! - sums!.topLabel.accuracy[b]!;
      pixels += sums!.topLabel.count[b]!;
    }
    error += Math.abs(gap);
  }
  return error / pixels;
};

test("pooled scores are the statistics' values of all pixels together", async () => {
  const { scores } = await runStatistics(all, { draws: 100 });
  const pooled = pooledScores(all);
  expect([...pooled.keys()]).toEqual([...scores.keys()].filter((name) => name.includes("pooled")));
  for (const [name, value] of pooled) expect(value).toBe(scores.get(name)!.value);
  expect(pooled.get("ECE pooled")).toBeCloseTo(pooledError(all), 12);
});

describe("intervals over cases", () => {
  test("are those of cases drawn one by one", async () => {
    const { scores, cases, groups, unit } = await runStatistics(all);
    expect({ cases, groups, unit }).toEqual({ cases: 24, groups: 24, unit: "case" });
    for (const [name, statistic] of [
      ["DSC", meanDice],
      ["ECE pooled", pooledError],
    ] as const) {
      const { value, percentile } = scores.get(name)!;
      expect(value).toBeCloseTo(statistic(all), 12);
      const twin = drawn(all, statistic);
      expect(percentile!.low).toBeCloseTo(twin.low, 4);
      expect(percentile!.high).toBeCloseTo(twin.high, 4);
    }
  });

  test("of pooled errors are moved by the bias of the draws, and never below 0", async () => {
    const errors = values(all, pooledError);
    const { value, interval, percentile } = (await runStatistics(all)).scores.get("ECE pooled")!;
    const bias = errors.reduce((sum, each) => sum + each, 0) / errors.length - value;
    expect(bias).not.toBe(0);
    expect(interval!.low).toBeCloseTo(percentile!.low - bias, 12);
    expect(interval!.high).toBeCloseTo(percentile!.high - bias, 12);
    const { scores } = await runStatistics(all);
    expect(scores.get("DSC")!.interval).toEqual(scores.get("DSC")!.percentile);
    // A model without a gap, over few pixels: the moved interval would begin below 0.
    const calm = all.map((each, i) => ({ ...each, sums: { ...row(i, {}).sums!, topLabel: coin(i) } }));
    const floor = (await runStatistics(calm)).scores.get("ECE pooled")!;
    expect(floor.interval!.low).toBe(0);
  });

  test("draw patients with all their cases", async () => {
    const grouped = all.map((each, i) => ({ ...each, group: `patient ${String(i >> 1).padStart(2, "0")}` }));
    const { scores, groups, unit } = await runStatistics(grouped);
    expect({ groups, unit }).toEqual({ groups: 12, unit: "group" });
    const pairs = Array.from({ length: 12 }, (_, g) => all.slice(2 * g, 2 * g + 2));
    const twin = drawn(pairs, (chosen) => meanDice(chosen.flat()));
    expect(scores.get("DSC")!.percentile!.low).toBeCloseTo(twin.low, 4);
    expect(scores.get("DSC")!.percentile!.high).toBeCloseTo(twin.high, 4);
  });

  test("have the same bits in any order of the cases, and other ones for another seed", async () => {
    const found = await runStatistics(all);
    const mixed = Random.fromSeed(9).permutation(24);
    expect(await runStatistics(Array.from(mixed, (i) => all[i]!))).toEqual(found);
    expect((await runStatistics(all, { seed: 1 })).scores).not.toEqual(found.scores);
  });

  test("are withheld below eight cases, or eight patients", async () => {
    const few = await runStatistics(all.slice(0, 7));
    expect(few.tooFew).toBe(true);
    expect(few.sampleSizes).toEqual([]);
    for (const { interval } of few.scores.values()) expect(interval).toBeUndefined();
    for (const bin of few.topLabel!.bins) expect(bin).not.toHaveProperty("band");
    expect(few.topLabel!.calibrated).toBeUndefined();
    const grouped = all.map((each, i) => ({ ...each, group: `patient ${i % 7}` }));
    expect(await runStatistics(grouped)).toMatchObject({ tooFew: true, cases: 24, groups: 7 });
    expect((await runStatistics(all.slice(0, 8))).scores.get("DSC")!.interval).toBeDefined();
  });

  test("undefined scores are in no mean, infinite ones leave no interval", async () => {
    const odd = all.map((each, i) =>
      row(i, {
        scores: { ...each.scores, DSC: i < 3 ? Number.NaN : each.scores.DSC!, HD95: i === 5 ? Infinity : 1 },
      }),
    );
    const { scores } = await runStatistics(odd);
    expect(scores.get("DSC")!.value).toBeCloseTo(meanDice(all.slice(3)), 12);
    expect(scores.get("HD95")).toEqual({ value: Infinity });
  });

  test("a case without a prediction counts in scores alone", async () => {
    const { sums: _, ...missing } = row(99, { scores: { DSC: 0 } });
    const found = await runStatistics([...all, missing]);
    expect(found.cases).toBe(25);
    expect(found.scores.get("ECE pooled")!.value).toBeCloseTo(pooledError(all), 12);
    expect((await runStatistics([missing])).topLabel).toBeUndefined();
  });

  test("refuse a case that is there twice, and options out of range", async () => {
    await expect(runStatistics([row(1), row(1)])).rejects.toThrow("rows: case case 01 is there twice");
    await expect(runStatistics(all, { draws: 5 })).rejects.toThrow("draws: expected an integer from 100");
    await expect(runStatistics(all, { level: 95 })).rejects.toThrow(
      "level: expected a number between 0 and 1",
    );
    await expect(runStatistics(all, { draw: 5 } as never)).rejects.toThrow('did you mean "draws"?');
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(runStatistics(all, { signal })).rejects.toThrow("enough");
  });
});

describe("reliability over cases", () => {
  test("has the bins of all pixels, with bands that hold their accuracies", async () => {
    const { topLabel, classes } = await runStatistics(all);
    expect(classes.map(({ name }) => name)).toEqual(["class 0", "class 1"]);
    for (const [b, bin] of topLabel!.bins.entries()) {
      const total = (part: "count" | "confidence" | "accuracy"): number =>
        all.reduce((sum, { sums }) => sum + sums!.topLabel[part][b]!, 0);
      expect(bin.count).toBe(total("count"));
      expect(bin.confidence).toBeCloseTo(total("confidence") / bin.count, 12);
      expect(bin.accuracy).toBeCloseTo(total("accuracy") / bin.count, 12);
      expect(bin.band!.low).toBeLessThan(bin.accuracy);
      expect(bin.band!.high).toBeGreaterThan(bin.accuracy);
      expect(bin.nullBand!.low).toBeLessThan(bin.confidence);
      // Every case is over-confident by about .05 in this bin: no calibrated model looks like that.
      if (b > 3) expect(bin.accuracy).toBeLessThan(bin.nullBand!.low);
    }
    expect(topLabel!.error.value).toBeGreaterThan(topLabel!.calibrated!.bound);
    expect(topLabel!.debiased.value).toBeGreaterThan(0.04);
    expect(topLabel!.debiased.value).toBeLessThan(0.06);
  });

  test("a bin without pixels has no band", async () => {
    const zero = (values: readonly number[]): number[] => values.map((value, b) => (b === 4 ? 0 : value));
    const without = all.map(({ sums, ...each }) => {
      const { count, confidence, accuracy, falsePositive } = sums!.topLabel;
      const topLabel = {
        count: zero(count),
        confidence: zero(confidence),
        accuracy: zero(accuracy),
        falsePositive: zero(falsePositive),
      };
      return { ...each, sums: { ...sums!, topLabel } };
    });
    const bin = (await runStatistics(without)).topLabel!.bins[4]!;
    expect(bin).toMatchObject({ count: 0, confidence: Number.NaN, accuracy: Number.NaN });
    expect(bin).not.toHaveProperty("band");
  });
});

test("rings around the predicted boundary have gaps with bands, and an error of their own", async () => {
  const { boundary, scores } = await runStatistics(all);
  expect(boundary!.unit).toBe("px");
  expect(boundary!.rings.map(({ low, high }) => [low, high])).toEqual([
    [-Infinity, -10],
    [-10, -3],
    [-3, 0],
    [0, 3],
    [3, 10],
    [10, Infinity],
  ]);
  const total = (part: "count" | "confidence" | "accuracy", from: number, to: number): number =>
    all.reduce((sum, { sums }) => sum + sums!.boundary![part].slice(from, to).reduce((a, b) => a + b, 0), 0);
  for (const [ring, { count, gap, band, nll }] of boundary!.rings.entries()) {
    const [from, to] = [2 * ring, 2 * ring + 2];
    expect(count).toBe(total("count", from, to));
    expect(gap).toBeCloseTo((total("confidence", from, to) - total("accuracy", from, to)) / count, 12);
    expect(band!.low).toBeLessThan(gap);
    expect(band!.high).toBeGreaterThan(gap);
    expect(band!.low > 0).toBe(ring === 2 || ring === 3);
    expect(nll).toBeCloseTo(ring === 5 ? Infinity : (24 * (20 + ring)) / count, 10);
  }
  const gaps = [4, 5].map((cell) =>
    Math.abs(
      [cell, cell + 2].reduce(
        (sum, at) => sum + total("confidence", at, at + 1) - total("accuracy", at, at + 1),
        0,
      ),
    ),
  );
  expect(boundary!.ece).toBe(scores.get("boundary ECE pooled"));
  expect(boundary!.ece.value).toBeCloseTo((gaps[0]! + gaps[1]!) / total("count", 4, 8), 12);
});

test("rings of different units are not added", async () => {
  const mixed = all.map(({ sums, ...each }, i) => ({
    ...each,
    sums: { ...sums!, boundary: { ...sums!.boundary!, unit: i === 3 ? ("mm" as const) : ("px" as const) } },
  }));
  const { boundary, scores } = await runStatistics(mixed);
  expect(boundary).toBeUndefined();
  expect(scores.has("boundary ECE pooled")).toBe(false);
});

test("the sample size is where the interval has the half-width", async () => {
  const { sampleSizes, scores } = await runStatistics(all);
  const dice = sampleSizes.find(({ name }) => name === "DSC")!;
  const { low, high } = scores.get("DSC")!.percentile!;
  const half = (high - low) / 2;
  expect(dice.halfWidth).toBe(0.02);
  const ratio = dice.needed / (24 * (half / 0.02) ** 2);
  // The interval of 24 cases is wider by what few cases add, 6 %.
  expect(ratio).toBeGreaterThan(0.8);
  expect(ratio).toBeLessThan(0.95);
});
