import { describe, expect, it } from "vitest";
import { stagesOf } from "./stages.js";

describe("stagesOf", () => {
  // nnU-Net's own choice for these patches (get_pool_and_conv_props).
  it.each([
    {
      size: [40, 56, 40],
      spacing: [1, 1, 1],
      strides: ["222", "222", "222"],
      kernels: ["333", "333", "333"],
    },
    {
      size: [128, 128, 128],
      spacing: [1, 1, 1],
      strides: Array(5).fill("222"),
      kernels: Array(5).fill("333"),
    },
    {
      size: [20, 320, 256],
      spacing: [3.6, 0.625, 0.625],
      strides: ["122", "122", "222", "222", "122", "122"],
      kernels: ["133", "133", "333", "333", "333", "333"],
    },
    { size: [7, 7], spacing: [1, 1], strides: [], kernels: [] },
    // A single axis that may still be halved counts from 12 pixels on.
    { size: [8, 16], spacing: [1, 1], strides: ["22"], kernels: ["33"] },
    { size: [8, 24], spacing: [1, 1], strides: ["22", "12"], kernels: ["33", "33"] },
  ])("for $size of spacing $spacing", ({ size, spacing, strides, kernels }) => {
    const stages = stagesOf(size, spacing);
    expect(stages.strides.map((row) => row.join(""))).toEqual(strides);
    expect(stages.kernels.map((row) => row.join(""))).toEqual([...kernels, size.map(() => 3).join("")]);
  });

  it("refuses sizes and spacings that are none", () => {
    expect(() => stagesOf([])).toThrow("size: expected sizes of 1 or more");
    expect(() => stagesOf([8.5, 8])).toThrow("size: expected");
    expect(() => stagesOf([8, 8], [1])).toThrow("spacing: expected 2 positive numbers");
    expect(() => stagesOf([8, 8], [1, 0])).toThrow("spacing: expected 2 positive numbers");
  });
});
