import { tensor } from "@pixelcal/core";
import { describe, expect, test } from "vitest";
import { evaluate, waves } from "./evaluate.test.helper.js";
import { lossFromConfig, type NamedLoss } from "./registry.js";

const logits = tensor("float32", waves([1, 2, 5], [0, 2.1, 0.8], Math.sin), [1, 2, 5]);
const labels = tensor("uint8", Uint8Array.of(0, 1, 1, 0, 0), [1, 5]);

describe("losses whose options or formula depend on the number of classes", () => {
  test.each<[string, NamedLoss]>([
    [
      "crossEntropy.classWeights: expected 2 weights, one a class, got 3",
      { name: "crossEntropy", classWeights: [1, 2, 3] },
    ],
    ["focal.classWeights: expected 2 weights, one a class, got 1", { name: "focal", classWeights: [1] }],
    ["classes: expected at least 3 for cpc, got 2", { name: "cpc" }],
  ])("%s", async (message, config) => {
    await expect(evaluate(lossFromConfig(config), { logits, labels })).rejects.toThrow(message);
  });

  test("equal class weights are none, whatever their size", async () => {
    const plain = await evaluate(lossFromConfig({ name: "crossEntropy" }), { logits, labels });
    const equal = await evaluate(lossFromConfig({ name: "crossEntropy", classWeights: [7, 7] }), {
      logits,
      labels,
    });
    expect(equal.terms.loss).toBeCloseTo(plain.terms.loss!, 12);
  });

  test("a batch without any weighted pixel costs nothing", async () => {
    const loss = lossFromConfig({ name: "crossEntropy", classWeights: [0, 1] });
    const none = tensor("uint8", new Uint8Array(5), [1, 5]);
    const { terms, gradient } = await evaluate(loss, { logits, labels: none });
    expect(terms.loss).toBe(0);
    expect(gradient.every((g) => g === 0)).toBe(true);
  });
});
