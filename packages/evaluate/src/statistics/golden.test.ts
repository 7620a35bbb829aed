import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { holm } from "./holm.js";
import { ascending, bcaInterval, percentileInterval } from "./interval.js";
import { isotonic } from "./isotonic.js";
import { normalQuantile, studentQuantile } from "./quantile.js";
import { signedRankTest } from "./wilcoxon.js";

interface Golden {
  readonly wilcoxon: readonly { name: string; differences: readonly number[]; p: number }[];
  readonly bootstrap: readonly (Readonly<Record<string, readonly number[]>> & {
    readonly name: string;
    readonly observed: number;
  })[];
  readonly holm: readonly { p: readonly number[]; adjusted: readonly number[] }[];
  readonly normal: readonly { share: number; quantile: number }[];
  readonly student: readonly { share: number; freedom: number; quantile: number }[];
  readonly isotonic: Readonly<Record<"values" | "weights" | "fitted", readonly number[]>>;
}

// Made by tools/golden/statistics.py with scipy and statsmodels.
const golden: Golden = JSON.parse(
  readFileSync(new URL("../../test/golden/statistics.json", import.meta.url), "utf8"),
);

const close = (found: number, expected: number, tolerance: number): void =>
  expect(Math.abs(found - expected), `${found} ${expected}`).toBeLessThanOrEqual(
    tolerance * Math.abs(expected),
  );

test.each(golden.wilcoxon)("scipy's signed-rank test: $name", ({ differences, p }) => {
  close(signedRankTest(differences).p, p, 1e-12);
});

describe.each(golden.bootstrap)("scipy's bootstrap: $name", ({ observed, ...entry }) => {
  const [drawn, without] = [entry.drawn!, entry.without!].map((values) => Float64Array.from(values));
  test.each([0.9, 0.95])("level %d", (level) => {
    for (const [name, { low, high }] of [
      ["percentile", percentileInterval(ascending(drawn!), level)],
      ["BCa", bcaInterval(ascending(drawn!), observed, without!, level)],
    ] as const) {
      close(low, entry[`${name} ${level}`]![0]!, 1e-12);
      close(high, entry[`${name} ${level}`]![1]!, 1e-12);
    }
  });
});

test.each(golden.holm)("statsmodels' Holm: $p", ({ p, adjusted }) => {
  for (const [i, value] of holm(p).entries()) close(value, adjusted[i]!, 1e-14);
});

test.each(golden.normal)("scipy's normal quantile at $share", ({ share, quantile }) => {
  close(normalQuantile(share), quantile, 2e-14);
});

test.each(golden.student)("scipy's Student quantile at $share, $freedom degrees", (student) => {
  close(studentQuantile(student.share, student.freedom), student.quantile, 2e-4);
});

test("scipy's isotonic regression", () => {
  const { values, weights, fitted } = golden.isotonic;
  for (const [i, value] of isotonic(values, weights).entries()) close(value, fitted[i]!, 1e-13);
});
