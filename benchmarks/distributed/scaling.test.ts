import { expect, test } from "vitest";
import { exchangeSeconds, line, paysUpTo, updateSeconds } from "./scaling.mjs";

test.each([1, 2, 3, 8])("an exchange of %i ranks is the sum of its messages", (ranks) => {
  const [bytes, latency, perByte, bitsPerSecond] = [10_000_000, 1e-5, 1e-9, 1e10];
  let seconds = 0;
  for (let left = bytes; left > 0; left -= 2 ** 22) {
    const size = Math.min(left, 2 ** 22);
    if (ranks > 1) seconds += size * perByte;
    // The parts of the others, then their sums.
    for (let pass = 0; pass < 2; pass++)
      for (let other = 1; other < ranks; other++) seconds += latency + ((size / ranks) * 8) / bitsPerSecond;
  }
  expect(exchangeSeconds({ bytes, ranks, latency, perByte, bitsPerSecond })).toBeCloseTo(seconds, 12);
});

test("an update waits for the rank with the most images", () => {
  const costs = { fixed: 1, perImage: 10, bytes: 0, latency: 0, perByte: 0, bitsPerSecond: 1 };
  expect(updateSeconds({ images: 9, ranks: 4, ...costs })).toBe(31);
});

test("a line through points does not begin below 0", () => {
  const points = (start: number): [number, number][] => [1, 2, 4].map((x) => [x, start + 3 * x]);
  expect(line(points(2))).toEqual([expect.closeTo(2), expect.closeTo(3)]);
  expect(line(points(-2))[0]).toBe(0);
});

test("ranks pay as long as each does half of what one does", () => {
  const rate: Record<number, number> = { 1: 1, 2: 1.9, 4: 2, 8: 3, 16: 16 };
  expect(paysUpTo([1, 2, 4, 8, 16], (ranks: number) => rate[ranks]!)).toBe(4);
});
