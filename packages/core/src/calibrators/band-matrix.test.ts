import { expect, test } from "vitest";
import { Random } from "../random.js";
import { BandMatrix } from "./band-matrix.js";

/** Solves by Gauss' method without pivots, on the free unknowns. */
function eliminated(full: number[][], right: readonly number[], free: readonly boolean[]): number[] {
  const rows = full.map((row, i) => [
    ...row.map((value, j) => (free[i] && free[j] ? value : Number(i === j))),
    free[i] ? right[i]! : 0,
  ]);
  for (const [i, row] of rows.entries())
    for (const other of rows.slice(i + 1)) {
      const factor = other[i]! / row[i]!;
      for (const [j, value] of row.entries()) other[j]! -= factor * value;
    }
  const x = right.map(() => 0);
  for (let i = x.length - 1; i >= 0; i--) {
    const rest = x.reduce((sum, value, j) => sum + rows[i]![j]! * value, 0);
    x[i] = (rows[i]!.at(-1)! - rest) / rows[i]![i]!;
  }
  return x;
}

test.each([
  [1, 0],
  [6, 1],
  [12, 4],
  [9, 8],
])("%i unknowns with a band of %i are solved as by elimination", async (size, width) => {
  const random = Random.fromSeed(size);
  const matrix = new BandMatrix(size, width);
  const full = Array.from({ length: size }, () => new Array<number>(size).fill(0));
  const add = (i: number, j: number, value: number): void => {
    matrix.add(i, j, value);
    full[i]![j]! += value;
    if (i !== j) full[j]![i]! += value;
  };
  for (let i = 0; i < size; i++)
    for (let j = Math.max(0, i - width); j <= i; j++) add(i, j, i === j ? 3 + width : random.uniform());
  const right = Array.from({ length: size }, () => random.normal());
  for (const free of [right.map(() => true), right.map((_, i) => i % 3 !== 1)]) {
    const x = await matrix.solve(Float64Array.from(right), free);
    for (const [i, value] of eliminated(full, right, free).entries()) expect(x[i]).toBeCloseTo(value, 12);
  }
});

test("a matrix that is not positive is raised, and zeros are left alone", async () => {
  const flat = BandMatrix.full([1, 1, 1, 1]);
  const x = await flat.solve(Float64Array.of(2, 2));
  expect(x[0]! + x[1]!).toBeCloseTo(2, 6);
  expect(await new BandMatrix(2).solve(Float64Array.of(3, 4))).toEqual(Float64Array.of(3, 4));
});

test("a large system lets the event loop run", async () => {
  const [size, width] = [6000, 60];
  const matrix = new BandMatrix(size, width);
  for (let i = 0; i < size; i++)
    for (let j = Math.max(0, i - width); j <= i; j++) matrix.add(i, j, i === j ? 2 * width : 0.5);
  let turns = 0;
  let done = false;
  const count = (): void => {
    turns++;
    if (!done) setImmediate(count);
  };
  setImmediate(count);
  const x = await matrix.solve(new Float64Array(size).fill(1));
  done = true;
  expect(turns).toBeGreaterThan(5);
  expect(x.every((value) => value > 0)).toBe(true);
});
