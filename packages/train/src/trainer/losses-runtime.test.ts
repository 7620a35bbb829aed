import { readFileSync } from "node:fs";
import { type Labels, type Tensor, tensor } from "@pixelcal/core";
import { lossFromConfig, type NamedLoss } from "@pixelcal/losses";
import { describe, expect, test } from "vitest";
import { lossAndGradient } from "./loss-and-gradient.js";

// The goldens of @pixelcal/losses, through onnxruntime in float32.
interface Fixture {
  readonly dims: readonly number[];
  readonly logits: { amplitude: number; phase: number; coefficients: readonly number[]; whole: boolean };
  readonly labels: readonly number[];
  readonly image: readonly number[];
  readonly spacing: readonly number[];
  readonly entries: readonly number[];
}

interface Case {
  readonly loss: NamedLoss;
  readonly terms: Readonly<Record<string, number>>;
  readonly norm: number;
  readonly entries: readonly number[];
}

interface Row {
  readonly row: string;
  readonly fixture: string;
  readonly loss: NamedLoss;
  readonly term?: string;
  readonly value: number;
  readonly norm: number;
  readonly g: number;
}

const fixtures = [
  "sheet-volume",
  "volume",
  "binary-volume",
  "constant",
  "binary",
  "row",
  "column",
  "scattered",
  "large",
  "ties",
  "even",
];

describe.each(fixtures)("%s", (name) => {
  const { fixture, cases } = golden<{ fixture: Fixture; cases: readonly Case[] }>(name);
  test.each(cases.map((entry) => [JSON.stringify(entry.loss), entry] as const))("%s", async (_, entry) => {
    const { loss, terms, gradient } = await onRuntime(entry.loss, fixture);
    for (const [term, value] of Object.entries(entry.terms)) near({ ...terms, loss }[term]!, value, 2e-5);
    expect(Math.abs(Math.hypot(...gradient.data) - entry.norm)).toBeLessThanOrEqual(1e-4 * entry.norm + 1e-6);
    fixture.entries.forEach((index, i) => {
      near(gradient.data[index]!, entry.entries[i]!, 1e-6);
    });
  });
});

describe("the authors' code", () => {
  const rows = golden<readonly Row[]>("sheet-rows");
  test.each(rows.map((row) => [row.row, row] as const))("%s", async (_, row) => {
    const { fixture } = golden<{ fixture: Fixture }>(row.fixture);
    const { loss, terms, gradient } = await onRuntime(row.loss, fixture);
    near({ ...terms, loss }[row.term ?? "loss"]!, row.value, 2e-5);
    if (row.term !== undefined) return;
    near(Math.hypot(...gradient.data) / row.norm, 1, 1e-4);
    near(gradient.data[fixture.entries[0]!]!, row.g, 1e-6);
  });
});

function onRuntime(config: NamedLoss, fixture: Fixture): ReturnType<typeof lossAndGradient> {
  const { dims, spacing } = fixture;
  const { amplitude, phase, coefficients, whole } = fixture.logits;
  const pixels = dims.filter((_, axis) => axis !== 1);
  const logits = waves(dims, coefficients, (angle) => {
    const z = amplitude * Math.sin(phase + angle);
    return whole ? Math.floor(z + 0.5) : z;
  });
  const image: Tensor<"float32"> = waves(pixels, fixture.image, Math.cos);
  const options = { spacing, image: { ...image, dims: [dims[0]!, 1, ...dims.slice(2)] }, threads: 1 };
  return lossAndGradient(lossFromConfig(config), logits, labelsOf(fixture.labels, pixels), options);
}

/** Labels from value, count, value, count, ... */
function labelsOf(runs: readonly number[], dims: readonly number[]): Labels {
  const labels: number[] = [];
  for (let i = 0; i < runs.length; i += 2) labels.push(...new Array<number>(runs[i + 1]!).fill(runs[i]!));
  return tensor("uint8", Uint8Array.from(labels), dims);
}

/** Returns f(sum of coefficient * index over the axes) at every index. */
function waves(
  dims: readonly number[],
  coefficients: readonly number[],
  f: (angle: number) => number,
): Tensor<"float32"> {
  const data = new Float32Array(dims.reduce((product, size) => product * size, 1));
  for (let flat = 0; flat < data.length; flat++) {
    let [angle, rest] = [0, flat];
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      angle += coefficients[axis]! * (rest % dims[axis]!);
      rest = Math.floor(rest / dims[axis]!);
    }
    data[flat] = f(angle);
  }
  return tensor("float32", data, dims);
}

function near(actual: number, expected: number, tolerance: number): void {
  const limit = tolerance * Math.max(1, Math.abs(expected));
  expect(Math.abs(actual - expected), `${actual} against ${expected}`).toBeLessThanOrEqual(limit);
}

function golden<T>(name: string): T {
  const file = new URL(`../../../losses/test/golden/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(file, "utf8")) as T;
}
