import { describe, expect, test } from "vitest";
import { evaluate, exampleOf, type Golden, golden } from "./evaluate.test.helper.js";
import { lossFromConfig, type NamedLoss } from "./registry.js";

const fixtures = [
  "sheet",
  "sheet-volume",
  "volume",
  "binary-volume",
  "constant",
  "pixels",
  "binary",
  "row",
  "column",
  "scattered",
  "large",
  "ties",
  "even",
];

// Values of PyTorch autograd in float64 (tools/golden/losses.py).
describe.each(fixtures)("%s", (name) => {
  const { fixture, cases } = golden(name);
  test.each(cases.map((entry) => [title(entry.loss), entry] as const))("%s", async (_, entry) => {
    const { terms, gradient } = await evaluate(lossFromConfig(entry.loss), exampleOf(fixture));
    expect(Object.keys(terms).sort()).toEqual(Object.keys(entry.terms).sort());
    for (const [term, value] of Object.entries(entry.terms)) near(terms[term]!, value, 1e-6);
    near(norm(gradient), entry.norm, 1e-6);
    near(
      gradient.reduce((sum, g, index) => sum + g * Math.sin(index + 1), 0),
      entry.dot,
      1e-6,
    );
    fixture.entries.forEach((index, i) => {
      near(gradient[index]!, entry.entries[i]!, 1e-6);
    });
  });
});

interface Row {
  readonly row: string;
  readonly fixture: string;
  readonly loss: NamedLoss;
  readonly term?: string;
  readonly value: number;
  readonly norm: number;
  readonly g: number;
}

// Printed by the authors' own code in float32.
describe("the authors' code", () => {
  const rows = golden<readonly Row[]>("sheet-rows");
  test.each(rows.map((row) => [row.row, row] as const))("%s", async (_, row) => {
    const { fixture } = golden<Golden>(row.fixture);
    const { terms, gradient } = await evaluate(lossFromConfig(row.loss), exampleOf(fixture), row.term);
    near(terms[row.term ?? "loss"]!, row.value, 1e-6);
    near(norm(gradient) / row.norm, 1, 1e-4);
    near(gradient[fixture.entries[0]!]!, row.g, 1e-6);
  });
});

function title({ name, ...options }: NamedLoss): string {
  return `${name} ${JSON.stringify(options)}`;
}

function norm(vector: Float64Array): number {
  return Math.hypot(...vector);
}

function near(actual: number, expected: number, tolerance: number): void {
  expect(Math.abs(actual - expected), `${actual} against ${expected}`).toBeLessThanOrEqual(
    tolerance * Math.max(1, Math.abs(expected)),
  );
}
