import { describe, expect, test } from "vitest";
import { constraintSums, tensor } from "../index.js";

const logits = tensor("float32", Float32Array.of(4, 0, 1, 2, 2, 3), [1, 2, 3]);
const labels = tensor("int32", Int32Array.of(0, 9, 1), [1, 3]);

describe("constraintSums", () => {
  test("the distances to the largest logit", async () => {
    const options = { margin: 1, ignore: 9, multipliers: [0, 1], parameters: [1, 2] };
    // h of the counted pixels: class 0 has -1 and 1, class 1 has 1 and -1.
    expect(await constraintSums(logits, labels, options)).toEqual({
      pushed: [1e-6 + 1, 3 + 1e-6],
      constraints: [0, 0],
      seen: [2, 2],
      count: 2,
    });
  });

  test("the distances to targets, near a boundary and elsewhere", async () => {
    const targets = tensor("float32", Float32Array.of(1, 1, 0, 0, 0, 1), [1, 2, 3]);
    const near = tensor("float32", Float32Array.of(1, 0, 0), [1, 3]);
    const lists = { multipliers: [0, 0, 0, 0], parameters: [1, 1, 1, 1] };
    const sums = await constraintSums(logits, labels, { margin: 5, ignore: 9, targets, near, ...lists });
    expect(sums).toEqual({ pushed: [3, 2, 1, 2], constraints: [3, 2, 1, 2], seen: [1, 1, 1, 1], count: 2 });
    await expect(constraintSums(logits, labels, { margin: 1, targets, ...lists })).rejects.toThrow(
      "near: expected a tensor together with targets",
    );
  });

  test.each([
    [{ margin: 0 }, "margin: expected a positive number, got 0"],
    [{ margin: 1, multipliers: [0] }, "multipliers: expected 2 finite numbers"],
    [{ margin: 1, parameters: [0, Number.NaN] }, "parameters: expected 2 finite numbers"],
  ])("refuses %j", async (options, message) => {
    const lists = { multipliers: [0, 0], parameters: [1, 1] };
    await expect(constraintSums(logits, labels, { ...lists, ...options })).rejects.toThrow(message);
  });
});
