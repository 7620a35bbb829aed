import { InvalidArgumentError, Random, type Tensor, zeros } from "@pixelcal/core";
import { describe, expect, test } from "vitest";
import {
  checkSymmetries,
  compose,
  drawTransform,
  flip,
  identity,
  isIdentity,
  place,
  rotation,
  type Transform,
} from "./transforms.js";

function apply(source: Tensor, transform: Transform): Tensor {
  const leading = source.dims.length - transform.from.length;
  const dims = [
    ...source.dims.slice(0, leading),
    ...transform.from.map((axis) => source.dims[leading + axis]!),
  ];
  const target = zeros(source.type, dims);
  place(source, target, 0, transform);
  return target;
}
const range = (dims: number[]): Tensor => {
  const tensor = zeros("float32", dims);
  tensor.data.set(tensor.data.map((_, i) => i));
  return tensor;
};
const turn = (dims: number[], axes: [number, number], turns: number): number[] =>
  Array.from(apply(range(dims), rotation(axes.length === 2 ? dims.length : 0, axes, turns)).data, Number);

// Values of numpy.rot90(numpy.arange(n).reshape(dims), turns, axes).ravel().
test.each([
  [[2, 3], [0, 1], 0, [0, 1, 2, 3, 4, 5]],
  [[2, 3], [0, 1], 1, [2, 5, 1, 4, 0, 3]],
  [[2, 3], [0, 1], 2, [5, 4, 3, 2, 1, 0]],
  [[2, 3], [0, 1], 3, [3, 0, 4, 1, 5, 2]],
  [[2, 3], [1, 0], 1, [3, 0, 4, 1, 5, 2]],
  [[2, 3], [0, 1], -1, [3, 0, 4, 1, 5, 2]],
  [[2, 1, 3], [0, 2], 1, [2, 5, 1, 4, 0, 3]],
  [[2, 2, 2], [1, 2], 1, [1, 3, 0, 2, 5, 7, 4, 6]],
  [[2, 2, 2], [0, 1], 1, [2, 3, 6, 7, 0, 1, 4, 5]],
] as [number[], [number, number], number, number[]][])(
  "rot90 of %j in plane %j, %i turns",
  (dims, axes, turns, expected) => {
    expect(turn(dims, axes, turns)).toEqual(expected);
  },
);

test("flip, with leading axes kept", () => {
  expect([...apply(range([2, 2, 3]), flip(2, 1)).data]).toEqual([2, 1, 0, 5, 4, 3, 8, 7, 6, 11, 10, 9]);
  expect([...apply(range([2, 2, 2]), flip(2, 0)).data]).toEqual([2, 3, 0, 1, 6, 7, 4, 5]);
});

test("composition is one after the other, for random symmetries of a cube", () => {
  const random = Random.fromSeed(9);
  const all = {
    flips: [0, 1, 2],
    rotations: [
      [0, 1],
      [1, 2],
      [2, 0],
    ],
  } as const;
  const cube = range([2, 3, 3, 3]);
  const seen = new Set<string>();
  for (let i = 0; i < 400; i++) {
    const [a, b] = [drawTransform(all, 3, random), drawTransform(all, 3, random)];
    expect(apply(cube, compose(a, b))).toEqual(apply(apply(cube, a), b));
    seen.add(JSON.stringify(a));
  }
  expect(seen.size).toBe(48);
  expect(isIdentity(compose(flip(3, 1), flip(3, 1)))).toBe(true);
  expect(isIdentity(rotation(2, [0, 1], 1))).toBe(false);
  expect(isIdentity(rotation(2, [0, 1], 4))).toBe(true);
});

test.each([
  ["uint8", Uint8Array.of(1, 2, 255, 0)],
  ["float16", Uint16Array.of(1, 2, 0x7e01, 4)],
  ["int64", BigInt64Array.of(1n, -2n, 3n, -(2n ** 63n))],
  ["float64", Float64Array.of(1, -0, Number.NaN, 4)],
] as [Tensor["type"], Tensor["data"]][])("every bit of %s survives", (type, data) => {
  // A signalling NaN with a payload, which a copy as a number may change.
  if (data instanceof Float64Array) new BigUint64Array(data.buffer)[2] = 0x7ff0000000000123n;
  const source = { type, dims: [2, 2], data } as Tensor;
  const turned = apply(source, rotation(2, [0, 1], 1));
  const bytes = (t: Tensor): string[] => {
    const width = t.data.BYTES_PER_ELEMENT;
    const raw = Buffer.from(t.data.buffer, t.data.byteOffset, t.data.byteLength);
    return [0, 1, 2, 3].map((i) => raw.toString("hex", i * width, (i + 1) * width));
  };
  const [a, b, c, d] = bytes(source);
  expect(bytes(turned)).toEqual([b, d, a, c]);
  expect(bytes(apply(source, identity(2)))).toEqual([a, b, c, d]);
});

test("place writes at the offset and nowhere else", () => {
  const target = zeros("float32", [3, 2]);
  place({ type: "float32", dims: [2], data: Float32Array.of(1, 2) }, target, 2, flip(1, 0));
  expect([...target.data]).toEqual([0, 0, 2, 1, 0, 0]);
});

describe("drawing", () => {
  test("is fair and depends on the generator only", () => {
    const random = Random.fromSeed(1);
    const counts = new Map<string, number>();
    for (let i = 0; i < 8000; i++) {
      const key = JSON.stringify(drawTransform({ flips: [0], rotations: [[0, 1]] }, 2, random.split(i)));
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    expect(counts.size).toBe(8);
    for (const count of counts.values())
      expect(Math.abs(count - 1000)).toBeLessThan(4 * Math.sqrt(8000 * (7 / 64)));
    expect(drawTransform({}, 2, random)).toEqual(identity(2));
  });

  test.each([
    [{ flips: [2] }, /augment\.flips: expected spatial axes from 0 to 1/],
    [{ flips: [0.5] }, /augment\.flips/],
    [{ flips: true }, /augment\.flips: expected spatial axes from 0 to 1, got true/],
    [{ rotations: 1 }, /augment\.rotations: expected pairs/],
    [{ rotations: [1] }, /augment\.rotations: expected pairs/],
    [{ rotations: [[0, 0]] }, /augment\.rotations: expected pairs of different spatial axes/],
    [{ rotations: [[0, 3]] }, /augment\.rotations/],
  ] as [object, RegExp][])("%j is refused for 2 axes", (augmentation, message) => {
    expect(() => checkSymmetries(augmentation, 2)).toThrow(InvalidArgumentError);
    expect(() => checkSymmetries(augmentation, 2)).toThrow(message);
  });
});
