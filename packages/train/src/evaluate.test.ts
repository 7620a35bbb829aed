import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InvalidArgumentError, type Tensor, tensor } from "@pixelcal/core";
import { FormatError, float32ToFloat16, writePrediction } from "@pixelcal/io";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type EvaluationCase, evaluate, summarize } from "./evaluate.js";

interface Golden {
  readonly name: string;
  readonly stream: number;
  readonly classes: number;
  readonly size: readonly number[];
  readonly scores: Readonly<Record<string, number | "infinite">>;
}

// Made by tools/golden/evaluation.py, whose formulas these are.
const golden: Golden[] = JSON.parse(
  readFileSync(new URL("../test/golden/evaluation.json", import.meta.url), "utf8"),
);

function hashed(count: number, stream: number): Float64Array {
  const offset = Math.imul(stream, 0x85ebca77);
  return Float64Array.from({ length: count }, (_, index) => {
    let h = (Math.imul(index, 0x9e3779b1) + offset) >>> 0;
    h = Math.imul(h ^ (h >>> 16), 0x7feb352d) >>> 0;
    h = Math.imul(h ^ (h >>> 15), 0x846ca68b) >>> 0;
    return ((h ^ (h >>> 16)) >>> 0) / 2147483648 - 1;
  });
}

const labelOf: Readonly<Record<string, (g: readonly number[]) => number>> = {
  square: ([i = 0, j = 0]) => (i > 3 && i < 9 && j > 4 && j < 11 ? 1 : 0),
  bands: ([i = 0]) => Math.floor(i / 5) % 4,
  empty: () => 0,
  missed: ([i = 0, j = 0]) => (i + j < 5 ? 1 : 0),
  volume: ([i = 0, j = 0, k = 0]) => Math.floor((i + j + 2 * k) / 7) % 3,
};

function caseOf({ name, stream, classes, size }: Golden): EvaluationCase & { probs: Tensor<"float32"> } {
  const pixels = size.reduce((a, b) => a * b, 1);
  const labels = BigInt64Array.from({ length: pixels }, (_, index) => {
    const at = size.map(
      (_, axis) => Math.floor(index / size.slice(axis + 1).reduce((a, b) => a * b, 1)) % size[axis]!,
    );
    return BigInt(labelOf[name]!(at));
  });
  const weight = hashed(classes * pixels, stream).map((value) => Math.floor((value + 1) * 20));
  const probs = new Float32Array(classes * pixels);
  for (let i = 0; i < pixels; i++) {
    const at = Array.from({ length: classes }, (_, c) => c * pixels + i);
    weight[at[Number(labels[i])]!]! += 12;
    if (name === "missed") weight[i]! += 100;
    const total = Math.max(
      1,
      at.reduce((sum, index) => sum + weight[index]!, 0),
    );
    const shares = at.map((index) => Math.floor((weight[index]! * 256) / total));
    shares[0]! += 256 - shares.reduce((a, b) => a + b, 0);
    at.forEach((index, c) => {
      probs[index] = shares[c]! / 256;
    });
  }
  return { name, probs: tensor("float32", probs, [classes, ...size]), labels: tensor("int64", labels, size) };
}

const named = (name: string): Golden => golden.find((example) => example.name === name)!;

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "pixelcal-evaluate-"));
});
afterAll(() => rm(root, { recursive: true }));

describe("evaluate", () => {
  it.each(golden)("convention reference scores $name as the repository does", async (example) => {
    const { rows } = await evaluate([caseOf(example)], { classes: example.classes });
    for (const [column, expected] of Object.entries(example.scores)) {
      const score = rows[0]!.scores[column]!;
      if (expected === "infinite") expect(score, column).toBe(Number.POSITIVE_INFINITY);
      else expect(Math.abs(score - expected), column).toBeLessThan(1e-6);
    }
    expect(Object.keys(rows[0]!.scores).slice(0, 5)).toEqual(["DSC", "HD95", "ECE", "CECE", "pECE"]);
  });

  it.each(golden)("gives the same for float16: $name", async (entry) => {
    // Whole multiples of 1/256 are exact in both types.
    const example = caseOf(entry);
    const { dims, data } = example.probs;
    const half = { ...example, probs: tensor("float16", float32ToFloat16(data), dims) };
    const { rows } = await evaluate([half, example], { classes: entry.classes });
    expect(rows[0]!.scores).toEqual(rows[1]!.scores);
  });

  it("reads a folder of predictions in the order of their names", async () => {
    const folder = join(root, "preds");
    for (const name of ["square", "missed"]) {
      const { probs, labels } = caseOf(named(name));
      await writePrediction(join(folder, `${name}.npz`), { probs, labels });
    }
    await writeFile(join(folder, "notes.txt"), "not a prediction");
    const seen: string[] = [];
    const { rows, summary } = await evaluate(folder, { classes: 2, onCase: ({ name }) => seen.push(name) });
    expect(rows.map(({ name }) => name)).toEqual(["missed", "square"]);
    expect(seen).toEqual(["missed", "square"]);
    expect(summary.HD95!.mean).toBe(Number.POSITIVE_INFINITY);
    expect(summary.HD95!.infinite).toBe(1);
    const mean = (Number(named("square").scores.ECE) + Number(named("missed").scores.ECE)) / 2;
    expect(summary.ECE!.mean).toBeCloseTo(mean, 6);
  });

  it("convention consistent counts what is not defined, and honours spacing", async () => {
    const empty = await evaluate([caseOf(named("empty"))], { classes: 3, convention: "consistent" });
    expect(empty.rows[0]!.scores["DSC class 1"]).toBeDefined();
    const { probs, labels } = caseOf(named("missed"));
    const options = { classes: 2, convention: "consistent" } as const;
    const { rows } = await evaluate([{ name: "missed", probs, labels }], options);
    expect(rows[0]!.scores.DSC).toBe(0);
    expect(rows[0]!.scores.HD95).toBeCloseTo(Math.hypot(8, 8), 5);
    const { rows: scaled } = await evaluate([{ name: "missed", probs, labels, spacing: [2, 2] }], options);
    expect(scaled[0]!.scores.HD95).toBeCloseTo(2 * Math.hypot(8, 8), 5);
    const nothing = tensor("float32", new Float32Array(128).fill(1, 0, 64), [2, 8, 8]);
    const background = tensor("uint8", new Uint8Array(64), [8, 8]);
    const { summary } = await evaluate([{ name: "nothing", probs: nothing, labels: background }], options);
    expect(summary.DSC).toMatchObject({ count: 0, undefined: 1, mean: Number.NaN });
    expect(summary.HD95).toMatchObject({ count: 0, undefined: 1 });
  });

  it("weights false positives, bins and background as asked", async () => {
    const example = caseOf(named("bands"));
    const scores = async (options: object) =>
      (await evaluate([example], { classes: 4, ...options })).rows[0]!.scores;
    const plain = await scores({});
    expect((await scores({ falsePositiveWeight: 0 })).pECE).toBeCloseTo(plain.ECE!, 12);
    expect((await scores({ bins: 3 })).ECE).not.toBe(plain.ECE);
    expect((await scores({ ignoreBackground: true })).CECE).not.toBe(plain.CECE);
  });

  it("summarizes without hiding what is infinite or undefined", () => {
    expect(summarize([1, 3, Number.NaN])).toMatchObject({
      mean: 2,
      deviation: Math.SQRT2,
      count: 2,
      undefined: 1,
    });
    expect(summarize([1, 3, Number.POSITIVE_INFINITY])).toMatchObject({
      mean: Number.POSITIVE_INFINITY,
      finiteMean: 2,
      infinite: 1,
    });
    expect(summarize([5]).deviation).toBeNaN();
    expect(summarize([]).mean).toBeNaN();
  });

  it("rejects bad arguments and folders", async () => {
    const example = caseOf(named("square"));
    await expect(evaluate([], { classes: 2 })).rejects.toThrow("cases: expected at least one");
    await expect(evaluate([example], { classes: 1 })).rejects.toThrow(InvalidArgumentError);
    await expect(evaluate([example], { classes: 3 })).rejects.toThrow("square: probs: expected 3 classes");
    const convention = "other" as "reference";
    await expect(evaluate([example], { classes: 2, convention })).rejects.toThrow("convention");
    await expect(evaluate([example], { classes: 2, bins: 0 })).rejects.toThrow("bins");
    await expect(evaluate(join(root, "missing"), { classes: 2 })).rejects.toThrow(FormatError);
    const wrong = join(root, "wrong");
    await writePrediction(join(wrong, "a.npz"), { probs: example.probs, labels: example.labels });
    await expect(evaluate(wrong, { classes: 3 })).rejects.toThrow("expected 3 classes");
    await writeFile(join(wrong, "a.npz"), "PK nonsense");
    await expect(evaluate(wrong, { classes: 2 })).rejects.toThrow(FormatError);
  });
});
