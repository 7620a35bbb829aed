import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tensor } from "@pixelcal/core";
import { evaluate } from "@pixelcal/evaluate";
import { writeNpz, writePrediction } from "@pixelcal/io";
import { truthKey } from "@pixelcal/phantom";
import { afterAll, beforeAll, expect, test } from "vitest";
import { truthColumn, truthError, withTruth } from "./truth.js";

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "pixelcal-truth-"));
});
afterAll(() => rm(root, { recursive: true }));

// Two pixels in two classes.
const truth = Float32Array.of(0.75, 0.5, 0.25, 0.5);

test.each<[string, readonly number[], number]>([
  ["the truth itself", [0.75, 0.5, 0.25, 0.5], 0],
  ["certain of the likelier class", [1, 1, 0, 0], 0.375],
  ["certain of the wrong class", [0, 0, 1, 1], 0.625],
  ["one pixel off by a quarter", [0.5, 0.5, 0.5, 0.5], 0.125],
])("%s", (_, probs, error) => {
  expect(truthError(Float32Array.from(probs), truth, 2)).toBeCloseTo(error, 12);
});

test("a column beside the scores, and an error where the data have no truth", async () => {
  const label = tensor("int64", BigInt64Array.of(0n, 0n, 0n, 1n), [2, 2]);
  const image = tensor("float32", new Float32Array(4), [1, 2, 2]);
  const probs = tensor("float32", Float32Array.of(1, 1, 1, 0, 0, 0, 0, 1), [2, 2, 2]);
  const half = tensor("float32", new Float32Array(8).fill(0.5), [2, 2, 2]);
  await writePrediction(join(root, "preds", "a.npz"), { probs, labels: label });
  await writeNpz(join(root, "known", "a.npz"), { image, label, [truthKey]: half });
  await writeNpz(join(root, "unknown", "a.npz"), { image, label });
  const scored = await evaluate(join(root, "preds"), { classes: 2 });
  const result = { run: "ce", evaluation: scored, missing: [], relabelled: [] };
  const { evaluation } = await withTruth(result, join(root, "preds"), join(root, "known"));
  expect(evaluation.rows[0]!.scores[truthColumn]).toBe(0.5);
  expect(evaluation.summary[truthColumn]).toMatchObject({ mean: 0.5, count: 1 });
  expect(evaluation.summary.DSC).toEqual(result.evaluation.summary.DSC);
  await expect(withTruth(result, join(root, "preds"), join(root, "unknown"))).rejects.toThrow(
    "truth: expected float32 [2,2,2]",
  );
});
