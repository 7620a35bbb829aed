import { expect, test } from "vitest";
import { atan2, cos, exp, log, normalCdf, sin } from "./portable-math.js";

const grid = (low: number, high: number, n = 2001): number[] =>
  Array.from({ length: n }, (_, i) => low + ((high - low) * i) / (n - 1));

test.each([
  ["exp", exp, Math.exp, grid(-700, 700)],
  ["exp near 0", exp, Math.exp, grid(-1, 1)],
  ["log", log, Math.log, grid(1e-3, 20)],
  ["log of small", log, Math.log, grid(-300, 300, 301).map((power) => 10 ** power)],
])("%s agrees with the engine's to a few roundings", (_, ours, theirs, points) => {
  for (const x of points) {
    const expected = theirs(x);
    expect(Math.abs(ours(x) - expected)).toBeLessThanOrEqual(
      4e-16 * Math.max(1, Math.abs(x)) * Math.abs(expected) + 2e-16,
    );
  }
});

test("sin, cos, atan2", () => {
  for (const x of grid(-40, 40)) {
    expect(Math.abs(sin(x) - Math.sin(x))).toBeLessThan(2e-15);
    expect(Math.abs(cos(x) - Math.cos(x))).toBeLessThan(1e-14);
  }
  for (const angle of grid(-3.14, 3.14)) {
    expect(Math.abs(atan2(3 * Math.sin(angle), 3 * Math.cos(angle)) - angle)).toBeLessThan(2e-15);
  }
  expect([atan2(0, 0), atan2(0, 1), atan2(0, -1), atan2(1, 0), atan2(-1, 0)]).toEqual([
    0,
    0,
    Math.PI,
    Math.PI / 2,
    -Math.PI / 2,
  ]);
});

test("exp beyond its range", () => {
  expect([exp(-800), exp(800), exp(Number.NaN)]).toEqual([0, Number.POSITIVE_INFINITY, Number.NaN]);
});

test("normalCdf: table values, symmetry, tails", () => {
  // Values from scipy.special.ndtr.
  const table: readonly (readonly [number, number])[] = [
    [0, 0.5],
    [0.5, 0.6914624612740131],
    [1, 0.8413447460685429],
    [-1.959963984540054, 0.025],
    [3, 0.9986501019683699],
    [-3.9999, 3.168463e-5],
    [-4, 3.167124183311992e-5],
    [-5, 2.866515718791939e-7],
    [-8, 6.22096057427178e-16],
  ];
  for (const [x, expected] of table)
    expect(Math.abs(normalCdf(x) / expected - 1)).toBeLessThan(x === -3.9999 ? 1e-6 : 1e-10);
  for (const x of grid(0, 9, 91)) expect(normalCdf(x) + normalCdf(-x)).toBeCloseTo(1, 15);
  expect([normalCdf(-9), normalCdf(9)]).toEqual([0, 1]);
});
