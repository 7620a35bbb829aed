import { createHash } from "node:crypto";
import { InvalidArgumentError, type Tensor } from "@pixelcal/core";
import { describe, expect, test } from "vitest";
import { generatePhantom, type PhantomOptions } from "./phantom.js";

const hash = ({ data }: Tensor): string =>
  createHash("sha256")
    .update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
    .digest("hex")
    .slice(0, 16);

describe("the same seed", () => {
  const small = { size: [48, 48], spacing: [4, 4] };
  const stack = { dimensions: 3, size: [4, 32, 32], spacing: [20, 6, 6] } as const;

  test("gives the same values on every machine", () => {
    const values = [small, stack].map((shape) => {
      const { image, labels, probabilities } = generatePhantom({ seed: 7, ...shape });
      return [image, labels, probabilities].map(hash);
    });
    expect(values).toMatchInlineSnapshot(`
      [
        [
          "598272a74c8130a6",
          "30c752e2bcc2517e",
          "6a7330d5638748dc",
        ],
        [
          "ee0c12d2ebe28ebd",
          "e684c037d1433492",
          "a21ae962d3921070",
        ],
      ]
    `);
  });

  test("another seed gives another case; another observer other labels of the same case", () => {
    const [a, b, c] = [
      generatePhantom({ seed: 1, ...small }),
      generatePhantom({ seed: 2, ...small }),
      generatePhantom({ seed: 1, ...small, observer: 1 }),
    ];
    expect(hash(a.image)).not.toBe(hash(b.image));
    expect([hash(a.image), hash(a.probabilities)]).toEqual([hash(c.image), hash(c.probabilities)]);
    expect(hash(a.labels)).not.toBe(hash(c.labels));
  });
});

test("defaults and shapes", () => {
  const flat = generatePhantom({ seed: 3 });
  expect([flat.image.dims, flat.labels.dims, flat.probabilities.dims, flat.spacing]).toEqual([
    [1, 128, 128],
    [128, 128],
    [4, 128, 128],
    [1.5, 1.5],
  ]);
  const stack = generatePhantom({ seed: 3, dimensions: 3, size: [3, 40, 48] });
  expect([stack.image.dims, stack.labels.dims, stack.probabilities.dims, stack.spacing]).toEqual([
    [1, 3, 40, 48],
    [3, 40, 48],
    [4, 3, 40, 48],
    [10, 1.5, 1.5],
  ]);
});

/** Counts the pixels of a class and its connected pieces (edges touch). */
function pieces(labels: Uint8Array, columns: number, wanted: number): { area: number; count: number } {
  const left = new Set<number>();
  for (const [i, label] of labels.entries()) if (label === wanted) left.add(i);
  const area = left.size;
  let count = 0;
  for (const seed of left) {
    count++;
    const stack = [seed];
    left.delete(seed);
    for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
      const row = Math.floor(at / columns);
      for (const next of [at - 1, at + 1, at - columns, at + columns]) {
        const beside = Math.abs(next - at) > 1 || Math.floor(next / columns) === row;
        if (beside && left.delete(next)) stack.push(next);
      }
    }
  }
  return { area, count };
}

describe("twelve slices", () => {
  const phantoms = Array.from({ length: 12 }, (_, seed) => generatePhantom({ seed: 1000 + seed }));

  test("chances are within [0, 1], sum to one, and are certain away from borders", () => {
    for (const { probabilities } of phantoms) {
      const count = 128 * 128;
      let [certain, wrong] = [0, 0];
      for (let i = 0; i < count; i++) {
        const p = [0, 1, 2, 3].map((c) => probabilities.data[c * count + i]!);
        wrong += Number(!p.every((value) => value >= 0 && value <= 1) || p.reduce((a, b) => a + b) !== 1);
        certain += Number(p.includes(1));
      }
      expect(wrong).toBe(0);
      expect(certain / count).toBeGreaterThan(0.75);
      expect(certain / count).toBeLessThan(0.99);
    }
  });

  test("labels look drawn: few pieces, each class where it is likely", () => {
    let stray = 0;
    for (const { labels, probabilities } of phantoms) {
      for (const wanted of [1, 2, 3]) {
        const { area, count } = pieces(labels.data, 128, wanted);
        stray += Math.max(0, count - 1);
        if (wanted > 1) expect(area).toBeGreaterThan(20);
      }
      expect(labels.data.every((label, i) => probabilities.data[label * 128 * 128 + i]! > 0)).toBe(true);
    }
    // Where the right ventricle thins out, a contour may cut off one of its corners; pixel-wise draws would
    // leave thousands.
    expect(stray).toBeLessThan(12);
  });

  test("anatomy varies", () => {
    const areas = [1, 2, 3].map((wanted) =>
      phantoms.map(({ labels }) => pieces(labels.data, 128, wanted).area),
    );
    for (const list of areas) expect(Math.max(...list)).toBeGreaterThan(2 * Math.min(...list));
    expect(areas[0]!.filter((area) => area > 100).length).toBeGreaterThan(9);
  });

  test("images have mean 0, variance 1, values on the grid, and no flat background", () => {
    for (const { image, labels } of phantoms) {
      const values = image.data;
      const mean = values.reduce((a, b) => a + b) / values.length;
      const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length;
      expect(Math.abs(mean)).toBeLessThan(1e-3);
      expect(Math.abs(variance - 1)).toBeLessThan(1e-2);
      expect(values.every((value) => Number.isInteger(value * 256))).toBe(true);
      const background = values.filter((_, i) => labels.data[i] === 0);
      const average = background.reduce((a, b) => a + b) / background.length;
      const spread = Math.sqrt(background.reduce((a, b) => a + (b - average) ** 2, 0) / background.length);
      expect(spread).toBeGreaterThan(0.3);
    }
  });

  test("blood is brighter than muscle", () => {
    for (const { image, labels } of phantoms) {
      const mean = (wanted: number): number => {
        const values = image.data.filter((_, i) => labels.data[i] === wanted);
        return values.reduce((a, b) => a + b) / values.length;
      };
      expect(mean(3)).toBeGreaterThan(mean(2) + 0.5);
    }
  });
});

test("a stack closes towards the apex", () => {
  for (const seed of [11, 12, 13]) {
    const { probabilities } = generatePhantom({
      seed,
      dimensions: 3,
      size: [10, 48, 48],
      spacing: [10, 4, 4],
    });
    const slice = 48 * 48;
    const volume = Array.from({ length: 10 }, (_, k) =>
      probabilities.data.subarray((30 + k) * slice, (31 + k) * slice).reduce((a, b) => a + b, 0),
    );
    expect(volume[2]).toBeGreaterThan(volume[5]!);
    expect(volume[5]).toBeGreaterThan(volume[8]!);
    expect(volume[9]).toBeLessThan(0.2 * volume[2]!);
  }
});

describe("rejected arguments", () => {
  test.each([
    [{ seed: 0.5 }, /seed: expected a safe integer/],
    [{ seed: 1, dimensions: 4 }, /dimensions: expected 2 or 3, got 4/],
    [{ seed: 1, size: [16] }, /size: expected 2 integers from 1 to 1024/],
    [{ seed: 1, size: [16, 0] }, /size/],
    [{ seed: 1, size: [16, 2000] }, /size/],
    [{ seed: 1, dimensions: 3, size: [16, 16] }, /size: expected 3 integers/],
    [{ seed: 1, spacing: [1, 1, 1] }, /spacing: expected 2 numbers from 0\.1 to 50/],
    [{ seed: 1, spacing: [1, Number.NaN] }, /spacing/],
    [{ seed: 1, observer: -1 }, /observer: expected an integer of 0 or more/],
  ])("%j", (options, message) => {
    const call = (): unknown => generatePhantom(options as PhantomOptions);
    expect(call).toThrow(InvalidArgumentError);
    expect(call).toThrow(message);
  });
});
