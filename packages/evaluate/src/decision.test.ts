import { calibrationBinsSync, InvalidArgumentError, Random, type Tensor, tensor } from "@pixelcal/core";
import { describe, expect, test } from "vitest";
import { decisionColumns, decisionOfColumns, parseDecision, volumeProbability } from "./decision.js";
import {
  compareRuns,
  decisionText,
  type EvaluationCase,
  evaluate,
  formatResults,
  readResults,
  runStatistics,
} from "./index.js";

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
  ["volume>100", "image", 100],
  ["volume > 2.5", "image", 2.5],
  ["lesion>1e3", "lesion", 1000],
])("%s is a rule", (text, about, volumeAbove) => {
  expect(parseDecision(text)).toEqual({ about, volumeAbove });
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

/** Returns a case of discs: the place, radius and probability of each, and whether it is real. */
function lesions(
  name: string,
  discs: readonly (readonly [x: number, y: number, radius: number, p: number, real: boolean])[],
): EvaluationCase {
  const data = new Float32Array(2 * pixels);
  const labels = new Uint8Array(pixels);
  for (let i = 0; i < pixels; i++) {
    data[pixels + i] = 0.01;
    for (const [x, y, radius, p, real] of discs)
      if (Math.hypot((i % 20) - x, Math.floor(i / 20) - y) <= radius) {
        data[pixels + i] = p;
        if (real) labels[i] = 1;
      }
    data[i] = 1 - data[pixels + i]!;
  }
  return { name, probs: tensor("float32", data, [2, ...size]), labels: tensor("uint8", labels, size) };
}

describe("decisions about lesions", () => {
  const options = { convention: "consistent", decision: "lesion>4" } as const;
  const images = Array.from({ length: 9 }, (_, i) =>
    lesions(`case ${i}`, [
      [4, 4, 2, 0.9, true], // 13 pixels, found
      [14, 4, 1.5, 0.6, i % 3 === 0], // 9 pixels, real in every third case
      [4, 14, 2, 0.1, true], // missed
      [14, 14, 1, 0.95, false], // 5 pixels, false
      [10, 18, 0, 0.99, false], // too small
    ]),
  );

  test("have the probability inside, 0 for those that are missed", async () => {
    const { rows } = await evaluate(images, options);
    const { volumeAbove, probabilities, real } = rows[1]!.decisions!;
    expect(volumeAbove).toBe(4);
    expect(probabilities.map((p) => Number(p.toFixed(6)))).toEqual([0.9, 0.6, 0.95, 0]);
    expect(real).toEqual([1, 0, 0, 1]);
    const usual = await evaluate(images, { convention: "consistent" });
    expect(rows.map(({ scores }) => scores)).toEqual(usual.rows.map(({ scores }) => scores));
    expect(usual.rows[0]!.decisions).toBeUndefined();
  });

  test("have the net benefit of the definition, by lesion, with intervals over cases", async () => {
    const { rows } = await evaluate(images, options);
    const decided = rows.flatMap(({ decisions }) =>
      decisions!.probabilities.map((p, i) => ({ p, real: decisions!.real[i] === 1 })),
    );
    const { decision } = await runStatistics(rows);
    expect(decision).toMatchObject({ event: "lesion > 4", unit: "lesion", cases: 36, events: 21 });
    for (const { threshold, model, all } of decision!.points) {
      const odds = threshold / (1 - threshold);
      const benefit = (acted: typeof decided): number =>
        acted.reduce((sum, { real }) => sum + (real ? 1 : -odds), 0) / decided.length;
      expect(model.value).toBeCloseTo(benefit(decided.filter(({ p }) => p >= threshold)), 12);
      expect(all.value).toBeCloseTo(benefit(decided.filter(({ p }) => p > 0)), 12);
      expect(model.interval!.low).toBeLessThanOrEqual(model.value);
    }
  });

  test("come back from saved results", async () => {
    const evaluation = await evaluate(images, options);
    const run = { run: "a", evaluation, missing: [], relabelled: [] };
    const saved = formatResults({ software: {}, settings: {}, runs: [run] });
    const [back] = readResults(saved, "r.json").runs;
    expect(back!.evaluation.rows).toEqual(evaluation.rows);
    const { decision } = await runStatistics(back!.evaluation.rows);
    expect(decision).toEqual((await runStatistics(evaluation.rows)).decision);
    const statistics = await runStatistics(evaluation.rows);
    expect(decisionText([{ ...run, statistics }])).toMatch(/^a: lesion > 4 is real in 21 of 36; net benefit/);
  });
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
