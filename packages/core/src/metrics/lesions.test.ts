import { describe, expect, test } from "vitest";
import { golden } from "../fixture.test.helper.js";
import { connectedComponents, connectedComponentsSync } from "../kernels/connected-components.js";
import { type Labels, type Tensor, tensor } from "../tensor.js";
import { lesionScores } from "./lesion-scores.js";
import { lesionTables } from "./lesions.js";

interface Case {
  readonly size: readonly number[];
  readonly spacing: readonly number[];
  readonly truth: string;
  readonly predicted: string;
  readonly components: readonly number[];
  readonly panoptica: Readonly<Record<string, number | null>>;
  readonly autopet: Readonly<Record<string, number>>;
  readonly brats?: readonly Readonly<Record<string, number> & { grow: number; leastVolume: number }>[];
}

const mask = (text: string, size: readonly number[]): Tensor<"uint8"> =>
  tensor("uint8", Uint8Array.from(text, Number), [1, ...size]);

/** Compares the named numbers to 12 digits; null stands for NaN. */
function checkScores(scores: object, expected: Readonly<Record<string, number | null>>): void {
  for (const [name, value] of Object.entries(expected)) {
    const got = scores[name as never] as number;
    if (value === null) expect(got, name).toBeNaN();
    else expect(got, name).toBeCloseTo(value, 11);
  }
}

describe.each(golden<{ cases: Case[] }>("lesions").cases.map((c, i) => [i, c] as const))(
  "case %i",
  (_, c) => {
    const [predicted, truth] = [mask(c.predicted, c.size), mask(c.truth, c.size)];
    const options = { classes: 2, spacing: c.spacing };

    test("components are scipy's", async () => {
      const counts = (["faces", "edges", "corners"] as const).map(
        (connectivity) => connectedComponentsSync(truth, { connectivity }).counts[0],
      );
      expect(counts).toEqual(c.components);
      const { labels } = await connectedComponents(truth, { connectivity: "edges" });
      expect(Math.max(...labels.data)).toBe(c.components[1]);
    });

    test("panoptica", async () => {
      const scores = await lesionScores(predicted, truth, { ...options, convention: "panoptica" });
      checkScores(scores[0]![0]!, c.panoptica);
    });

    test("autoPET", async () => {
      const scores = await lesionScores(predicted, truth, { ...options, convention: "autopet" });
      checkScores(scores[0]![0]!, c.autopet);
    });

    test("BraTS 2023", async () => {
      for (const { grow, leastVolume, ...expected } of c.brats ?? []) {
        const chosen = { ...options, convention: "brats-2023", grow, leastVolume } as const;
        checkScores((await lesionScores(predicted, truth, chosen))[0]![0]!, expected);
      }
    });
  },
);

const row = (...values: number[]): Labels => tensor("uint8", Uint8Array.from(values), [1, values.length, 1]);

test("a table says where lesions lie, what they share and how sure the model is", async () => {
  const probs = tensor(
    "float32",
    Float32Array.of(0.5, 0.25, 0.5, 1, 1, 0, 0.5, 0.75, 0.5, 0, 0, 1),
    [1, 2, 6, 1],
  );
  const [[table]] = (await lesionTables(row(1, 1, 0, 0, 0, 1), row(0, 1, 1, 0, 0, 0), {
    classes: 2,
    probs,
    spacing: [2, 3],
  })) as [[Awaited<ReturnType<typeof lesionTables>>[0][0]]];
  expect(table.predicted).toEqual([
    { pixels: 2, volume: 12, centroid: [1, 0], shared: 1, confidence: 0.625 },
    { pixels: 1, volume: 6, centroid: [10, 0], shared: 0, confidence: 1 },
  ]);
  expect(table.truth).toEqual([
    { pixels: 2, volume: 12, centroid: [3, 0], shared: 1, confidence: Number.NaN },
  ]);
  expect(table.pairs).toEqual([{ predicted: 0, truth: 0, shared: 1 }]);
  expect(table.bins!.total[0]).toBe(3);
  const [[scores]] = (await lesionScores(row(1, 1, 0, 0, 0, 1), row(0, 1, 1, 0, 0, 0), {
    classes: 2,
    probs,
    penalty: 20,
  })) as [[Awaited<ReturnType<typeof lesionScores>>[0][0]]];
  expect(scores).toMatchObject({
    detected: 1,
    missed: 0,
    falsePositives: 1,
    dice: 0.25,
    falsePositiveVolume: 1,
  });
  expect(scores.f1).toBeCloseTo(2 / 3, 12);
  expect(scores.hd95).toBeCloseTo((1 + 20) / 2, 12);
  expect(scores.confidence).toBeCloseTo((0.625 + 1) / 2, 12);
  // 0.5 is wrong, 0.75 right, 1 wrong.
  expect(scores.expected).toBeCloseTo((0.5 + 0.25 + 1) / 3, 12);
});

test("centroids match one to one within reach", async () => {
  const [predicted, truth] = [row(1, 0, 1, 0, 0, 0, 0, 1), row(0, 1, 0, 0, 1, 0, 0, 0)];
  const scores = async (reach: number) =>
    (await lesionScores(predicted, truth, { classes: 2, convention: "centroid", reach }))[0]![0]!;
  expect(await scores(1)).toMatchObject({ detected: 1, missed: 1, falsePositives: 2 });
  expect(await scores(3)).toMatchObject({ detected: 2, missed: 0, falsePositives: 1 });
});

test("without lesions there is nothing to score, which BraTS calls perfect", async () => {
  const none = row(0, 0, 0);
  const score = async (convention: "overlap" | "brats-2023") =>
    (await lesionScores(none, none, { classes: 2, convention }))[0]![0]!;
  expect(await score("overlap")).toMatchObject({ dice: Number.NaN, hd95: Number.NaN, f1: Number.NaN });
  expect(await score("brats-2023")).toMatchObject({ dice: 1, hd95: 0, f1: Number.NaN });
  const missed = (await lesionScores(none, row(0, 1, 1), { classes: 2 }))[0]![0]!;
  expect(missed).toMatchObject({ missed: 1, dice: 0, hd95: Infinity, falseNegativeVolume: 2 });
});

test.each([
  [{ convention: "dice" as never }, "convention: expected one of overlap, centroid, brats-2023"],
  [{ threshold: 0 }, "threshold: expected a number above 0, up to 1, got 0"],
  [{ reach: -1 }, "reach: expected a number of at least 0, got -1"],
  [{ grow: 65 }, "grow: expected an integer from 0 to 64, got 65"],
  [{ regions: [[2]] }, "regions[0]: expected an integer from 0 to 1, got 2"],
  [{ touch: 1 } as never, "options.touch: unknown option"],
])("%o is refused", async (options, message) => {
  await expect(lesionScores(row(1), row(1), { classes: 2, ...options })).rejects.toThrow(message);
});
