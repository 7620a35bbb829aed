import { expect, test } from "vitest";
import { labelTensor } from "./label-tensor.js";
import type { Volume } from "./volume.js";

const volume = (fields: Partial<Volume>): Volume => ({
  format: "NIfTI-1",
  type: "uint8",
  data: Uint8Array.of(0, 1, 2, 3, 4, 5),
  shape: [3, 2, 1],
  spacing: [1, 1, 1],
  origin: [0, 0, 0],
  direction: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  units: "mm",
  notes: [],
  ...fields,
});

test("axes are reversed, values are not copied", async () => {
  const stored = volume({});
  const { dims, data, type } = await labelTensor("a.nii", stored);
  expect({ dims, type }).toEqual({ dims: [1, 2, 3], type: "uint8" });
  expect(data).toBe(stored.data);
});

test("whole floating-point labels, as MONAI writes them, become int32", async () => {
  const data = Float32Array.of(0, 1, 2, 3, 4, -1);
  expect(await labelTensor("a.nii", volume({ type: "float32", data }))).toMatchObject({
    type: "int32",
    data: Int32Array.of(0, 1, 2, 3, 4, -1),
  });
});

test.each([
  [
    "fractions",
    { type: "float32", data: Float32Array.of(0, 0.5, 0, 0, 0, 0) },
    /whole numbers, got 0\.5 at voxel 1/,
  ],
  ["NaN", { type: "float64", data: Float64Array.of(0, 0, Number.NaN, 0, 0, 0) }, /got NaN at voxel 2/],
  ["beyond int32", { type: "float64", data: Float64Array.of(0, 0, 3e9, 0, 0, 0) }, /got 3000000000/],
  ["channels", { channels: 2, data: new Uint8Array(12) }, /expected one value per voxel, got 2 channels/],
  ["scaling", { scaled: { slope: 2, inter: 0 } }, /are scaled by 2 and 0/],
  ["float16", { type: "float16", data: new Uint16Array(6) }, /expected integers, got float16/],
] satisfies [string, Partial<Volume>, RegExp][])("%s are refused", async (_, fields, message) => {
  await expect(labelTensor("a.nii", volume(fields))).rejects.toThrow(message);
});
