import { expect, test } from "vitest";
import { golden } from "../fixture.test.helper.js";
import type { Tensor } from "../tensor.js";
import { Calibrator } from "./calibrator.js";
import { fitCalibrator } from "./fit-calibrator.js";
import { casesOf, type FixtureOptions, fixture, hashed } from "./fixture.test.helper.js";
import type { CalibratorParameters } from "./parameters.js";
import { selectCalibrator } from "./select-calibrator.js";

type Parameters = CalibratorParameters["local-temperature"];

interface Golden extends FixtureOptions {
  readonly name: string;
  readonly temperature: number;
  readonly local: {
    /** The objective where the search begins, and its least value by scipy. */
    readonly start: number;
    readonly least: number;
    readonly penalty: number;
    /** 1 / T of case 0 with the parameters .05 hashed(i, 77). */
    readonly scales: readonly number[];
  };
}

const fixtures = golden<{ fixtures: Golden[] }>("calibrators").fixtures.filter(({ local }) => local);
const tapsOf = ({ size }: FixtureOptions): number => (size.length === 3 ? 3 : 5);

/** Returns three filters with biases from one list. */
function parametersOf(flat: readonly number[], item: FixtureOptions): Parameters {
  const length = flat.length / 3;
  const each = (length - 1) / item.classes;
  const rows = [0, 1, 2].map((j) => flat.slice(j * length, (j + 1) * length));
  return {
    taps: tapsOf(item),
    dilation: 2,
    filters: rows.map((row) =>
      Array.from({ length: item.classes }, (_, c) => row.slice(c * each, (c + 1) * each)),
    ),
    biases: rows.map((row) => row.at(-1)!),
  };
}

const inputsOf = (item: FixtureOptions): number => item.classes * tapsOf(item) ** item.size.length;

/** Returns the factor of the logits of every pixel: the ratio of calibrated and centred logits. */
async function scalesOf(parameters: Parameters, logits: Tensor<"float32">): Promise<number[]> {
  const [, classes, ...size] = logits.dims as [number, number, ...number[]];
  const pixels = size.reduce((a, b) => a * b, 1);
  const u = (
    await new Calibrator("local-temperature", classes, parameters).apply(logits, { output: "logits" })
  ).data;
  return Array.from({ length: pixels }, (_, i) => {
    const gap = (values: Float32Array): number => values[i]! - values[pixels + i]!;
    return gap(u) / gap(logits.data);
  });
}

test.each(fixtures)("temperatures are numpy's: $name", async (item) => {
  const length = 3 * (inputsOf(item) + 1);
  const flat = Array.from({ length }, (_, i) => 0.05 * hashed(i, 77));
  const { logits } = await fixture(item).read(0, {});
  const scales = await scalesOf(parametersOf(flat, item), logits as Tensor<"float32">);
  for (const [i, expected] of item.local.scales.entries())
    expect(Math.abs(scales[i]! - expected), `${i}: ${scales[i]} for ${expected}`).toBeLessThan(1e-4);
});

test.each(fixtures)("the fit reaches scipy's minimum: $name", async (item) => {
  const { penalty: lambda, start, least } = item.local;
  const { calibrator, nll } = await fitCalibrator("local-temperature", fixture(item), { lambda });
  const { filters, biases } = calibrator.parameters as Parameters;
  const each = inputsOf(item) / item.classes;
  let squares = 0;
  for (const [j, filter] of filters.entries()) {
    for (const [c, taps] of filter.entries())
      for (const tap of taps) squares += (tap - (j === 2 && c === 0 ? item.temperature / each : 0)) ** 2;
    squares += (biases[j]! - (j === 2 ? 0 : 1 / item.temperature - 1)) ** 2;
  }
  const reached = nll.after + (lambda / 2) * squares;
  expect(start - least).toBeGreaterThan(0.002);
  expect(Math.abs(reached - least)).toBeLessThan(2e-6);
});

test("auto tries it last, on the pixels that the others see", async () => {
  const options = { classes: 2, size: [24, 22], cases: 8, noise: 4 };
  const { candidates } = await selectCalibrator(fixture(options), { radius: 3 });
  expect(candidates.at(-1)!.name).toBe("local-temperature");
  const listed = { radius: 3, candidates: [{ name: "local-temperature", floor: false }] as const };
  const whole = await selectCalibrator(fixture(options), listed);
  expect(whole.candidates[0]!.nll).toBe(candidates.at(-1)!.nll);
  expect(whole.calibrator.name).toBe("local-temperature");
});

test("a sample is nearly as good, and the loss is that of all pixels", async () => {
  const options = { classes: 2, size: [60, 50], cases: 12, noise: 4 };
  const cases = fixture(options);
  const all = (await fitCalibrator("local-temperature", cases)).nll.after;
  // The first leaves a sample of the neighbourhoods, the second also one of the logits.
  for (const [keptLogits, most] of [
    [1200000, 1e-3],
    [60000, 0.1],
  ] as const) {
    const { calibrator, nll } = await fitCalibrator("local-temperature", cases, { keptLogits });
    let loss = 0;
    for (let index = 0; index < cases.count; index++) {
      const { logits, labels } = await cases.read(index, {});
      const { data } = await calibrator.apply(logits);
      for (let i = 0; i < 3000; i++) loss -= Math.log(data[Number(labels.data[i]) * 3000 + i]!);
    }
    expect(nll.after).toBeCloseTo(loss / 36000, 5);
    expect(Math.abs(nll.after - all)).toBeLessThan(most * all);
  }
});

test("pixels that are ignored count in nothing, but are seen", async () => {
  const options = { classes: 2, size: [60, 50], cases: 12, noise: 4 };
  const { logits, labels } = await fixture(options).read(0, {});
  const masked = (keep: (i: number) => boolean): typeof labels => ({
    type: "uint8",
    dims: labels.dims,
    data: Uint8Array.from({ length: 3000 }, (_, i) => (keep(i) ? Number(labels.data[i]) : 9)),
  });
  const hidden = masked((i) => i % 3 !== 0);
  const half = await fitCalibrator("local-temperature", casesOf([{ logits, labels: hidden }]), { ignore: 9 });
  expect(half.pixels).toBe(2000);
  const nothing = masked(() => false);
  const two = casesOf([
    { logits, labels: nothing },
    { logits, labels },
  ]);
  const one = casesOf([{ logits, labels }]);
  const parameters = async (cases: typeof one): Promise<object> =>
    (await fitCalibrator("local-temperature", cases, { ignore: 9 })).calibrator.parameters;
  expect(await parameters(two)).toEqual(await parameters(one));
});

test("filters of a plane are refused by volumes, and damaged ones by name", async () => {
  const item = fixtures[0]!;
  const flat = Array.from({ length: 3 * (inputsOf(item) + 1) }, () => 0);
  const parameters = parametersOf(flat, item);
  const calibrator = new Calibrator("local-temperature", item.classes, parameters);
  const volume: Tensor<"float32"> = { type: "float32", dims: [1, 3, 2, 2, 2], data: new Float32Array(24) };
  await expect(calibrator.apply(volume)).rejects.toThrow("spatial axes that the filters have, got 3");
  for (const [change, message] of [
    [{ taps: 4 }, "parameters.taps: expected an odd number, got 4"],
    [{ taps: 3 }, "parameters.filters: expected 3, 9 or 27 taps a class, got 25"],
    [{ biases: [0, 0] }, "parameters.biases: expected 3 values, got 2"],
    [{ dilation: 0 }, "parameters.dilation: expected an integer from 1 to 1024, got 0"],
  ] as const)
    expect(() => new Calibrator("local-temperature", 3, { ...parameters, ...change })).toThrow(message);
});
