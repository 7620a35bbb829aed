import { tensor } from "@pixelcal/core";
import { FormatError } from "@pixelcal/io";
import { describe, expect, test } from "vitest";
import { type EvaluationCase, evaluate } from "../evaluate.js";
import { formatResults, formatRow, mergeResults, readResults, type SavedResults } from "./saved-results.js";

const size = 12;
const pixels = size * size;

/** Makes a case whose foreground is a strip that moves with `k`, with probabilities in sixteenths. */
function caseOf(k: number): EvaluationCase {
  const labels = Uint8Array.from({ length: pixels }, (_, i) => (i % size > 3 + (k % 5) ? 1 : 0));
  const probs = new Float32Array(2 * pixels);
  for (let i = 0; i < pixels; i++) {
    const p = (((i * 7 + k * 13 + (i % size) * 5) % 17) / 16 + labels[i]!) / 2;
    probs[i] = 1 - p;
    probs[pixels + i] = p;
  }
  return {
    name: `case ${String(k).padStart(2, "0")}`,
    probs: tensor("float32", probs, [2, size, size]),
    labels: tensor("uint8", labels, [size, size]),
    ...(k % 2 === 0 ? { group: `patient ${k >> 2}`, spacing: [1.5, 0.5] } : {}),
  };
}

const software = { pixelcal: "1.2.3" };
const settings = { convention: "consistent", bins: 10 };

async function resultsOf(cases: readonly number[], run = "run"): Promise<SavedResults> {
  const evaluation = await evaluate(cases.map(caseOf), { convention: "consistent" });
  return { software, settings, runs: [{ run, evaluation, missing: [], relabelled: [] }] };
}

const all = Array.from({ length: 14 }, (_, k) => k);

test("the sums of a case hold its pixels, and its calibration errors in 15 bins", async () => {
  const item = caseOf(3);
  const { rows } = await evaluate([item], { convention: "consistent", bins: 15 });
  const { topLabel, classes, sizes } = rows[0]!.sums!;
  const error = topLabel.count.reduce(
    (sum, count, b) => sum + (count > 0 ? Math.abs(topLabel.confidence[b]! - topLabel.accuracy[b]!) : 0),
    0,
  );
  expect(error / pixels).toBeCloseTo(rows[0]!.scores["ECE top label"]!, 12);
  const p = item.probs.data.subarray(pixels) as Float32Array;
  const bins = Array.from(p, (value) => Math.max(0, Math.ceil(value * 15) - 1));
  const inBin = (b: number, of: (i: number) => number): number =>
    bins.reduce((sum, bin, i) => (bin === b ? sum + of(i) : sum), 0);
  const truth = (i: number): number => Number(item.labels.data[i]);
  for (let b = 0; b < 15; b++) {
    expect(classes[1]!.count[b]).toBe(inBin(b, () => 1));
    expect(classes[1]!.confidence[b]).toBeCloseTo(
      inBin(b, (i) => p[i]!),
      9,
    );
    expect(classes[1]!.accuracy[b]).toBe(inBin(b, truth));
    expect(classes[1]!.falsePositive[b]).toBeCloseTo(
      inBin(b, (i) => (truth(i) === 0 ? p[i]! : 0)),
      9,
    );
  }
  const ofPixels = (of: (i: number) => boolean): number => bins.filter((_, i) => of(i)).length;
  expect(sizes).toEqual({
    truth: [ofPixels((i) => truth(i) === 0), ofPixels((i) => truth(i) === 1)],
    predicted: [ofPixels((i) => p[i]! <= 0.5), ofPixels((i) => p[i]! > 0.5)],
    both: [ofPixels((i) => truth(i) === 0 && p[i]! <= 0.5), ofPixels((i) => truth(i) === 1 && p[i]! > 0.5)],
  });
});

describe("saved results", () => {
  test("are read back as they were", async () => {
    const results = await resultsOf(all);
    const { rows } = results.runs[0]!.evaluation;
    const odd = { ...rows[0]!, scores: { ...rows[0]!.scores, HD95: Infinity, NSD: Number.NaN } };
    const { sums: _, ...missing } = { ...rows[1]!, name: "missing" };
    const run = {
      ...results.runs[0]!,
      evaluation: { ...results.runs[0]!.evaluation, rows: [odd, ...rows.slice(1), missing] },
    };
    const text = formatResults({ ...results, runs: [run] });
    const read = readResults(text, "results.json");
    expect(read.runs[0]!.evaluation.rows).toEqual(run.evaluation.rows);
    expect(read).toMatchObject({ software, settings });
    expect(formatResults(read)).toBe(formatResults(readResults(formatResults(read), "again")));
  });

  test("have the same text when rows were formatted before, each for itself", async () => {
    const results = await resultsOf(all);
    const text = formatResults(results);
    for (const row of results.runs[0]!.evaluation.rows) formatRow(row);
    expect(formatResults(results)).toBe(text);
    // A row made of another has a text of its own.
    const grouped = results.runs.map((run) => {
      const rows = run.evaluation.rows.map((row) => ({ ...row, group: "one" }));
      return { ...run, evaluation: { ...run.evaluation, rows } };
    });
    const read = readResults(formatResults({ ...results, runs: grouped }), "grouped");
    expect(read.runs[0]!.evaluation.rows.map(({ group }) => group)).toEqual(all.map(() => "one"));
  });

  test("may be reformatted, and are refused when a number was changed", async () => {
    const text = formatResults(await resultsOf([1, 2]));
    expect(readResults(JSON.stringify(JSON.parse(text), null, 3), "r.json").runs).toHaveLength(1);
    const edited = text.replace('"counted":144', '"counted":145');
    expect(edited).not.toBe(text);
    expect(() => readResults(edited, "r.json")).toThrow(
      "r.json: checksum: the results were damaged or edited; score the predictions again",
    );
  });

  test.each([
    ["not json", "r.json: expected saved results, got text that is not JSON"],
    ["[]", 'r.json: format: expected results that pixelcal evaluate saved ("pixelcal-results")'],
    ['{"format":"pixelcal-results","version":2}', "r.json: version: expected 1, got 2"],
  ])("%s is refused", (text, message) => {
    expect(() => readResults(text, "r.json")).toThrow(new FormatError("r.json", undefined, "").constructor);
    expect(() => readResults(text, "r.json")).toThrow(message);
  });

  test.each([1, 2, 7])("merged from %d parts they are the same bits", async (count) => {
    const whole = formatResults(mergeResults([await resultsOf(all)]));
    const parts = await Promise.all(
      Array.from({ length: count }, (_, part) => resultsOf(all.filter((k) => k % count === part).reverse())),
    );
    const texts = parts.map(formatResults);
    const read = texts.reverse().map((text, i) => readResults(text, `part ${i}`));
    expect(formatResults(mergeResults(read))).toBe(whole);
  });

  test("of other settings, or with a case twice, they are not merged", async () => {
    const [one, two] = [await resultsOf([1, 2]), await resultsOf([2, 3])];
    expect(() => mergeResults([one, two])).toThrow("parts: case 02 of run is there twice");
    expect(() => mergeResults([one, { ...two, settings: { bins: 15 } }])).toThrow(
      "parts: their settings differ",
    );
  });

  test("of several runs are merged by name; a case is missing only if no part has it", async () => {
    const one = await resultsOf([1]);
    const two = await resultsOf([2]);
    const lacking = { ...one, runs: [{ ...one.runs[0]!, missing: ["case 02", "case 09"] }] };
    const other = await resultsOf([1], "other");
    const merged = mergeResults([lacking, two, other]);
    expect(merged.runs.map(({ run, missing }) => [run, missing])).toEqual([
      ["run", ["case 09"]],
      ["other", []],
    ]);
  });
});

test("the rings of a case hold its pixels by distance, and its boundary error", async () => {
  const { rows } = await evaluate([caseOf(4)], { convention: "consistent" });
  const { unit, edges, bins, count, confidence, accuracy } = rows[0]!.sums!.boundary!;
  expect([unit, bins, count.length]).toEqual(["mm", 10, (edges.length + 1) * 10]);
  expect(count.reduce((sum, value) => sum + value, 0)).toBe(pixels);
  let [error, near] = [0, 0];
  for (let m = 0; m < bins; m++) {
    let gap = 0;
    for (let ring = edges.indexOf(-3) + 1; ring <= edges.indexOf(3); ring++) {
      near += count[ring * bins + m]!;
      gap += confidence[ring * bins + m]! - accuracy[ring * bins + m]!;
    }
    error += Math.abs(gap);
  }
  expect(error / near).toBeCloseTo(rows[0]!.scores["boundary ECE"]!, 12);
  expect((await evaluate([caseOf(4)])).rows[0]!.sums!.boundary!.unit).toBe("px");
});
