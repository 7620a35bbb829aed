import { calibrationBinsSync, InvalidArgumentError, Random, type Tensor, tensor } from "@pixelcal/core";
import { describe, expect, test } from "vitest";
import { decisionColumns, decisionOfColumns, parseDecision, volumeProbability } from "./decision.js";
import { compareRuns, decisionText, type EvaluationCase, evaluate, runStatistics } from "./index.js";

const size = [20, 20];
const pixels = 400;

/** Returns a case of a disc of about `radius` pixels that the model sees with more or less certainty. */
function made(name: string, seed: number): EvaluationCase & { readonly probs: Tensor<"float32"> } {
  const random = Random.fromSeed(seed);
  const radius = 2 + 6 * random.uniform();
  const seen = radius + 2 * (random.uniform() - 0.5);
  const data = new Float32Array(2 * pixels);
  const labels = new Uint8Array(pixels);
  for (let i = 0; i < pixels; i++) {
    const away = Math.hypot((i % 20) - 10, Math.floor(i / 20) - 10);
    data[pixels + i] = 1 / (1 + Math.exp(1.3 * (away - seen)));
    data[i] = 1 - data[pixels + i]!;
    labels[i] = Number(away < radius);
  }
  return {
    name,
    probs: tensor("float32", data, [2, ...size]),
    labels: tensor("uint8", labels, size),
    spacing: [2, 1.5],
  };
}

const cases = Array.from({ length: 24 }, (_, i) => made(`case ${i}`, i + 1));
const options = { convention: "consistent", decision: "volume>200" } as const;
const columns = decisionColumns({ volumeAbove: 200 });

test.each([
  ["volume>100", 100],
  ["volume > 2.5", 2.5],
  ["volume>1e3", 1000],
])("%s is a rule", (text, volumeAbove) => {
  expect(parseDecision(text)).toEqual({ volumeAbove });
});

test.each(["volume<100", "volume>", "volume>-1", "area>3", "volume>1e999", "", 5])(
  "%o is none",
  async (text) => {
    expect(() => parseDecision(text as never)).toThrow(InvalidArgumentError);
    const run = evaluate(cases.slice(0, 1), { decision: text as never });
    await expect(run).rejects.toThrow('decision: expected a rule such as "volume>100"');
  },
);

test("the probability is the largest threshold whose region exceeds the volume", () => {
  for (const { probs, labels } of cases) {
    const maps = { ...probs, dims: [1, ...probs.dims] };
    const bins = calibrationBinsSync(maps, { ...labels, dims: [1, ...labels.dims] } as never, { bins: 4096 });
    const sorted = probs.data.slice(pixels).sort().reverse();
    for (const limit of [0, 0.5, 10, 66.6, 399]) {
      // One pixel more than the limit holds is needed.
      const expected = sorted[Math.floor(limit)]!;
      expect(Math.abs(volumeProbability(bins, limit) - expected)).toBeLessThan(1 / 4096);
    }
    expect(volumeProbability(bins, 400)).toBe(0);
  }
});

test("cases have its columns, and no other score changes", async () => {
  const usual = await evaluate(cases, { convention: "consistent" });
  const { rows } = await evaluate(cases, options);
  for (const [i, { scores }] of rows.entries()) {
    const { [columns.score]: probability, [columns.event]: event, ...others } = scores;
    expect(others).toEqual(usual.rows[i]!.scores);
    const truth = cases[i]!.labels.data as Uint8Array;
    expect(event).toBe(Number(3 * truth.reduce((sum, label) => sum + label, 0) > 200));
    const region = cases[i]!.probs.data.slice(pixels).filter((p) => p >= probability! - 1 / 4096);
    expect(3 * region.length).toBeGreaterThan(200);
  }
  expect(decisionOfColumns(Object.keys(rows[0]!.scores))).toEqual(columns);
  expect(decisionOfColumns(["DSC", "P(volume > 3)"])).toBeUndefined();
});

describe("net benefit", () => {
  test("is that of the definition", async () => {
    const { rows } = await evaluate(cases, options);
    const { decision } = await runStatistics(rows);
    const events = rows.filter(({ scores }) => scores[columns.event] === 1).length;
    expect(decision).toMatchObject({ event: "volume > 200", cases: 24, events });
    expect(events).toBeGreaterThan(3);
    expect(events).toBeLessThan(21);
    for (const { threshold, model, all } of decision!.points) {
      const odds = threshold / (1 - threshold);
      const acted = rows.filter(({ scores }) => scores[columns.score]! >= threshold);
      const right = acted.filter(({ scores }) => scores[columns.event] === 1).length;
      expect(model.value).toBeCloseTo((right - odds * (acted.length - right)) / 24, 12);
      expect(all.value).toBeCloseTo((events - odds * (24 - events)) / 24, 12);
      expect(model.interval!.low).toBeLessThanOrEqual(model.value);
      expect(model.interval!.high).toBeGreaterThanOrEqual(model.value);
    }
  });

  test("is the same in any order, without intervals for few cases, and absent without a decision", async () => {
    const { rows } = await evaluate(cases, options);
    const shuffled = await runStatistics([...rows].reverse());
    expect(shuffled.decision).toEqual((await runStatistics(rows)).decision);
    const few = (await runStatistics(rows.slice(0, 5))).decision!;
    expect(few.points.every(({ model }) => model.interval === undefined)).toBe(true);
    const usual = await evaluate(cases, { convention: "consistent" });
    expect((await runStatistics(usual.rows)).decision).toBeUndefined();
  });

  test("is printed at 20 %", async () => {
    const evaluation = await evaluate(cases, options);
    const statistics = await runStatistics(evaluation.rows);
    const result = { run: "a", evaluation, missing: [], relabelled: [], statistics };
    expect(decisionText([result])).toMatch(
      /^a: volume > 200 in \d+ of 24 cases; net benefit of acting from 20 % on -?[\d.]+ \[.*\], of acting on all -?[\d.]+ \[.*\]\n$/,
    );
    const { differences } = await compareRuns(evaluation.rows, evaluation.rows, {
      measures: [columns.score],
    });
    expect(differences[0]!.better).toBeUndefined();
  });
});
