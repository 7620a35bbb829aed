import { Random, type Tensor, tensor } from "@pixelcal/core";
import { describe, expect, test } from "vitest";
import { type Interpolation, resampleImage, resampleLabels } from "./resample.js";

/** The weight of the pixel at a distance, by the definition of each interpolation. */
function kernel(x: number, interpolation: Interpolation): number {
  const d = Math.abs(x);
  if (interpolation === "linear") return Math.max(0, 1 - d);
  if (d < 1) return 1.5 * d ** 3 - 2.5 * d ** 2 + 1;
  return d < 2 ? -0.5 * d ** 3 + 2.5 * d ** 2 - 4 * d + 2 : 0;
}

/** Sums over every pixel of a line that is continued by its ends. */
function slowLine(line: readonly number[], to: number, interpolation: Interpolation): number[] {
  return Array.from({ length: to }, (_, i) => {
    const at = ((i + 0.5) * line.length) / to - 0.5;
    if (interpolation === "nearest") return line[Math.min(line.length - 1, Math.floor(at + 0.5))]!;
    let sum = 0;
    for (let p = -3; p < line.length + 3; p++)
      sum += kernel(at - p, interpolation) * line[Math.min(line.length - 1, Math.max(0, p))]!;
    return sum;
  });
}

const random = Random.fromSeed(3);
const noise = (dims: readonly number[]): Tensor<"float32"> => {
  const length = dims.reduce((a, b) => a * b, 1);
  return tensor(
    "float32",
    Float32Array.from({ length }, () => random.uniform()),
    dims,
  );
};

/** Visits the lines of an axis of [z, y, x] and resamples them. */
function slow(
  { data, dims }: Tensor<"float32">,
  axis: number,
  to: number,
  by: Interpolation,
): Tensor<"float32"> {
  const size = dims.with(axis, to);
  const out = new Float32Array(size.reduce((a, b) => a * b, 1));
  const offset = (of: readonly number[], at: readonly number[]): number =>
    at.reduce((sum, i, k) => sum * of[k]! + i, 0);
  const [n, m] = [axis === 1 ? 2 : 1, axis === 3 ? 2 : 3];
  for (let c = 0; c < dims[0]!; c++)
    for (let p = 0; p < dims[n]!; p++)
      for (let q = 0; q < dims[m]!; q++) {
        const place = (i: number): number[] => [c, 0, 0, 0].with(n, p).with(m, q).with(axis, i);
        const line = Array.from({ length: dims[axis]! }, (_, i) => data[offset(dims, place(i))]!);
        for (const [i, value] of slowLine(line, to, by).entries()) out[offset(size, place(i))] = value;
      }
  return tensor("float32", out, size);
}

describe("resampleImage", () => {
  test.each<[number[], Interpolation[]]>([
    [
      [6, 3, 9],
      ["linear", "linear", "linear"],
    ],
    [
      [4, 8, 5],
      ["nearest", "linear", "linear"],
    ],
    [
      [2, 10, 3],
      ["linear", "nearest", "linear"],
    ],
    [
      [1, 1, 1],
      ["linear", "linear", "linear"],
    ],
  ])("to %j by %j, axis by axis", async (size, by) => {
    const image = noise([2, 4, 5, 6]);
    let expected = image;
    for (const axis of [0, 1, 2]) expected = slow(expected, axis + 1, size[axis]!, by[axis]!);
    const { data, dims } = await resampleImage(image, size, by);
    expect(dims).toEqual([2, ...size]);
    for (const [i, value] of data.entries()) expect(value).toBeCloseTo(expected.data[i]!, 5);
  });

  test("a cubic is Keys', within the range of the channel; a line stays a line", async () => {
    const image = noise([1, 1, 1, 7]);
    const { data } = await resampleImage(image, [1, 1, 16], ["cubic", "cubic", "cubic"]);
    const [least, largest] = [Math.min(...image.data), Math.max(...image.data)];
    for (const [i, value] of slowLine([...image.data], 16, "cubic").entries())
      expect(data[i]).toBeCloseTo(Math.min(largest, Math.max(least, value)), 6);
    const ramp = tensor(
      "float32",
      Float32Array.from({ length: 12 }, (_, i) => i),
      [1, 12],
    );
    const finer = await resampleImage(ramp, [24], ["cubic"]);
    for (let i = 4; i < 20; i++) expect(finer.data[i]).toBeCloseTo((i + 0.5) / 2 - 0.5, 5);
  });

  test("the same size is the same image", async () => {
    const image = noise([1, 3, 4]);
    expect(await resampleImage(image, [3, 4], ["cubic", "cubic"])).toBe(image);
  });
});

describe("resampleLabels", () => {
  test.each([
    [
      [3, 4, 5],
      [7, 3, 9],
    ],
    [
      [1, 6, 6],
      [1, 11, 4],
    ],
  ])("from %j to %j: the argmax of one-hot labels, resampled linearly", async (from, to) => {
    const count = from.reduce((a, b) => a * b, 1);
    const data = Uint8Array.from({ length: count }, () => random.integer(3));
    const linear = to.map((): Interpolation => "linear");
    const hot = tensor("float32", new Float32Array(3 * count), [3, ...from]);
    for (let i = 0; i < count; i++) hot.data[data[i]! * count + i] = 1;
    const probs = (await resampleImage(hot, to, linear)).data;
    const out = await resampleLabels(tensor("uint8", data, from), to, linear);
    expect(out).toMatchObject({ type: "uint8", dims: to });
    for (const [i, label] of out.data.entries()) {
      const of = (c: number): number => probs[c * out.data.length + i]!;
      expect(of(label)).toBeGreaterThan(Math.max(of(0), of(1), of(2)) - 1e-6);
    }
  });

  test("negative labels of lines, the smaller one of equals", async () => {
    const labels = tensor("int32", Int32Array.of(-1, 1), [2]);
    expect(Array.from((await resampleLabels(labels, [3], ["linear"])).data)).toEqual([-1, -1, 1]);
    expect(Array.from((await resampleLabels(labels, [3], ["nearest"])).data)).toEqual([-1, 1, 1]);
  });
});
