import { describe, expect, test } from "vitest";
import { Random } from "../random.js";
import { type Tensor, tensor } from "../tensor.js";
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

describe("resampleImage", () => {
  test("lines are sums by the definition, a cubic within the range of its channel", async () => {
    for (const by of ["nearest", "linear", "cubic"] as const) {
      const image = noise([2, 7]);
      const { data, dims } = await resampleImage(image, { size: [16], interpolation: by });
      expect(dims).toEqual([2, 16]);
      for (const c of [0, 1]) {
        const line = [...image.data.subarray(7 * c, 7 * c + 7)];
        const [least, largest] = [Math.min(...line), Math.max(...line)];
        for (const [i, value] of slowLine(line, 16, by).entries())
          expect(data[16 * c + i]).toBeCloseTo(Math.min(largest, Math.max(least, value)), 6);
      }
    }
  });

  test("a cubic keeps a straight line", async () => {
    const ramp = tensor(
      "float32",
      Float32Array.from({ length: 12 }, (_, i) => i),
      [1, 12],
    );
    const finer = await resampleImage(ramp, { size: [24], interpolation: "cubic" });
    for (let i = 4; i < 20; i++) expect(finer.data[i]).toBeCloseTo((i + 0.5) / 2 - 0.5, 5);
  });

  test("an axis has its own interpolation, and one that keeps its size its values", async () => {
    const image = tensor("float32", Float32Array.of(0, 1, 2, 3, 4, 5), [1, 2, 3]);
    const wide = await resampleImage(image, { size: [4, 3], interpolation: ["nearest", "cubic"] });
    expect([...wide.data]).toEqual([0, 1, 2, 0, 1, 2, 3, 4, 5, 3, 4, 5]);
    const same = await resampleImage(image, { size: [2, 3] });
    expect(same.data).toEqual(image.data);
  });

  test.each([
    [{ size: [2] }, "size: expected 2 sizes from 1 to 65536"],
    [{ size: [2, 0] }, "size: expected 2 sizes from 1 to 65536"],
    [{ size: [2, 65_537] }, "size: expected 2 sizes from 1 to 65536"],
    [
      { size: [2, 2], interpolation: "spline" },
      "interpolation: expected one of nearest, linear, cubic, or 2",
    ],
    [{ size: [2, 2], interpolation: ["linear"] }, "interpolation: expected one of nearest, linear, cubic"],
    [{ size: [2, 2], order: 3 }, "options"],
  ])("refuses %o", async (options, message) => {
    await expect(resampleImage(noise([1, 3, 3]), options as never)).rejects.toThrow(message);
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
  ])("from %j to %j: the argmax of one-hot labels, resampled linearly", async (from, size) => {
    const count = from.reduce((a, b) => a * b, 1);
    const data = Uint8Array.from({ length: count }, () => random.integer(3));
    const hot = tensor("float32", new Float32Array(3 * count), [3, ...from]);
    for (let i = 0; i < count; i++) hot.data[data[i]! * count + i] = 1;
    const probs = (await resampleImage(hot, { size })).data;
    const out = await resampleLabels(tensor("uint8", data, [1, ...from]), { size });
    expect(out).toMatchObject({ type: "uint8", dims: [1, ...size] });
    for (const [i, label] of out.data.entries()) {
      const of = (c: number): number => probs[c * out.data.length + i]!;
      expect(of(label)).toBeGreaterThan(Math.max(of(0), of(1), of(2)) - 1e-6);
    }
  });

  test("negative labels of lines, the smaller one of equals", async () => {
    const labels = tensor("int32", Int32Array.of(-1, 1), [1, 2]);
    expect(Array.from((await resampleLabels(labels, { size: [3] })).data)).toEqual([-1, -1, 1]);
    const nearest = await resampleLabels(labels, { size: [3], interpolation: "nearest" });
    expect(Array.from(nearest.data)).toEqual([-1, 1, 1]);
  });

  test("refuses a cubic and other types", async () => {
    const labels = tensor("uint8", new Uint8Array(4), [1, 4]);
    await expect(resampleLabels(labels, { size: [3], interpolation: "cubic" as never })).rejects.toThrow(
      "interpolation: expected one of nearest, linear, or 1 of them",
    );
    await expect(resampleLabels(noise([1, 3]) as never, { size: [1] })).rejects.toThrow(
      "labels: expected type uint8 or int32",
    );
  });
});
