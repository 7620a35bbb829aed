import { tensor } from "@pixelcal/core";
import { describe, expect, it } from "vitest";
import { foregroundDice } from "./foreground-dice.js";

describe("foregroundDice", () => {
  it("joins the foreground classes and gives one score per image", async () => {
    // Image 0 predicts classes 1 2 0 0, image 1 predicts 0 0 0 0 (a tie goes to the background).
    const zeros = [0, 0, 0, 0];
    const logits = [[0, 0, 1, 1], [1, 0, 0, 0], [0, 1, 0, 0], zeros, zeros, zeros].flat();
    const labels = Int32Array.of(1, 1, 0, 2, 0, 0, 0, 0);
    const scores = await foregroundDice(
      tensor("float32", Float32Array.from(logits), [2, 3, 2, 2]),
      tensor("int32", labels, [2, 2, 2]),
    );
    expect(scores[0]).toBeCloseTo((2 * 2) / (2 + 3), 6);
    expect(scores[1]).toBe(1);
  });

  it("counts no ignored pixel, and gives no score where all are ignored", async () => {
    // A perfect prediction of 1 0 beside two ignored pixels, and an image of ignored pixels.
    const logits = [
      [0, 1, 0, 0],
      [1, 0, 1, 1],
      [0, 0, 0, 0],
      [1, 1, 1, 1],
    ].flat();
    const labels = Uint8Array.of(1, 0, 255, 255, 255, 255, 255, 255);
    const scores = await foregroundDice(
      tensor("float32", Float32Array.from(logits), [2, 2, 2, 2]),
      tensor("uint8", labels, [2, 2, 2]),
      255,
    );
    expect(scores).toEqual([1, Number.NaN]);
  });
});
