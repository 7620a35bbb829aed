import { expect, test } from "vitest";
import { golden } from "../fixture.test.helper.js";
import type { Tensor } from "../tensor.js";
import { Calibrator } from "./calibrator.js";
import { calibratorFromJSON } from "./calibrator-from-json.js";
import { calibratorNames } from "./check-parameters.js";
import { fitCalibrator } from "./fit-calibrator.js";
import type { FitOptions } from "./fit-options.js";
import { type FixtureOptions, fixture, labelsOf } from "./fixture.test.helper.js";
import { type CalibratorName, type CalibratorParameters, labelKeepers } from "./parameters.js";

interface Golden extends FixtureOptions {
  readonly name: string;
  readonly radius: number;
  readonly affine?: readonly number[];
  readonly vector: readonly number[];
  readonly matrix: readonly number[];
  readonly dirichlet: readonly number[];
  readonly mixture: readonly number[];
  readonly entropy?: readonly number[];
  readonly oneVersusRest?: {
    readonly level: readonly number[];
    readonly platt: readonly number[];
    readonly beta: readonly number[];
    readonly isotonic: readonly number[];
    readonly histogram: readonly number[];
  };
}

const fixtures = golden<{ fixtures: Golden[] }>("calibrators").fixtures.filter(({ affine }) => affine);
const planar = fixtures[0]!;

async function fit<N extends CalibratorName>(
  name: N,
  item: Golden,
  options: FitOptions = {},
): Promise<CalibratorParameters[N]> {
  const { calibrator } = await fitCalibrator(name, fixture(item), { radius: item.radius, ...options });
  return (calibrator as Calibrator<N>).parameters;
}

function expectClose(got: readonly number[], expected: readonly number[], tolerance = 1e-6): void {
  expect(got.length).toBe(expected.length);
  for (const [i, value] of expected.entries())
    expect(Math.abs(got[i]! - value), `${i}: ${got[i]} for ${value}`).toBeLessThanOrEqual(
      tolerance * Math.max(1, Math.abs(value)),
    );
}

test.each(fixtures)("distance-affine is scipy's: $name", async (item) => {
  const { scales, shifts } = await fit("distance-affine", item, { lambda: 1e-3 });
  const cells = scales.flatMap((side, s) => side.flatMap((scale, d) => [scale, ...shifts[s]![d]!]));
  expectClose(cells, item.affine!);
});

test.each(fixtures)("vector, matrix and dirichlet are scipy's: $name", async (item) => {
  const vector = await fit("vector", item);
  // Without a penalty the flat directions are known to less.
  expectClose(
    vector.scales.flatMap((scale, c) => [scale, vector.shifts[c]!]),
    item.vector,
    1e-5,
  );
  for (const name of ["matrix", "dirichlet"] as const) {
    const { weights, shifts } = await fit(name, item, { lambda: 1e-3 });
    expectClose(
      weights.flatMap((row, c) => [...row, shifts[c]!]),
      item[name],
      1e-5,
    );
  }
});

test.each(fixtures)("the weights of ensemble-temperature are scipy's: $name", async (item) => {
  expectClose((await fit("ensemble-temperature", item)).weights, item.mixture, 1e-5);
});

test("entropy-temperature is scipy's", async () => {
  expectClose((await fit("entropy-temperature", planar, { lambda: 1e-3 })).scales, planar.entropy!);
});

test("one class against the rest: platt, beta, isotonic and histogram are scipy's", async () => {
  const { level, platt, beta, isotonic, histogram } = planar.oneVersusRest!;
  const plain = await fit("platt", planar);
  expectClose([plain.scales[0]!, plain.shifts[0]!], platt);
  const bent = await fit("beta", planar);
  expectClose([bent.a[0]!, bent.b[0]!, bent.c[0]!], beta);
  for (const [name, expected] of Object.entries({ isotonic, histogram })) {
    const { values } = await fit(name as "isotonic", planar);
    expectClose(
      level.map((at) => values[0]![at]!),
      expected,
      1e-9,
    );
  }
});

test("bbq lies between 0 and 1 and follows the labels", async () => {
  const { values } = await fit("bbq", planar);
  for (const row of values) {
    expect(Math.min(...row)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...row)).toBeLessThanOrEqual(1);
    expect(row.at(-1)!).toBeGreaterThan(row[0]!);
  }
});

test.each(calibratorNames)(
  "%s: kept labels, JSON, and no worse than before on its own cases",
  async (name) => {
    const options = { classes: 3, size: [20, 18], cases: 16, noise: 4 };
    for (const floor of [false, true]) {
      const { calibrator, nll } = await fitCalibrator(name, fixture(options), {
        radius: 3,
        lambda: 1e-4,
        floor,
      });
      const { logits } = await fixture(options).read(3, {});
      const probs = await calibrator.apply(logits);
      const before = labelsOf(logits as Tensor<"float32">);
      expect(calibrator.keepsLabels).toBe(labelKeepers.has(name));
      if (calibrator.keepsLabels) {
        expect(labelsOf(probs)).toEqual(before);
        expect(labelsOf(await calibrator.apply(logits, { output: "logits" }))).toEqual(before);
      }
      // Steps may cost more than the errors that they mend.
      if (name !== "histogram" && name !== "bbq") expect(nll.after).toBeLessThanOrEqual(nll.before + 1e-9);
      const again = calibratorFromJSON(JSON.parse(JSON.stringify(calibrator)));
      expect(await again.apply(logits)).toEqual(probs);
      for (let i = 0; i < 360; i++) {
        const sum = probs.data[i]! + probs.data[360 + i]! + probs.data[720 + i]!;
        expect(Math.abs(sum - 1)).toBeLessThan(1e-6);
      }
    }
  },
);

test("the floor has the least loss of its neighbours, in every cell", async () => {
  const cases = fixture({ classes: 2, size: [30, 30], cases: 2, noise: 9 });
  const options = { radius: 2, lambda: 1e-1 };
  const plain = await fitCalibrator("distance-temperature", cases, options);
  const { calibrator, nll } = await fitCalibrator("distance-temperature", cases, { ...options, floor: true });
  const { parameters } = calibrator as Calibrator<"distance-temperature">;
  const lossOf = async (floor: readonly (readonly number[])[]): Promise<number> => {
    let loss = 0;
    for (const index of [0, 1]) {
      const { logits, labels } = await cases.read(index, {});
      const probs = await new Calibrator("distance-temperature", 2, { ...parameters, floor }).apply(logits);
      for (let i = 0; i < 900; i++) loss -= Math.log(probs.data[Number(labels.data[i]) * 900 + i]!) / 1800;
    }
    return loss;
  };
  const floor = parameters.floor!;
  expect(Math.max(...floor.flat())).toBeGreaterThan(0.01);
  expect(nll.after).toBeLessThan(plain.nll.after);
  expect(await lossOf(floor)).toBeCloseTo(nll.after, 6);
  for (const s of [0, 1])
    for (const d of [0, 1, 2])
      for (const change of [-0.02, 0.02]) {
        const moved = floor.map((row) => [...row]);
        moved[s]![d] = Math.max(0, moved[s]![d]! + change);
        expect(await lossOf(moved)).toBeGreaterThanOrEqual(nll.after - 1e-8);
      }
});

test("image-temperature scales images, and needs 15 of them", async () => {
  const sharp = fixture({ classes: 2, size: [16, 16], cases: 20, noise: 3 });
  await expect(fitCalibrator("image-temperature", { count: 14, read: sharp.read })).rejects.toThrow(
    "cases: image-temperature needs at least 15, got 14",
  );
  const { calibrator, nll } = await fitCalibrator("image-temperature", sharp);
  const { nll: common } = await fitCalibrator("temperature", sharp);
  expect(nll.after).toBeLessThanOrEqual(common.after + 1e-6);
  const { least, most } = (calibrator as Calibrator<"image-temperature">).parameters;
  expect(least).toBeLessThan(most);
  const { logits } = await sharp.read(3, {});
  const u = await calibrator.apply(logits, { output: "logits" });
  const gap = (data: Float32Array, i: number): number => data[i]! - data[256 + i]!;
  const scale = gap(u.data, 5) / gap(logits.data as Float32Array, 5);
  expect(scale).toBeGreaterThanOrEqual(least - 1e-6);
  expect(scale).toBeLessThanOrEqual(most + 1e-6);
});

test("an unknown method is refused by name", async () => {
  await expect(fitCalibrator("tempreture" as CalibratorName, fixture(planar))).rejects.toThrow(
    "method: expected one of none, temperature",
  );
});
