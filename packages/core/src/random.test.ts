import { describe, expect, test } from "vitest";
import { InvalidArgumentError } from "./errors.js";
import { Random } from "./random.js";

const take = <T>(n: number, draw: () => T): T[] => Array.from({ length: n }, draw);

test("the published sequence of xoshiro128** from state 1, 2, 3, 4", () => {
  const random = Random.fromState(new Uint8Array(Uint32Array.of(1, 2, 3, 4).buffer));
  expect(take(6, () => random.bits())).toEqual([11520, 0, 5927040, 70819200, 2031721883, 1637235492]);
});

test("the sequence of a seed is fixed for ever", () => {
  const random = Random.fromSeed(42);
  expect(take(3, () => random.bits())).toMatchInlineSnapshot(`
    [
      1194771734,
      3706689040,
      91526539,
    ]
  `);
  expect(take(3, () => random.uniform())).toMatchInlineSnapshot(`
    [
      0.9717682530435058,
      0.8252161722249262,
      0.20810039981923079,
    ]
  `);
  expect(take(3, () => random.normal())).toMatchInlineSnapshot(`
    [
      0.11396577061935223,
      1.4478477890432166,
      -0.3464824644084126,
    ]
  `);
  expect([...random.permutation(8)]).toMatchInlineSnapshot(`
    [
      0,
      2,
      1,
      4,
      7,
      5,
      3,
      6,
    ]
  `);
});

test("state and back, in the middle of anything", () => {
  const random = Random.fromSeed(7);
  random.normal();
  random.uniform();
  const copy = Random.fromState(random.state());
  expect(take(5, () => copy.normal())).toEqual(take(5, () => random.normal()));
  expect(random.state().length).toBe(16);
});

describe("splits", () => {
  test("depend on seed and label, not on the order of asking, and leave the parent alone", () => {
    const parent = Random.fromSeed(1);
    const before = parent.state();
    const first = parent.split("shuffle");
    parent.split("flip").bits();
    expect(parent.state()).toEqual(before);
    expect(parent.split("shuffle").state()).toEqual(first.state());
    const states = ["", "a", "b", "ab", "ba", "aa", 0, 1, 10, "shuffle"].map((label) =>
      parent.split(label).state().join(),
    );
    expect(new Set(states).size).toBe(states.length);
    expect(Random.fromSeed(2).split("a").state()).not.toEqual(parent.split("a").state());
  });

  test("neighbouring seeds and labels are unrelated", () => {
    // Bit counts of streams whose seeds differ by one must not correlate.
    for (const make of [(i: number) => Random.fromSeed(i), (i: number) => Random.fromSeed(5).split(i)]) {
      const values = Array.from({ length: 4000 }, (_, i) => make(i).uniform() - 0.5);
      const lagged = values.slice(1).reduce((sum, value, i) => sum + value * values[i]!, 0) / 4000;
      const mean = values.reduce((sum, value) => sum + value, 0) / 4000;
      expect(Math.abs(mean)).toBeLessThan(4 * Math.sqrt(1 / 12 / 4000));
      expect(Math.abs(lagged)).toBeLessThan(4 / 12 / Math.sqrt(4000));
    }
  });
});

test("seeds: negative and beyond 32 bits differ", () => {
  const seeds = [0, 1, -1, 2 ** 32, 2 ** 32 + 1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER];
  expect(new Set(seeds.map((seed) => Random.fromSeed(seed).state().join())).size).toBe(seeds.length);
});

describe("distributions", () => {
  const n = 200_000;

  test("uniform", () => {
    const random = Random.fromSeed(3);
    const counts = new Array<number>(10).fill(0);
    for (let i = 0; i < n; i++) counts[Math.floor(random.uniform() * 10)]! += 1;
    for (const count of counts) expect(Math.abs(count - n / 10)).toBeLessThan(4 * Math.sqrt(n * 0.09));
  });

  test("integer, a size that does not divide 2^32", () => {
    const random = Random.fromSeed(4);
    const counts = new Array<number>(7).fill(0);
    for (let i = 0; i < n; i++) counts[random.integer(7)]! += 1;
    for (const count of counts) expect(Math.abs(count - n / 7)).toBeLessThan(4 * Math.sqrt((n * 6) / 49));
    expect(take(20, () => random.integer(1))).toEqual(new Array(20).fill(0));
    expect(random.integer(2 ** 32)).toBeLessThan(2 ** 32);
  });

  test("normal: moments and tails", () => {
    const random = Random.fromSeed(5);
    const values = take(n, () => random.normal());
    const moment = (k: number): number => values.reduce((sum, value) => sum + value ** k, 0) / n;
    expect(Math.abs(moment(1))).toBeLessThan(4 / Math.sqrt(n));
    expect(Math.abs(moment(2) - 1)).toBeLessThan(4 * Math.sqrt(2 / n));
    expect(Math.abs(moment(3))).toBeLessThan(4 * Math.sqrt(15 / n));
    expect(Math.abs(moment(4) - 3)).toBeLessThan(4 * Math.sqrt(96 / n));
    const beyond = values.filter((value) => Math.abs(value) > 1.959963984540054).length / n;
    expect(Math.abs(beyond - 0.05)).toBeLessThan(4 * Math.sqrt(0.0475 / n));
  });

  test("permutation: every order of three equally often", () => {
    const random = Random.fromSeed(6);
    const counts = new Map<string, number>();
    for (let i = 0; i < 60_000; i++) {
      const order = random.permutation(3).join("");
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(6);
    for (const count of counts.values())
      expect(Math.abs(count - 10_000)).toBeLessThan(4 * Math.sqrt((60_000 * 5) / 36));
    expect([...random.permutation(100)].sort((a, b) => a - b)).toEqual(
      Array.from({ length: 100 }, (_, i) => i),
    );
    expect([...random.permutation(0)]).toEqual([]);
  });
});

describe("rejected arguments", () => {
  const random = Random.fromSeed(1);
  const cases: readonly [string, () => unknown, RegExp][] = [
    ["fractional seed", () => Random.fromSeed(1.5), /seed: expected a safe integer, got 1\.5/],
    ["huge seed", () => Random.fromSeed(2 ** 60), /seed: expected a safe integer/],
    ["short state", () => Random.fromState(new Uint8Array(15)), /state: expected 16 bytes, got 15/],
    ["zero state", () => Random.fromState(new Uint8Array(16)), /state: expected 16 bytes that are not all 0/],
    ["integer 0", () => random.integer(0), /n: expected an integer from 1/],
    ["integer 2^33", () => random.integer(2 ** 33), /n: expected an integer from 1/],
    ["permutation -1", () => random.permutation(-1), /n: expected an integer from 0/],
  ];
  test.each(cases)("%s", (_, call, message) => {
    expect(call).toThrow(InvalidArgumentError);
    expect(call).toThrow(message);
  });
});
