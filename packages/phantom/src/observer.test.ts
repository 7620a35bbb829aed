import { Random } from "@pixelcal/core";
import { describe, expect, test } from "vitest";
import { drawAnatomy } from "./anatomy.js";
import { gaussianField } from "./field.js";
import { type Grid, makeGrid } from "./grid.js";
import { classChances, decisionsOf, drawLabels } from "./observer.js";

describe("a smooth field", () => {
  test("is standard normal at every pixel, corners included, and correlated as stated", () => {
    const draws = 4000;
    const random = Random.fromSeed(1);
    const [sum, squares, beyond] = [new Float64Array(30), new Float64Array(30), new Float64Array(30)];
    let [near, far] = [0, 0];
    for (let n = 0; n < draws; n++) {
      const field = gaussianField([5, 6], [1, 2], random.split(n));
      field.forEach((value, i) => {
        sum[i]! += value;
        squares[i]! += value * value;
        beyond[i]! += Number(value > 1);
      });
      near += field[14]! * field[15]!;
      far += field[0]! * field[24]!;
    }
    for (let i = 0; i < 30; i++) {
      expect(Math.abs(sum[i]! / draws)).toBeLessThan(4.5 / Math.sqrt(draws));
      expect(Math.abs(squares[i]! / draws - 1)).toBeLessThan(4.5 * Math.sqrt(2 / draws));
      expect(Math.abs(beyond[i]! / draws - 0.158655)).toBeLessThan(4.5 * Math.sqrt(0.1335 / draws));
    }
    // Two draws are two deviations apart along the columns, two are four apart along the rows.
    expect(near / draws).toBeCloseTo(Math.exp(-1 / 16), 1);
    expect(far / draws).toBeCloseTo(Math.exp(-4), 1);
  });

  test("of deviation 0 is white noise", () => {
    const random = Random.fromSeed(2);
    const copy = Random.fromState(random.state());
    expect([...gaussianField([1, 4], [0, 0], random)]).toEqual([0, 1, 2, 3].map(() => copy.normal()));
  });
});

describe("labels have exactly the stored chances", () => {
  const draws = 1000;
  const grids: readonly [string, Grid, number][] = [
    ["slice", makeGrid([1, 20, 20], [1, 7, 7], true, 0.35), 1.5],
    ["slice near the apex", makeGrid([1, 20, 20], [1, 5, 5], true, 0.8), 1.5],
    ["stack whose first slice may lie above the valve", makeGrid([3, 16, 16], [30, 9, 9], false, 0.6), 6],
  ];
  test.each(grids)("%s", (_, grid, most) => {
    // A very unsure observer leaves many pixels undecided.
    const drawn = drawAnatomy(Random.fromSeed(5));
    const decisions = decisionsOf({ ...drawn, spread: [3, 4, 5] }, grid);
    const chances = classChances(decisions);
    const count = decisions.outer.length;
    const seen = new Float64Array(4 * count);
    for (let n = 0; n < draws; n++) {
      drawLabels(decisions, grid, Random.fromSeed(n)).forEach((label, i) => {
        seen[label * count + i]! += 1;
      });
    }
    let [open, sum, largest, impossible] = [0, 0, 0, 0];
    for (let i = 0; i < 4 * count; i++) {
      const p = chances[i]!;
      const deviation = Math.sqrt(p * (1 - p) * draws);
      if (deviation === 0) impossible += Number(seen[i] !== p * draws);
      else if (p * draws > 10 && (1 - p) * draws > 10) {
        const z = (seen[i]! - p * draws) / deviation;
        largest = Math.max(largest, Math.abs(z));
        open++;
        sum += z * z;
      }
    }
    expect(impossible).toBe(0);
    expect(largest).toBeLessThan(5);
    expect(open).toBeGreaterThan(100);
    // Neighbours err together, and whole slices with the valve: the mean square of z, 1 on average, spreads
    // widely.
    expect(sum / open).toBeGreaterThan(0.5);
    expect(sum / open).toBeLessThan(most);
  });
});
