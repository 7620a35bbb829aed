import { tensor } from "@pixelcal/core";
import { describe, expect, it } from "vitest";
import { labelNll } from "./label-nll.js";

describe("labelNll", () => {
  const logits = tensor(
    "float32",
    Float32Array.of(Math.log(3), 0, 1000, Math.log(1), 0, -1000, 2, 0, 0, 2, 0, 0),
    [2, 2, 3],
  );
  const nll = (labels: number[], ignore?: number): Promise<number[]> =>
    labelNll(logits, tensor("int32", Int32Array.from(labels), [2, 3]), ignore);

  it("is the mean of -ln p of the label, one per image", async () => {
    const [first, second] = await nll([0, 1, 0, 0, 1, 1]);
    expect(first).toBeCloseTo((Math.log(4 / 3) + Math.log(2)) / 3, 6);
    expect(second).toBeCloseTo(Math.log(2), 6);
  });

  it("stays finite where a probability is 0", async () => {
    expect((await nll([0, 0, 1, 0, 0, 0]))[0]).toBeCloseTo((Math.log(4 / 3) + Math.log(2) + 2000) / 3, 3);
  });

  it("leaves out ignored pixels, and images of them alone", async () => {
    const [first, second] = await nll([0, 9, 9, 9, 9, 9], 9);
    expect(first).toBeCloseTo(Math.log(4 / 3), 6);
    expect(second).toBeNaN();
  });

  it("is the same over many parts", async () => {
    const pixels = 150_000;
    const large = tensor(
      "float32",
      Float32Array.from({ length: 2 * pixels }, (_, i) => Math.sin(i)),
      [1, 2, pixels],
    );
    const labels = tensor(
      "uint8",
      Uint8Array.from({ length: pixels }, (_, i) => i % 3 && 1),
      [1, pixels],
    );
    let sum = 0;
    for (let i = 0; i < pixels; i++) {
      const [own, other] = i % 3 ? [1, 0] : [0, 1];
      sum += Math.log1p(Math.exp(large.data[other * pixels + i]! - large.data[own * pixels + i]!));
    }
    expect((await labelNll(large, labels))[0]).toBeCloseTo(sum / pixels, 9);
  });
});
