import { elementCount, Random, type Tensor, tensor } from "@pixelcal/core";
import { describe, expect, test } from "vitest";
import { choosePostprocessing, postprocessed, postprocessingDice } from "./postprocessing.js";

/** The twin: floods each component from its first pixel on, one pixel after the other. */
function twin({ data, dims }: Tensor<"uint8">, sets: readonly (readonly number[])[]): number[] {
  const map = [...data];
  const place = (at: number): number[] =>
    dims.map((size, axis) => Math.floor(at / elementCount(dims.slice(axis + 1))) % size);
  const near = (a: number, b: number): boolean =>
    place(a).every((at, axis) => Math.abs(at - place(b)[axis]!) <= 1);
  for (const labels of sets) {
    const left = new Set(map.flatMap((label, at) => (labels.includes(label) ? [at] : [])));
    let largest: number[] = [];
    const components: number[][] = [];
    for (const first of left) {
      if (!left.delete(first)) continue;
      const component = [first];
      for (const at of component)
        for (const other of left) if (near(at, other) && left.delete(other)) component.push(other);
      components.push(component);
      if (component.length > largest.length) largest = component;
    }
    for (const component of components) if (component !== largest) for (const at of component) map[at] = 0;
  }
  return map;
}

function randomMap(seed: number, dims: readonly number[], density: number): Tensor<"uint8"> {
  const random = Random.fromSeed(seed);
  const data = Uint8Array.from({ length: elementCount(dims) }, () =>
    random.uniform() < density ? 1 + random.integer(3) : 0,
  );
  return tensor("uint8", data, dims);
}

describe("postprocessed", () => {
  test.each([
    [[9, 11], 0.3],
    [[4, 6, 5], 0.15],
    [[4, 6, 5], 0],
    [[4, 6, 5], 1],
    [[1, 1], 1],
  ])("equals the twin: %j of density %f", async (dims, density) => {
    for (const keepLargest of [[[1, 2, 3]], [[1], [3]], [[1, 2, 3], [2]], [[7]], []]) {
      const map = randomMap(keepLargest.length + 3, dims, density);
      const before = map.data.slice();
      const found = await postprocessed(map, { keepLargest });
      expect([...found.data]).toEqual(twin(map, keepLargest));
      expect(map.data).toEqual(before);
    }
  });

  test("keeps the type of maps of more than 255 labels", async () => {
    const map = tensor("uint16", Uint16Array.of(300, 0, 300, 300), [1, 4]);
    expect(await postprocessed(map, { keepLargest: [[300]] })).toEqual(
      tensor("uint16", Uint16Array.of(0, 0, 300, 300), [1, 4]),
    );
  });
});

const dice = (mask: readonly boolean[], target: readonly boolean[]): number | null => {
  const both = mask.filter((inside, i) => inside && target[i]).length;
  const sum = [...mask, ...target].filter(Boolean).length;
  return sum === 0 ? null : (2 * both) / sum;
};

test("postprocessingDice scores each part without ignored pixels, as the twin does", async () => {
  const parts = [
    { name: "all", labels: [1, 2, 3] },
    { name: "one", labels: [1] },
    { name: "none", labels: [9] },
  ];
  const dims = [5, 6, 4];
  const [map, truth] = [randomMap(1, dims, 0.2), randomMap(2, dims, 0.3)];
  truth.data.fill(255, 0, 20);
  const found = await postprocessingDice(map, truth, parts, 255);
  const counted = (values: readonly boolean[]): boolean[] => values.filter((_, i) => truth.data[i] !== 255);
  const variants = [[...map.data], twin(map, [[1, 2, 3, 9]])];
  for (const [v, variant] of variants.entries())
    for (const [p, { labels }] of parts.entries()) {
      const inside = (data: readonly number[]): boolean[] =>
        counted(data.map((label) => labels.includes(label)));
      const target = inside([...truth.data]);
      expect(found.plain[v]![p]).toBe(dice(inside(variant), target));
      const largest = twin(tensor("uint8", Uint8Array.from(variant), dims), [labels]);
      expect(found.largest[v]![p]).toBe(dice(inside(largest), target));
    }
  expect(found.plain[0]![2]).toBeNull();
  await expect(postprocessingDice(map, randomMap(1, [2, 2], 1), parts)).rejects.toThrow(
    "labels: expected shape [5,6,4], got [2,2]",
  );
});

describe("choosePostprocessing", () => {
  const parts = [
    { name: "a", labels: [1] },
    { name: "b", labels: [2] },
  ];
  const one = (plain: (number | null)[][], largest: (number | null)[][]) => ({ plain, largest });

  test.each([
    [
      "nothing where nothing raises Dice",
      one(
        [
          [0.8, 0.7],
          [0.8, 0.7],
        ],
        [
          [0.8, 0.6],
          [0.8, 0.6],
        ],
      ),
      [],
    ],
    [
      "all parts together",
      one(
        [
          [0.8, 0.7],
          [0.8, 0.75],
        ],
        [
          [0.8, 0.7],
          [0.8, 0.75],
        ],
      ),
      [[1, 2]],
    ],
    [
      "not all where one part is lowered",
      one(
        [
          [0.8, 0.7],
          [0.9, 0.69],
        ],
        [
          [0.8, 0.7],
          [0.9, 0.69],
        ],
      ),
      [],
    ],
    [
      "one part",
      one(
        [
          [0.8, 0.7],
          [0.8, 0.7],
        ],
        [
          [0.85, 0.7],
          [0.85, 0.7],
        ],
      ),
      [[1]],
    ],
    [
      "all, then one more",
      one(
        [
          [0.8, 0.7],
          [0.8, 0.75],
        ],
        [
          [0.9, 0.7],
          [0.81, 0.75],
        ],
      ),
      [[1, 2], [1]],
    ],
    [
      "absent parts are left alone",
      one(
        [
          [0.8, null],
          [0.8, null],
        ],
        [
          [0.9, null],
          [0.9, null],
        ],
      ),
      [[1]],
    ],
  ])("%s", (_, scores, keepLargest) => {
    expect(choosePostprocessing([scores], parts).keepLargest).toEqual(keepLargest);
  });

  test("by the mean over cases that have the part", () => {
    const cases = [
      one(
        [
          [0.8, null],
          [0.8, null],
        ],
        [
          [0.7, null],
          [0.7, null],
        ],
      ),
      one(
        [
          [0.5, 0.5],
          [0.5, 0.5],
        ],
        [
          [0.7, 0.6],
          [0.7, 0.6],
        ],
      ),
    ];
    const chosen = choosePostprocessing(cases, parts);
    expect(chosen.keepLargest).toEqual([[1], [2]]);
    expect(chosen.parts).toEqual([
      { name: "a", before: 0.65, after: 0.7 },
      { name: "b", before: 0.5, after: 0.6 },
    ]);
    // A single part is all parts together.
    const single = one([[0.5], [0.6]], [[0.6], [0.6]]);
    expect(choosePostprocessing([single], [parts[0]!]).keepLargest).toEqual([[1]]);
  });
});
