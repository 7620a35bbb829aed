import { type CalibrationCase, type CalibrationCases, elementCount, Random, tensor } from "@pixelcal/core";
import { describe, expect, test } from "vitest";
import { selectCalibrator } from "./select-calibrator.js";

const size = [40, 36];

/**
 * A case of smooth logits by which its labels are drawn; what the model says is `distort` of them, given
 * whether a pixel is beside another predicted label.
 */
function drawn(seed: number, distort: (z: number, atBoundary: boolean) => number): CalibrationCase {
  const random = Random.fromSeed(seed);
  const pixels = elementCount(size);
  const truth = Float64Array.from({ length: pixels }, (_, i) => {
    const [y, x] = [Math.floor(i / size[1]!), i % size[1]!];
    return 4 * Math.sin(x / 6 + seed) * Math.cos(y / 7 + 2 * seed);
  });
  const labelAt = (y: number, x: number): boolean | undefined =>
    y < 0 || x < 0 || y >= size[0]! || x >= size[1]! ? undefined : truth[y * size[1]! + x]! > 0;
  const logits = new Float32Array(2 * pixels);
  const labels = new Uint8Array(pixels);
  for (let i = 0; i < pixels; i++) {
    const [y, x] = [Math.floor(i / size[1]!), i % size[1]!];
    const own = labelAt(y, x);
    const beside = [-1, 0, 1].some((dy) => [-1, 0, 1].some((dx) => (labelAt(y + dy, x + dx) ?? own) !== own));
    logits[pixels + i] = distort(truth[i]!, beside);
    labels[i] = Number(random.uniform() < 1 / (1 + Math.exp(-truth[i]!)));
  }
  return {
    logits: tensor("float32", logits, [1, 2, ...size]),
    labels: tensor("uint8", labels, [1, ...size]),
  };
}

function casesOf(distort: Parameters<typeof drawn>[1], count = 15): CalibrationCases {
  const cases = Array.from({ length: count }, (_, i) => drawn(i, distort));
  return { count, read: (index) => cases[index]! };
}
const groups = Array.from({ length: 15 }, (_, i) => `patient ${Math.floor(i / 2)}`);

describe("the choice among calibrators", () => {
  test.each<[string, Parameters<typeof drawn>[1], string]>([
    ["nothing where the logits are right", (z) => z, "none"],
    ["a temperature where all are too large", (z) => 2 * z, "temperature"],
    [
      "one by distance where those at boundaries are",
      (z, edge) => (edge ? 4 : 1) * z,
      "distance-temperature",
    ],
  ])("is %s", async (_, distort, expected) => {
    const selection = await selectCalibrator(casesOf(distort), { groups });
    expect(selection.calibrator.name).toBe(expected);
    expect(selection).toMatchObject({ folds: 5, groups: 8, cases: 15 });
    const chosen = selection.candidates.filter((each) => each.chosen);
    expect(chosen.map(({ name }) => name)).toEqual([expected]);
    for (const { difference, keepsLabels } of selection.candidates) {
      expect(difference.mean).toBeGreaterThanOrEqual(0);
      expect(difference.low).toBeLessThanOrEqual(difference.high);
      expect(keepsLabels).toBe(true);
    }
  });

  test("is among those allowed, by patients that no fold splits", async () => {
    const read: number[][] = [[]];
    const cases = casesOf((z) => 2 * z, 6);
    const watched: CalibrationCases = {
      count: 6,
      read: (index, options) => {
        read.at(-1)!.push(index);
        return cases.read(index, options);
      },
    };
    const pairs = ["a", "a", "b", "b", "c", "c"];
    const { candidates, folds } = await selectCalibrator(watched, {
      groups: pairs,
      candidates: ["temperature"],
    });
    expect(candidates.map(({ name }) => name)).toEqual(["temperature"]);
    expect(folds).toBe(3);
    // All, then of each fold the other pairs and its own once.
    expect(read[0]!.slice(0, 12)).toEqual([0, 1, 2, 3, 4, 5, 2, 3, 4, 5, 0, 1]);
    const alone = selectCalibrator(cases, { groups: new Array(6).fill("a") });
    await expect(alone).rejects.toThrow("needs two patients or more, got 1; name a method");
  });
});
