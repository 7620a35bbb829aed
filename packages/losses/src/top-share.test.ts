import { Random, tensor } from "@pixelcal/core";
import { describe, expect, test } from "vitest";
import { crossEntropy } from "./cross-entropy.js";
import { evaluate } from "./evaluate.test.helper.js";

const random = Random.fromSeed(8);
const logits = tensor(
  "float32",
  Float32Array.from({ length: 2 * 3 * 25 }, () => 2 * random.normal()),
  [2, 3, 5, 5],
);
const labels = tensor(
  "uint8",
  Uint8Array.from({ length: 50 }, (_, i) => (i % 7 === 0 ? 255 : random.integer(3))),
  [2, 5, 5],
);

/** Sorts the losses of all pixels that count, and takes the mean of the first of them. */
function twin(share: number, ignore?: number): number {
  const costs = [...labels.data].flatMap((label, i) => {
    if (label === ignore) return [];
    const [image, pixel] = [Math.floor(i / 25), i % 25];
    const z = [0, 1, 2].map((c) => logits.data[(image * 3 + c) * 25 + pixel]!);
    return [Math.log(z.reduce((sum, value) => sum + Math.exp(value), 0)) - (z[label] ?? Number.NaN)];
  });
  const top = costs.sort((a, b) => b - a).slice(0, Math.max(1, Math.floor(share * costs.length)));
  return top.reduce((sum, cost) => sum + cost, 0) / top.length;
}

describe("top-k cross-entropy", () => {
  test.each([0.1, 0.25, 0.5, 0.001])(
    "is the mean over the share %d of the pixels that count",
    async (topShare) => {
      const { terms } = await evaluate(crossEntropy({ topShare, ignore: 255 }), { logits, labels });
      expect(terms.loss).toBeCloseTo(twin(topShare, 255), 5);
    },
  );

  test("of a batch whose pixels are all ignored is 0", async () => {
    const none = tensor("uint8", new Uint8Array(50).fill(255), [2, 5, 5]);
    const { terms } = await evaluate(crossEntropy({ topShare: 0.1, ignore: 255 }), { logits, labels: none });
    expect(terms.loss).toBe(0);
  });

  test("takes a share, and no class weights", () => {
    expect(() => crossEntropy({ topShare: 1 })).toThrow(
      "crossEntropy.topShare: expected a finite number above 0 and below 1, got 1",
    );
    expect(() => crossEntropy({ topShare: 0.5, classWeights: [1, 2] })).toThrow(
      "crossEntropy.topShare: cannot be combined with classWeights",
    );
  });
});
