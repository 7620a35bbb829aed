import { describe, expect, test } from "vitest";
import { borderDistances, borderLevels, InvalidArgumentError, signedDistanceSync, tensor } from "../index.js";

const row = (...labels: number[]) => tensor("uint8", Uint8Array.from(labels), [1, labels.length]);
const levels = async (...arguments_: Parameters<typeof borderLevels>): Promise<number[]> =>
  Array.from((await borderLevels(...arguments_)).data);

describe("borderLevels", () => {
  const far = { classes: 2, normalize: "none", absent: "far" } as const;

  test.each([
    ["distances", [-2, -1, 1, 2, 3, 2, 1, -1, -2, -3]],
    ["border", [-1, 0, 1, 2, 3, 2, 1, 0, -1, -2]],
    ["scaled-border", [-1, 0, 1 / 3, 2 / 3, 1, 1, 0.5, 0, -0.5, -1]],
  ] as const)("%s of a row", async (form, expected) => {
    const found = await levels(row(0, 0, 1, 1, 1), { ...far, form });
    for (const [i, level] of found.entries()) expect(level).toBeCloseTo(expected[i]!, 6);
  });

  test("the smallest spacing moves the inside", async () => {
    const labels = tensor("int32", Int32Array.of(0, 1, 0, 1), [1, 2, 2]);
    const found = await levels(labels, { ...far, form: "border", spacing: [3, 0.5] });
    expect(found).toEqual([0, 0.5, 0, 0.5, 0.5, 0, 0.5, 0]);
  });

  test("a class without a border has 0; ignored pixels are a class of their own", async () => {
    expect(await levels(row(1, 1, 1), { ...far, form: "border" })).toEqual([0, 0, 0, 0, 0, 0]);
    const found = await levels(row(1, 1, 9, 1), { ...far, form: "distances", ignore: 9 });
    const { data } = signedDistanceSync(row(1, 1, 2, 1), { ...far, classes: 3 });
    expect(found).toEqual(Array.from(data.subarray(0, 8)));
  });

  test.each([
    [{ classes: 2 }, "form: expected distances, border or scaled-border, got undefined"],
    [{ classes: 2, form: "edge" }, "form: expected one of distances, border, scaled-border, got edge"],
    [{ classes: 2, form: "border", ignore: 1.5 }, "ignore: expected an integer"],
    [{ classes: 1, form: "border" }, "labels: expected classes 0 to 0, got 1 at pixel 1 (1 such pixels)"],
    [{ classes: 2, form: "border", spacing: [1, 1] }, "spacing: expected 1 numbers, got 2"],
  ] as const)("refuses %j", async (options, message) => {
    const failed = borderLevels(row(0, 1), options as never);
    await expect(failed).rejects.toThrow(InvalidArgumentError);
    await expect(borderLevels(row(0, 1), options as never)).rejects.toThrow(message);
  });
});

describe("borderDistances", () => {
  test("from outside to the class, from inside to another; 0 where ignored or without a border", async () => {
    const { data, dims } = await borderDistances(row(0, 0, 9, 1, 1), { classes: 3, ignore: 9 });
    expect(dims).toEqual([1, 3, 5]);
    expect(Array.from(data)).toEqual([3, 2, 0, 2, 3, 3, 2, 0, 2, 3, 0, 0, 0, 0, 0]);
  });

  test("refuses labels that are no class", async () => {
    await expect(borderDistances(row(0, 3), { classes: 2 })).rejects.toThrow(
      "labels: expected classes 0 to 1, got 3 at pixel 1",
    );
  });
});
