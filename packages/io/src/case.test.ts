import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DataType, Labels, Tensor } from "@pixelcal/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FormatError, readCase, readNpz, readPrediction, writeNpz, writePrediction } from "./index.js";

const image: Tensor<"float32"> = { type: "float32", dims: [1, 1, 2], data: Float32Array.of(1, 2) };
const label: Tensor<"int64"> = { type: "int64", dims: [1, 2], data: BigInt64Array.of(0n, 1n) };
const probs: Tensor<"float32"> = {
  type: "float32",
  dims: [2, 1, 2],
  data: Float32Array.of(1, 0.25, 0, 0.75),
};
const spacing: Tensor = { type: "float32", dims: [2], data: Float32Array.of(1.5, 1.5) };

let folder: string;
let path: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "case-"));
  path = join(folder, "a.npz");
});
afterAll(() => rm(folder, { recursive: true }));

describe("readCase", () => {
  test("image, labels, spacing and what else was asked for", async () => {
    await writeNpz(path, { image, label, spacing, fov: label, other: image });
    const { labels, ...rest } = await readCase(path, { extras: ["fov"] });
    expect(rest).toEqual({ image, spacing: [1.5, 1.5], extras: { fov: label } });
    expect(labels).toEqual(label);
    await writeNpz(path, { image, label });
    expect(await readCase(path)).toEqual({ image, labels: label, extras: {} });
  });

  const images: readonly Tensor[] = [
    { type: "float64", dims: [1, 1, 2], data: Float64Array.of(1, 2) },
    { type: "float16", dims: [1, 1, 2], data: Uint16Array.of(0x3c00, 0x4000) },
    { type: "uint8", dims: [1, 1, 2], data: Uint8Array.of(1, 2) },
    { type: "int16", dims: [1, 1, 2], data: Int16Array.of(1, 2) },
    { type: "int64", dims: [1, 1, 2], data: BigInt64Array.of(1n, 2n) },
  ];
  test.each(images)("image of $type", async (stored) => {
    await writeNpz(path, { image: stored, label });
    expect((await readCase(path)).image).toEqual(image);
  });

  const labels: readonly [Tensor, DataType][] = [
    [{ type: "uint8", dims: [1, 2], data: Uint8Array.of(0, 1) }, "uint8"],
    [{ type: "bool", dims: [1, 2], data: Uint8Array.of(0, 1) }, "uint8"],
    [{ type: "int8", dims: [1, 2], data: Int8Array.of(0, 1) }, "int32"],
    [{ type: "int16", dims: [1, 2], data: Int16Array.of(0, 1) }, "int32"],
    [{ type: "uint16", dims: [1, 2], data: Uint16Array.of(0, 1) }, "int32"],
    [{ type: "int32", dims: [1, 2], data: Int32Array.of(0, 1) }, "int32"],
    [{ type: "uint32", dims: [1, 2], data: Uint32Array.of(0, 1) }, "int64"],
    [{ type: "uint64", dims: [1, 2], data: BigUint64Array.of(0n, 1n) }, "int64"],
  ];
  test.each(labels)("labels of $type", async (stored, type) => {
    await writeNpz(path, { image, label: stored });
    const read = (await readCase(path)).labels;
    expect(read.type).toBe(type);
    expect(Array.from(read.data, Number)).toEqual([0, 1]);
  });

  const wrong: readonly [string, Record<string, Tensor>, RegExp][] = [
    ["no image", { label }, /a\.npz: image: no such array/],
    ["no label", { image }, /a\.npz: label: no such array/],
    ["float labels", { image, label: { ...image, dims: [1, 2] } }, /label: expected integers, got float32/],
    ["no channels", { image: { ...image, dims: [1, 2] }, label }, /label: expected shape \[2\]/],
    ["rank 1", { image: { ...image, dims: [2] }, label }, /image: expected \[C, \.\.\.spatial\]/],
    [
      "transposed",
      { image, label: { ...label, dims: [2, 1] } },
      /label: expected shape \[1,2\] to match image/,
    ],
    [
      "empty",
      {
        image: { type: "uint8", dims: [1, 0, 2], data: new Uint8Array(0) },
        label: { type: "uint8", dims: [0, 2], data: new Uint8Array(0) },
      },
      /image: is empty/,
    ],
    [
      "spacing count",
      { image, label, spacing: { ...spacing, dims: [1], data: Float32Array.of(1) } },
      /spacing: expected 2 positive/,
    ],
    [
      "spacing zero",
      { image, label, spacing: { ...spacing, data: Float32Array.of(0, 1) } },
      /spacing: expected 2 positive/,
    ],
    [
      "spacing NaN",
      { image, label, spacing: { ...spacing, data: Float32Array.of(Number.NaN, 1) } },
      /spacing/,
    ],
  ];
  test.each(wrong)("%s", async (_, arrays, message) => {
    await writeNpz(path, arrays);
    await expect(readCase(path)).rejects.toThrow(FormatError);
    await expect(readCase(path)).rejects.toThrow(message);
  });

  test("an extra that is missing", async () => {
    await writeNpz(path, { image, label });
    await expect(readCase(path, { extras: ["truth"] })).rejects.toThrow(/truth: no such array/);
  });
});

describe("predictions", () => {
  test("round trip, stored as the authors' repository does", async () => {
    const labels: Labels = { type: "uint8", dims: [1, 2], data: Uint8Array.of(0, 1) };
    await writePrediction(path, { probs, labels });
    expect(await readNpz(path)).toEqual({ probs, label });
    expect(await readPrediction(path)).toEqual({ probs, labels });
  });

  test("a known spacing is kept", async () => {
    await writePrediction(path, { probs, labels: label, spacing: [2.25, 0.85] });
    const labels: Labels = { type: "uint8", dims: [1, 2], data: Uint8Array.of(0, 1) };
    expect(await readPrediction(path)).toEqual({ probs, labels, spacing: [2.25, 0.85] });
    await writeNpz(path, { probs, label, spacing: { ...spacing, data: Float32Array.of(0, 1) } });
    await expect(readPrediction(path)).rejects.toThrow(/spacing: expected 2 positive sizes/);
  });

  const change = (value: number): Tensor => ({ ...probs, data: Float32Array.of(value, 0.25, 0, 0.75) });
  const far = (value: bigint): Tensor => ({ ...label, data: BigInt64Array.of(0n, value) });
  const wrong: readonly [string, Record<string, Tensor>, RegExp][] = [
    [
      "NaN",
      { probs: change(Number.NaN), label },
      /a\.npz: probs: expected values within \[0, 1\], got NaN at offset 0/,
    ],
    ["above 1", { probs: change(1.001), label }, /within \[0, 1\], got 1\.00/],
    ["below 0", { probs: change(-0.001), label }, /within \[0, 1\], got -0\.00/],
    ["logits", { probs: change(7), label }, /within \[0, 1\]/],
    ["label = C", { probs, label: far(2n) }, /label: expected classes 0 to 1, got 2 at pixel 1/],
    ["negative label", { probs, label: far(-1n) }, /label: expected classes 0 to 1, got -1/],
    ["no probs", { label }, /probs: no such array in the file, which holds label$/],
    [
      "nnU-Net's arrays",
      { probabilities: probs, softmax: probs },
      /probs: no such array in the file, which holds probabilities, softmax$/,
    ],
    ["no label", { probs }, /label: no such array/],
    ["shapes differ", { probs, label: { ...label, dims: [2] } }, /label: expected shape/],
  ];
  test.each(wrong)("%s", async (_, arrays, message) => {
    await writeNpz(path, arrays);
    await expect(readPrediction(path)).rejects.toThrow(FormatError);
    await expect(readPrediction(path)).rejects.toThrow(message);
  });

  test("a little rounding above 1, and the ignore label, pass", async () => {
    await writeNpz(path, { probs: change(1.000001), label: far(255n) });
    const { labels } = await readPrediction(path, { ignore: 255 });
    expect(labels).toEqual({ type: "uint8", dims: [1, 2], data: Uint8Array.of(0, 255) });
  });

  test("shapes are checked before anything is written", async () => {
    const target = join(folder, "never.npz");
    const labels: Labels = { ...label, dims: [2] };
    await expect(writePrediction(target, { probs, labels })).rejects.toThrow(/label: expected shape/);
    await expect(readPrediction(target)).rejects.toThrow(/never\.npz: no such file/);
  });
});
