import { expect, test } from "vitest";
import { Graph, interpret, lower } from "../index.js";
import { floats, numbers } from "../testing/index.js";
import { outside, runsOf, takeSlices } from "./slices.js";

test.each([
  [1, 100, [[0, 1]]],
  [40, 1000, [[0, 40]]],
  [
    40,
    2 ** 17,
    [
      [0, 13],
      [13, 27],
      [27, 40],
    ],
  ],
  [
    3,
    2 ** 30,
    [
      [0, 1],
      [1, 2],
      [2, 3],
    ],
  ],
])("%i slices of %i numbers", (count, size, expected) => {
  expect(runsOf(count, size).map(({ from, end }) => [from, end])).toEqual(expected);
});

test("many large slices make at most 16 runs, which are all slices once", () => {
  const runs = runsOf(100, 2 ** 24);
  expect(runs).toHaveLength(16);
  expect(runs.flatMap(({ from, end }) => Array.from({ length: end - from }, (_, i) => from + i))).toEqual(
    Array.from({ length: 100 }, (_, slice) => slice),
  );
});

test.each([
  [
    [0, 1, 2],
    [1, 2, 3, 4, 5, 6],
  ],
  [
    [2, 2, 0],
    [5, 6, 5, 6, 1, 2],
  ],
  [
    [outside, 1, outside],
    [0, 0, 3, 4, 0, 0],
  ],
  [
    [1, 2, outside],
    [3, 4, 5, 6, 0, 0],
  ],
  [
    [outside, outside],
    [0, 0, 0, 0],
  ],
])("takes slices %j", (places, expected) => {
  const graph = new Graph();
  const x = graph.input("x", "float32", [3, 2]);
  graph.output("y", takeSlices(x, places, 0));
  expect(numbers(interpret(lower(graph), { x: floats([1, 2, 3, 4, 5, 6], [3, 2]) }).y!)).toEqual(expected);
});
