import { Random } from "@pixelcal/core";
import { expect, test } from "vitest";
import { type Box, placedLabels, shortened, textWidth, type WantedLabel } from "./labels.js";

/** Reads the boxes of placed labels back from their markup. */
function boxes(markup: string): readonly Box[] {
  return [...markup.matchAll(/x="([\d.]+)" y="([\d.]+)"[^>]*>([^<]*)</g)].map(([, x, y, text]) => ({
    left: Number(x),
    right: Number(x) + textWidth(text!),
    top: Number(y) - 11,
    bottom: Number(y) + 3,
  }));
}

test("labels of a crowd of points never overlap, nor leave the frame", () => {
  const frame = { left: 50, right: 340, top: 0, bottom: 290 };
  const random = Random.fromSeed(3);
  for (let round = 0; round < 50; round++) {
    const wanted = Array.from({ length: 12 }, (_, i): WantedLabel => {
      const at = [50 + 290 * random.uniform(), 290 * random.uniform() ** 3] as const;
      return { at, text: `case ${"w".repeat(i)}` };
    });
    const placed = boxes(placedLabels(wanted, frame));
    expect(placed.length).toBeGreaterThan(2);
    for (const [i, a] of placed.entries()) {
      expect([a.left >= frame.left, a.right <= frame.right + 0.1]).toEqual([true, true]);
      for (const b of placed.slice(i + 1))
        expect(a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom).toBe(false);
    }
  }
});

test("a label without a free place is left out", () => {
  const frame = { left: 0, right: 40, top: 0, bottom: 20 };
  expect(placedLabels([{ at: [20, 10], text: "a long name" }], frame)).toBe("");
});

test("long names keep their start and end", () => {
  expect(shortened("case", 10)).toBe("case");
  expect(shortened("patient_0001_left_eye", 10)).toBe("patien…eye");
});
