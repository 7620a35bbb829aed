import { elementCount, Random, type Tensor } from "@pixelcal/core";
import { Graph, interpret } from "@pixelcal/graph";
import { expect, test } from "vitest";
import { depthOf } from "./depth.js";

/** Counts the windows around every pixel that hold one label only, by looking at all their pixels. */
function slowDepth({ data, dims }: Tensor<"float32">, windows: readonly (readonly number[])[]): number[] {
  const [, , ...size] = dims;
  const pixels = elementCount(size);
  const placeOf = (i: number): number[] =>
    size.map((n, axis) => Math.floor(i / elementCount(size.slice(axis + 1))) % n);
  const places = Array.from({ length: pixels }, (_, i) => placeOf(i));
  const uniform = (first: number, i: number, reach: readonly number[]): boolean =>
    places.every((place, j) => {
      const inside = place.every((at, axis) => Math.abs(at - places[i]![axis]!) <= reach[axis]!);
      return !inside || data[first + j] === data[first + i];
    });
  return Array.from({ length: data.length }, (_, at) => {
    const i = at % pixels;
    return windows.filter((reach) => uniform(at - i, i, reach)).length;
  });
}

const isotropic = (rank: number, radius: number): number[][] =>
  Array.from({ length: radius }, (_, r) => new Array<number>(rank).fill(r + 1));

test.each<[string, readonly number[], readonly (readonly number[])[]]>([
  ["2-D", [3, 1, 13, 17], isotropic(2, 5)],
  ["one window", [1, 1, 5, 4], isotropic(2, 1)],
  ["windows larger than the image", [1, 1, 3, 2], isotropic(2, 6)],
  ["3-D", [2, 1, 7, 9, 5], isotropic(3, 3)],
  [
    "3-D, thick slices",
    [1, 1, 5, 9, 8],
    [
      [0, 1, 1],
      [0, 2, 2],
      [1, 3, 3],
      [1, 4, 4],
      [2, 4, 5],
    ],
  ],
  [
    "an axis that comes late, a step in which none grows",
    [1, 1, 12, 9],
    [
      [1, 0],
      [2, 0],
      [2, 0],
      [3, 1],
      [3, 1],
      [4, 2],
    ],
  ],
])("the depth of %s equals that of looking at every pixel", (_, dims, windows) => {
  const random = Random.fromSeed(3);
  for (const share of [0.02, 0.2]) {
    const data = Float32Array.from({ length: elementCount(dims) }, () =>
      random.uniform() < share ? random.integer(4) : 1,
    );
    const graph = new Graph("depth");
    graph.output("depth", depthOf(graph.input("labels", "float32", dims), windows));
    const labels = { type: "float32", dims, data } as const;
    expect([...(interpret(graph, { labels }).depth!.data as Float32Array)]).toEqual(
      slowDepth(labels, windows),
    );
  }
});
