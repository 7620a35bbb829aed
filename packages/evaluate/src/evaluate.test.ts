import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InvalidArgumentError, type Tensor, tensor } from "@pixelcal/core";
import { FormatError, float32ToFloat16, writePrediction } from "@pixelcal/io";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type EvaluateOptions, type EvaluationCase, evaluate, summarize } from "./evaluate.js";

interface Golden {
  readonly name: string;
  readonly stream: number;
  readonly classes: number;
  readonly size: readonly number[];
  readonly scores: Readonly<Record<string, number | "infinite">>;
}

// Made by tools/golden/evaluation.py from the same formulas.
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

/**
 * Makes 16 x 16 pixels with a square of 4 x 4 per class; the columns give where it begins, in the labels and
 * as predicted.
 */
function squaresOf(
  labelled: readonly number[],
  predicted: readonly number[],
  classes: number,
): Omit<EvaluationCase, "name"> {
  const paint = (columns: readonly number[]): Uint8Array<ArrayBuffer> => {
    const pixels = new Uint8Array(256);
    for (const [c, column] of columns.entries())
      for (let i = 0; i < 16; i++) pixels[(1 + 8 * c + (i >> 2)) * 16 + column + (i % 4)] = c + 1;
    return pixels;
  };
  const probs = new Float32Array(classes * 256);
  for (const [i, c] of paint(predicted).entries()) probs[c * 256 + i] = 1;
  return {
    probs: tensor("float32", probs, [classes, 16, 16]),
    labels: tensor("uint8", paint(labelled), [16, 16]),
  };
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
    expect(rows[0]!.scores.HD95).toBe(Number.POSITIVE_INFINITY);
    const diagonal = { ...options, oneEmpty: "diagonal" } as const;
    const { rows: plain } = await evaluate([{ name: "missed", probs, labels }], diagonal);
    expect(plain[0]!.scores.HD95).toBeCloseTo(Math.hypot(8, 8), 5);
    const { rows: scaled } = await evaluate([{ name: "missed", probs, labels, spacing: [2, 2] }], diagonal);
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

  it("never drops a missed object from a mean without a count", async () => {
    // Two hits and two complete misses of a square.
    const cases = [true, true, false, false].map((hit, i) => ({
      ...squaresOf([3], hit ? [3] : [], 2),
      name: `${i}`,
    }));
    for (const convention of ["reference", "consistent"] as const) {
      const { summary } = await evaluate(cases, { convention });
      expect(summary.NSD).toMatchObject({ mean: 0.5, count: 4, undefined: 0 });
      expect(summary.DSC!.mean).toBeCloseTo(0.5, 6);
      expect(summary.HD95).toMatchObject({
        mean: Number.POSITIVE_INFINITY,
        finiteMean: 0,
        infinite: 2,
        count: 4,
      });
      const left = await evaluate(cases, { convention, oneEmpty: "undefined" });
      expect(left.summary.NSD).toMatchObject({ mean: 1, count: 2, undefined: 2 });
      expect(left.summary.DSC).toMatchObject({ count: 2, undefined: 2 });
    }
  });

  it("scores two empty masks as asked, by default as the convention does", async () => {
    const empty = [{ ...squaresOf([], [], 2), name: "empty" }];
    const scores = async (options: EvaluateOptions): Promise<number[]> => {
      const { DSC, IoU, NSD, HD95, HD } = (await evaluate(empty, options)).rows[0]!.scores;
      return [DSC!, IoU!, NSD!, HD95!, HD!];
    };
    const undefinedScores = Array(5).fill(Number.NaN);
    for (const convention of ["reference", "consistent"] as const) {
      expect(await scores({ convention, bothEmpty: "perfect" })).toEqual([1, 1, 1, 0, 0]);
      expect(await scores({ convention, bothEmpty: "undefined" })).toEqual(undefinedScores);
    }
    expect(await scores({})).toEqual([1, 1, 1, 0, 0]);
    expect(await scores({ convention: "consistent" })).toEqual(undefinedScores);
  });

  it("measures NSD at a tolerance per class, and HD at a further percentile", async () => {
    // Class 1 is predicted one pixel to the side, class 2 three.
    const shifted = { ...squaresOf([3, 3], [4, 6], 3), name: "shifted" };
    const options = { classes: 3, convention: "consistent" } as const;
    const nsd = async (tolerance: number | number[]): Promise<number[]> => {
      const { NSD, ...rest } = (await evaluate([shifted], { ...options, tolerance })).rows[0]!.scores;
      return [rest["NSD class 1"]!, rest["NSD class 2"]!, NSD!];
    };
    expect(await nsd([1, 3])).toEqual([1, 1, 1]);
    const [one, two, mean] = await nsd([0, 3]);
    expect([two, mean]).toEqual([1, (one! + 1) / 2]);
    expect(one).toBeLessThan(1);
    const { scores } = (await evaluate([shifted], { ...options, percentile: 100 })).rows[0]!;
    expect(scores.HD100).toBe(scores.HD);
    expect(scores["HD100 class 2"]).toBe(3);
    expect(scores["HD95 class 1"]).toBe(1);
  });

  it("scores false positives by what the truth minimises, and shows the pECE of calibrated predictions", async () => {
    const item: EvaluationCase = {
      name: "two",
      probs: tensor("float32", Float32Array.of(0.2, 0.6, 0.8, 0.4), [2, 1, 2]),
      labels: tensor("uint8", Uint8Array.of(1, 0), [1, 2]),
    };
    const { summary } = await evaluate([item], { convention: "consistent" });
    // Two bins of one pixel each: p = 0.8 on the object, p = 0.4 on the background.
    expect(summary.pECE!.mean).toBeCloseTo((0.2 + 0.4 + 2 * 0.4) / 2, 6);
    expect(summary["pECE if calibrated"]!.mean).toBeCloseTo((2 * 0.8 + 2 * 0.4) / 2, 6);
    expect(summary["pECE excess"]!.mean).toBeCloseTo((0.2 + 0.4 + 2 * 0.4 ** 2) / 2, 6);
    expect(summary.fpBrier!.mean).toBeCloseTo((3 * 0.2 ** 2 + 0.4 ** 2) / 2, 6);
  });

  it("bounds NLL by a floor and counts the pixels, and counts those in no bin", async () => {
    const sure = (labels: number[]): EvaluationCase => ({
      name: "sure",
      probs: tensor("float32", Float32Array.of(1, 1, 1, 0.5, 0, 0, 0, 0.5), [2, 2, 2]),
      labels: tensor("uint8", Uint8Array.from(labels), [2, 2]),
    });
    const free = await evaluate([sure([0, 0, 1, 1])]);
    expect(free.summary.NLL).toMatchObject({ mean: Number.POSITIVE_INFINITY, infinite: 1 });
    expect(free.pixels).toEqual({ counted: 4, unbinned: 3, bounded: 0 });
    const bounded = await evaluate([sure([0, 0, 1, 1])], { nllFloor: 1e-3, convention: "consistent" });
    expect(bounded.summary.NLL!.mean).toBeCloseTo((Math.log(1e3) + Math.log(2)) / 4, 6);
    expect(bounded.pixels).toEqual({ counted: 4, unbinned: 0, bounded: 1 });
    const ignored = await evaluate([sure([0, 0, 255, 1])], { ignore: 255 });
    expect(ignored.summary.NLL!.mean).toBeCloseTo(Math.log(2) / 3, 6);
    expect(ignored.pixels).toEqual({ counted: 3, unbinned: 2, bounded: 0 });
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
    await expect(evaluate([], { classes: 2 })).rejects.toThrow("cases: needs at least one case");
    await expect(evaluate([example], { classes: 1 })).rejects.toThrow(InvalidArgumentError);
    await expect(evaluate([example], { classes: 3 })).rejects.toThrow("square: probs: expected 3 classes");
    const convention = "other" as "reference";
    await expect(evaluate([example], { classes: 2, convention })).rejects.toThrow("convention");
    const refused: [object, string][] = [
      [{ bins: 0 }, "bins: expected an integer from 1 to 1024, got 0"],
      [{ bin: 5 }, 'options.bin: unknown option (did you mean "bins"?)'],
      [{ ignore: 0.5 }, "ignore: expected an integer, got 0.5"],
      [{ bothEmpty: "nan" }, "bothEmpty: expected one of undefined, perfect, got nan"],
      [{ oneEmpty: "perfect" }, "oneEmpty: expected one of worst, diagonal, undefined, got perfect"],
      [{ percentile: 101 }, "percentile: expected a number from 0 to 100, got 101"],
      [{ nllFloor: 1 }, "nllFloor: expected a number above 0 (2.3e-308 or more) and below 1, got 1"],
      [
        { tolerance: -1 },
        "tolerance: expected a number of 0 or more, or one for each foreground class, got -1",
      ],
      [{ tolerance: [1] }, 'tolerance: expected one number with convention "reference"'],
      [
        { tolerance: [1, 2], convention: "consistent" },
        "tolerance: expected 1 numbers, one for each foreground",
      ],
      [{ transform: "relu" }, "transform: expected softmax or sigmoid or normalize, got relu"],
    ];
    for (const [options, message] of refused)
      await expect(evaluate([example], { classes: 2, ...options })).rejects.toThrow(message);
    await expect(evaluate(join(root, "missing"), { classes: 2 })).rejects.toThrow(FormatError);
    const wrong = join(root, "wrong");
    await writePrediction(join(wrong, "a.npz"), { probs: example.probs, labels: example.labels });
    await expect(evaluate(wrong, { classes: 3 })).rejects.toThrow("expected 3 classes");
    await writeFile(join(wrong, "a.npz"), "PK nonsense");
    await expect(evaluate(wrong, { classes: 2 })).rejects.toThrow(FormatError);
  });
});
