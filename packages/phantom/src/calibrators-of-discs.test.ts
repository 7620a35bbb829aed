// Calibrators on many small discs whose logits never leave +-4: every depth is uncertain, so that what a fit
// finds there can be told from the truth to a percent.
import {
  type CalibrationCases,
  type Calibrator,
  type CalibratorName,
  fitCalibrator,
  Random,
} from "@pixelcal/core";
import { beforeAll, expect, test } from "vitest";
import { depthOf } from "./depth.test.helper.js";

const [side, count, radius] = [160, 16, 8] as const;
const pixels = side * side;

interface Drawn {
  readonly logits: Float32Array;
  readonly labels: Uint8Array;
  readonly depth: Uint8Array;
  readonly predicted: Uint8Array;
}

/** Half a unit of log-odds a pixel of distance, and slow waves across; labels drawn pixel by pixel. */
function draw(seed: number): Drawn {
  const random = Random.fromSeed(seed);
  const between = (low: number, high: number): number => low + (high - low) * random.uniform();
  const discs = Array.from(
    { length: 40 },
    () => [between(0, side), between(0, side), between(4, 9)] as const,
  );
  const waves = Array.from(
    { length: 6 },
    () => [between(0, 0.5), between(0, 0.5), between(0, 6.28)] as const,
  );
  const logits = new Float32Array(2 * pixels);
  const [labels, predicted] = [new Uint8Array(pixels), new Uint8Array(pixels)];
  for (let i = 0; i < pixels; i++) {
    const [y, x] = [Math.floor(i / side), i % side];
    const inside = Math.max(...discs.map(([a, b, r]) => r - Math.hypot(y - a, x - b)));
    const wave = waves.reduce((sum, [a, b, c]) => sum + Math.sin(a * y + b * x + c), 0);
    const logOdds = 0.5 * Math.max(-8, Math.min(8, inside)) + wave / 6;
    logits[pixels + i] = logOdds / 2;
    logits[i] = -logOdds / 2;
    predicted[i] = Number(logOdds > 0);
    labels[i] = Number(random.uniform() < 1 / (1 + Math.exp(-logOdds)));
  }
  return { logits, labels, predicted, depth: depthOf(predicted, side, radius) };
}

let drawn: readonly Drawn[] = [];
beforeAll(() => {
  drawn = Array.from({ length: count }, (_, seed) => draw(seed));
});

function distorted(factor: (depth: number) => number): CalibrationCases {
  return {
    count,
    read: (index) => {
      const { logits, labels, depth } = drawn[index]!;
      const data = logits.map((z, at) => z * factor(depth[at % pixels]!));
      return {
        logits: { type: "float32", dims: [1, 2, side, side], data },
        labels: { type: "uint8", dims: [1, side, side], data: labels },
      };
    },
  };
}

async function fit<N extends CalibratorName>(
  name: N,
  cases: CalibrationCases,
): Promise<{ parameters: Calibrator<N>["parameters"]; nll: number }> {
  const { calibrator, nll } = await fitCalibrator(name, cases, { radius });
  return { parameters: (calibrator as Calibrator<N>).parameters, nll: nll.after };
}

/** Returns the scales of the cells of more than `least` pixels. */
function largeCells(scales: readonly (readonly number[])[], least: number): number[] {
  const counts = [0, 1].map(() => new Float64Array(radius + 1));
  for (const { depth, predicted } of drawn)
    for (let i = 0; i < pixels; i++) counts[predicted[i]!]![depth[i]!]! += 1;
  return scales.flatMap((row, s) => row.filter((_, d) => counts[s]![d]! > least));
}

test("logits times two: the temperature is 1/2 within 1 %, cells of more than 20,000 pixels within 5 %", async () => {
  const cases = distorted(() => 2);
  const { parameters } = await fit("temperature", cases);
  expect(Math.abs(parameters.scale - 0.5)).toBeLessThan(0.005);
  const large = largeCells((await fit("distance-temperature", cases)).parameters.scales, 20000);
  expect(large.length).toBe(11);
  for (const scale of large) expect(Math.abs(scale - 0.5)).toBeLessThan(0.025);
});

test("logits times two near the boundary alone: the table's NLL is the truth's within 5e-5, temperature's .005 above", async () => {
  const truth = (
    await fit(
      "none",
      distorted(() => 1),
    )
  ).nll;
  const cases = distorted((depth) => (depth < 2 ? 2 : 1));
  const table = await fit("distance-temperature", cases);
  expect(Math.abs(table.nll - truth)).toBeLessThan(5e-5);
  expect((await fit("temperature", cases)).nll - truth).toBeGreaterThan(0.005);
  for (const row of table.parameters.scales) {
    for (const scale of row.slice(0, 2)) expect(Math.abs(scale - 0.5)).toBeLessThan(0.025);
    expect(Math.abs(row[2]! - 1)).toBeLessThan(0.05);
  }
});
