import { describe, expect, test } from "vitest";
import {
  type ChangeIntensityOptions,
  changeIntensity,
  tensor,
  type WarpImageOptions,
  warpImage,
  warpLabels,
} from "../index.js";

const image = tensor("float32", Float32Array.of(0, 1, 2, 3, 4, 5), [1, 2, 3]);

describe("warpImage", () => {
  test("reads the transpose, a shift by half a pixel, and the border outside", async () => {
    const turned = await warpImage(image, { size: [3, 2], matrix: [0, 1, 1, 0] });
    expect(turned.dims).toEqual([1, 3, 2]);
    expect([...turned.data]).toEqual([0, 3, 1, 4, 2, 5]);
    const moved = await warpImage(image, { size: [2, 3], offset: [0, 0.5] });
    expect([...moved.data]).toEqual([0.5, 1.5, 2, 3.5, 4.5, 5]);
    const nearest = await warpImage(image, { size: [1, 2], offset: [-9, 0.75], interpolation: "nearest" });
    expect([...nearest.data]).toEqual([1, 2]);
  });

  test("adds the displacements of a spline, which are those of its points where all are equal", async () => {
    const control = tensor(
      "float64",
      Float64Array.from({ length: 32 }, (_, i) => (i < 16 ? 1 : 0)),
      [2, 4, 4],
    );
    const moved = await warpImage(image, { size: [2, 3], control });
    for (const [i, value] of [3, 4, 5, 3, 4, 5].entries()) expect(moved.data[i]).toBeCloseTo(value, 5);
  });

  test("moves places that overflow to the first pixel", async () => {
    const warped = await warpImage(image, { size: [4, 4], matrix: [1e308, -1e308, 1e308, -1e308] });
    expect(warped.data[15]).toBe(0);
    expect(warped.data.every((value) => value === 0 || value === 5)).toBe(true);
  });

  test("refuses what does not fit", async () => {
    const refused = (options: object, message: string) =>
      expect(warpImage(image, options as WarpImageOptions)).rejects.toThrow(message);
    await refused({ size: [2] }, "size: expected 2 sizes from 1 to 65536");
    await refused({ size: [2, 0] }, "size: expected 2 sizes from 1 to 65536");
    await refused({ size: [2 ** 31, 2] }, "size: expected 2 sizes from 1 to 65536");
    await refused({ size: [2, 2], matrix: [1] }, "matrix: expected 4 finite numbers");
    await refused({ size: [2, 2], offset: [0, Number.NaN] }, "offset: expected 2 finite numbers");
    await refused({ size: [2, 2], interpolation: "cubic" }, "interpolation: expected one of nearest, linear");
    const control = tensor("float64", new Float64Array(24), [2, 3, 4]);
    await refused(
      { size: [2, 2], control },
      "control: expected [2, ...points] with 4 points an axis or more",
    );
  });
});

test("warpLabels keeps the type and takes the label of the largest share", async () => {
  const labels = tensor("int32", Int32Array.of(7, 7, -1, 7), [1, 2, 2]);
  const warped = await warpLabels(labels, { size: [2, 1], offset: [0, 0.4] });
  expect(warped).toEqual({ type: "int32", dims: [1, 2, 1], data: Int32Array.of(7, -1) });
  await expect(warpLabels(image as never, { size: [1, 1] })).rejects.toThrow(
    "labels: expected type uint8 or int32",
  );
});

describe("changeIntensity", () => {
  const two = tensor("float32", Float32Array.of(0, 1, 2, 3, 10, 10, 10, 14), [2, 2, 2]);
  test.each<[ChangeIntensityOptions, number[]]>([
    [{ change: "brightness", amounts: [2, 1] }, [0, 2, 4, 6, 10, 10, 10, 14]],
    [{ change: "contrast", amounts: [1, 0.5] }, [0, 1, 2, 3, 10.5, 10.5, 10.5, 12.5]],
    [{ change: "contrast", amounts: [2, 1] }, [0, 0.5, 2.5, 3, 10, 10, 10, 14]],
    [{ change: "gamma", amounts: [1, 3] }, [0, 1, 2, 3, 10, 10, 10, 14]],
    [{ change: "blur", amounts: [0, 0, 0, 0] }, [...two.data]],
    [{ change: "noise", amounts: [0, 0], seed: 5 }, [...two.data]],
  ])("%o", async (options, expected) => {
    const { data, dims } = await changeIntensity(two, options);
    expect(dims).toEqual([2, 2, 2]);
    for (const [i, value] of expected.entries()) expect(data[i]).toBeCloseTo(value, 5);
  });

  test.each([
    [{ change: "sharpen", amounts: [1, 1] }, "change: expected one of brightness, contrast, gamma"],
    [{ amounts: [1, 1] }, "change: expected one of brightness"],
    [{ change: "noise", amounts: [1] }, "amounts: expected 2 numbers of 0 or more"],
    [{ change: "gamma", amounts: [1, 0] }, "amounts: expected 2 numbers above 0"],
    [{ change: "noise", amounts: [1, 1], seed: -1 }, "seed: expected an integer from 0"],
    [{ change: "blur", amounts: [1, 1] }, "amounts: expected 4 numbers of 0 or more"],
  ])("refuses %o", async (options, message) => {
    await expect(changeIntensity(two, options as ChangeIntensityOptions)).rejects.toThrow(message);
  });
});
