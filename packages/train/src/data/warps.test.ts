import { Random, tensor } from "@pixelcal/core";
import { expect, test } from "vitest";
import type { DatasetCase } from "./dataset-case.js";
import { caseInMemory } from "./open-case.js";
import { drawWarp, readBy, warpCase, withinWindow } from "./warps.js";

const augmentation = (rank: number) => ({
  rotation: { probability: 0.7, degrees: rank === 2 ? [180] : [30, 90, 30] },
  scaling: { probability: 0.7, range: [0.5, 1.6] as const },
  elastic: { probability: 0.5, spacing: 5, deviation: 2 },
});

test.each([[[40, 31]], [[24, 17, 29]]])(
  "a warp of a case of %j reads no pixel outside of its window",
  async (size) => {
    const random = Random.fromSeed(7);
    const pixels = size.reduce((a, b) => a * b, 1);
    const whole: DatasetCase = {
      image: tensor(
        "float32",
        Float32Array.from({ length: pixels }, () => random.normal()),
        [1, ...size],
      ),
      labels: tensor(
        "uint8",
        Uint8Array.from({ length: pixels }, () => random.integer(3)),
        size,
      ),
      spacing: size.map((_, axis) => 1 + axis / 3),
      extras: {},
    };
    let [warped, smaller] = [0, 0];
    for (let draw = 0; draw < 60; draw++) {
      const patch = size.map((n) => 3 + random.integer(Math.ceil(n / 3)));
      // Some windows reach beyond the case.
      const origin = size.map((n, axis) => random.integer(n + 4 - patch[axis]!) - 2);
      const warp = drawWarp(augmentation(size.length), { size: patch, origin }, random, whole.spacing);
      if (warp === undefined) continue;
      const window = readBy(warp, size);
      const part = await caseInMemory(whole).part(window);
      const [expected, found] = await Promise.all([
        warpCase(whole, warp),
        warpCase(part, withinWindow(warp, window)),
      ]);
      expect(found.labels).toEqual(expected.labels);
      // Places are the same but for the rounding of their offsets.
      for (const [i, value] of expected.image.data.entries())
        expect(Math.abs(found.image.data[i]! - value)).toBeLessThan(1e-6);
      warped++;
      if (part.labels.data.length < pixels / 2) smaller++;
    }
    expect(warped).toBeGreaterThan(40);
    expect(smaller).toBeGreaterThan(20);
  },
);
