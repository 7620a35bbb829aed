import { expect, test } from "vitest";
import { Random } from "../random.js";
import type { CalibrationCase } from "./calibration-cases.js";
import type { Calibrator } from "./calibrator.js";
import { casesOf, fixture } from "./fixture.test.helper.js";
import { groupFolds } from "./folds.js";
import { selectCalibrator } from "./select-calibrator.js";

/** Makes images of a disc whose labels are drawn from the softmax of the logits before `distort`. */
function drawn(count: number, distort: (z: number, r: number) => number): CalibrationCase[] {
  const random = Random.fromSeed(11);
  const side = 48;
  return Array.from({ length: count }, (_, n) => {
    const [y0, x0, radius] = [
      18 + 12 * random.uniform(),
      18 + 12 * random.uniform(),
      8 + 6 * random.uniform(),
    ];
    const logits = new Float32Array(2 * side * side);
    const labels = new Uint8Array(side * side);
    for (let i = 0; i < side * side; i++) {
      const r = radius - Math.hypot(Math.floor(i / side) - y0, (i % side) - x0);
      const z = 0.5 * r + 0.1 * random.normal();
      labels[i] = random.uniform() < 1 / (1 + Math.exp(-2 * z)) ? 1 : 0;
      logits[i] = -distort(z, r);
      logits[side * side + i] = distort(z, r);
    }
    return {
      logits: { type: "float32", dims: [1, 2, side, side], data: logits },
      labels: { type: "uint8", dims: [1, side, side], data: labels },
      group: `patient ${Math.floor(n / 2)}`,
    };
  });
}

const chosenOf = async (
  list: readonly CalibrationCase[],
): Promise<Awaited<ReturnType<typeof selectCalibrator>>> => selectCalibrator(casesOf(list), { radius: 4 });

test("auto leaves true probabilities alone, and says so", async () => {
  const selection = await chosenOf(drawn(24, (z) => z));
  expect(selection.calibrator.name).toBe("none");
  expect(selection.groups).toBe(12);
  expect(selection.folds).toBe(5);
  expect(selection.candidates.filter(({ chosen }) => chosen).map(({ name }) => name)).toEqual(["none"]);
});

test("auto finds the temperature of logits times two", async () => {
  const { calibrator, candidates } = await chosenOf(drawn(24, (z) => 2 * z));
  expect(calibrator.name).toBe("temperature");
  expect((calibrator as Calibrator<"temperature">).parameters.scale).toBeCloseTo(0.5, 1);
  const none = candidates.find(({ name }) => name === "none")!;
  expect(none.difference.low).toBeGreaterThan(0);
  expect(none.nll).toBeGreaterThan(Math.min(...candidates.map(({ nll }) => nll)));
});

test("auto finds logits that are doubled at the boundary alone", async () => {
  const { calibrator } = await chosenOf(drawn(24, (z, r) => (Math.abs(r) < 3 ? 3 * z : z)));
  expect(["distance-temperature", "distance-affine", "entropy-temperature"]).toContain(calibrator.name);
});

test("methods that change labels are candidates where that is allowed", async () => {
  const cases = fixture({ classes: 3, size: [16, 15], cases: 8, noise: 4 });
  const { candidates } = await selectCalibrator(cases, { radius: 2, allowLabelChanges: true });
  expect(candidates.map(({ name }) => name)).toContain("vector");
  expect(candidates.every(({ eligible }) => eligible)).toBe(true);
  const listed = await selectCalibrator(cases, {
    radius: 2,
    candidates: [
      { name: "vector", floor: false },
      { name: "temperature", floor: false },
    ],
  });
  expect(listed.candidates.map(({ eligible }) => eligible)).toEqual([false, true]);
  expect(listed.calibrator.name).toBe("temperature");
});

test("one group is too little to choose by; unknown options are refused", async () => {
  const single = fixture({ classes: 3, size: [16, 15], cases: 1, noise: 4 });
  const { calibrator, warnings, folds, candidates } = await selectCalibrator(single);
  expect(calibrator.name).toBe("temperature");
  expect(warnings.at(-1)).toContain("1 group of cases");
  expect([folds, candidates]).toEqual([0, []]);
  await expect(selectCalibrator(single, { fold: 3 } as never)).rejects.toThrow('did you mean "folds"?');
  await expect(selectCalibrator(single, { candidates: [] })).rejects.toThrow("candidates: expected a list");
});

test("folds never split a group", () => {
  const groups = ["a", "b", "a", "c", "b", "d"];
  const folds = groupFolds([0, 1, 2, 3, 4, 5], groups, 3);
  expect(folds.map(({ test }) => test)).toEqual([[0, 2, 5], [1, 4], [3]]);
  for (const { train, test: held } of folds) {
    expect([...train, ...held].sort()).toEqual([0, 1, 2, 3, 4, 5]);
    for (const index of held) expect(train.map((other) => groups[other])).not.toContain(groups[index]);
  }
  expect(groupFolds([0, 2], groups, 3)).toEqual([]);
});
