import { describe, expect, test } from "vitest";
import { mixedPixels, ringTargets, tensor } from "../index.js";

describe("ringTargets", () => {
  test("soften both sides of a border, and add up to 1 but where ignored", async () => {
    const labels = tensor("int32", Int32Array.of(0, 0, 1, 1, 9), [1, 5]);
    const { data, dims } = await ringTargets(labels, { classes: 2, inner: 0.75, outer: 0.25, ignore: 9 });
    expect(dims).toEqual([1, 2, 5]);
    expect(Array.from(data)).toEqual([1, 0.75, 0.25, 0, 0, 0, 0.25, 0.75, 1, 0]);
  });

  test("three classes that meet share what is left", async () => {
    const labels = tensor("uint8", Uint8Array.of(0, 1, 2, 2), [1, 2, 2]);
    const { data } = await ringTargets(labels, { classes: 3, inner: 0.5, outer: 0.25 });
    expect(Array.from(data)).toEqual([0.5, 0.25, 0.25, 0.25, 0.25, 0.5, 0.25, 0.25, 0.25, 0.25, 0.5, 0.5]);
  });

  test.each([
    [{ inner: 0, outer: 0 }, "inner: expected a number above 0, got 0"],
    [{ inner: 1, outer: -1 }, "outer: expected a number of 0 or more, got -1"],
    [{ inner: 1, outer: 0, classes: 0 }, "classes: expected an integer from 1"],
  ])("refuses %j", async (options, message) => {
    const labels = tensor("uint8", Uint8Array.of(0, 1), [1, 2]);
    await expect(ringTargets(labels, { classes: 2, ...options })).rejects.toThrow(message);
  });
});

test("mixedPixels are those that no class has above the limit", async () => {
  const soft = tensor("float32", Float32Array.of(1, 0.5, 0.2, 0, 0.5, 0.8), [1, 2, 3]);
  const { data, dims } = await mixedPixels(soft, { limit: 0.75 });
  expect(dims).toEqual([1, 3]);
  expect(Array.from(data)).toEqual([0, 1, 0]);
  await expect(mixedPixels(soft, {} as never)).rejects.toThrow("limit: expected a finite number");
});
