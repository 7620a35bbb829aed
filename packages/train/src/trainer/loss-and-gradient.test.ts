import { InvalidArgumentError, type Tensor, tensor } from "@pixelcal/core";
import { interpret } from "@pixelcal/graph";
import { crossEntropy, diceCrossEntropy, type Loss, nacl, signedDistanceCalibration } from "@pixelcal/losses";
import { describe, expect, it } from "vitest";
import { lossAndGradient } from "./loss-and-gradient.js";
import { buildLossGraph, targetInput } from "./step-graph.js";

// The fixture of the golden numbers: logits by a formula, two boxes of classes 1 and 2, one of class 1.
const [count, classes, height, width] = [2, 3, 6, 7];
const logits = tensor(
  "float32",
  Float32Array.from({ length: count * classes * height * width }, (_, i) => {
    const [n, c] = [Math.floor(i / (classes * height * width)), Math.floor(i / (height * width)) % classes];
    const [row, column] = [Math.floor(i / width) % height, i % width];
    return 3 * Math.sin(1 + 2 * n + 3 * c + 0.9 * row + 0.5 * column);
  }),
  [count, classes, height, width],
);
const labels = tensor("int32", new Int32Array(count * height * width), [count, height, width]);
const box = (n: number, top: number, bottom: number, left: number, right: number, label: number): void => {
  for (let i = top; i < bottom; i++)
    labels.data.fill(label, (n * height + i) * width + left, (n * height + i) * width + right);
};
box(0, 1, 4, 1, 4, 1);
box(0, 3, 6, 4, 7, 2);
box(1, 0, 3, 2, 6, 1);

const entry = (gradient: Tensor<"float32">): number =>
  gradient.data[(0 * classes + 1) * height * width + 2 * width + 2]!;

describe("lossAndGradient", () => {
  it.each<[Loss, number, number, number]>([
    [crossEntropy(), 1.89402485, 0.10406957, -0.001197767],
    [diceCrossEntropy({ preset: "reference" }), 2.56112576, 0.11780745, -0.002198622],
    [signedDistanceCalibration({ preset: "reference" }), 1.92737997, 0.10464279, -0.001124513],
  ])("gives the known value and gradient (%#)", async (loss, value, norm, slope) => {
    const result = await lossAndGradient(loss, logits, labels);
    expect(Math.abs(result.loss - value)).toBeLessThan(2e-5);
    expect(result.gradient.dims).toEqual(logits.dims);
    expect(Math.abs(Math.hypot(...result.gradient.data) / norm - 1)).toBeLessThan(1e-4);
    expect(Math.abs(entry(result.gradient) - slope)).toBeLessThan(1e-6);
    for (const term of Object.values(result.terms)) expect(term).toEqual(expect.any(Number));
  });

  it("agrees with the interpreter", async () => {
    const loss = nacl();
    const targets = await loss.targets(labels, { classes });
    const feeds: Record<string, Tensor> = { logits };
    for (const [name, target] of Object.entries(targets)) feeds[targetInput(name)] = target;
    const exact = interpret(buildLossGraph(loss, logits.dims), feeds);
    const { loss: value, gradient } = await lossAndGradient(loss, logits, labels);
    expect(value).toBeCloseTo(Number(exact.loss!.data[0]), 5);
    gradient.data.forEach((slope, i) => {
      expect(Math.abs(slope - Number(exact["gradient/logits"]!.data[i]))).toBeLessThan(1e-6);
    });
  });

  it("is the same with labels of any integer type", async () => {
    const { loss } = await lossAndGradient(crossEntropy(), logits, labels);
    const wide = tensor("int64", BigInt64Array.from(labels.data, BigInt), labels.dims);
    const narrow = tensor("uint8", Uint8Array.from(labels.data), labels.dims);
    for (const other of [wide, narrow])
      expect((await lossAndGradient(crossEntropy(), logits, other)).loss).toBe(loss);
  });

  it.each<[string, () => Promise<unknown>, string]>([
    [
      "label out of range",
      () => lossAndGradient(crossEntropy(), logits, tensor("uint8", new Uint8Array(84).fill(3), [2, 6, 7])),
      "labels: expected classes 0 to 2",
    ],
    [
      "labels of another size",
      () => lossAndGradient(crossEntropy(), logits, tensor("uint8", new Uint8Array(42), [1, 6, 7])),
      "labels: expected [2, 6, 7]",
    ],
    [
      "one class",
      () => lossAndGradient(crossEntropy(), tensor("float32", new Float32Array(84), [2, 1, 6, 7]), labels),
      "at least 2 classes",
    ],
    [
      "an unknown device",
      () => lossAndGradient(crossEntropy(), logits, labels, { device: "tpu" as "cpu" }),
      "device: expected cpu, webgpu, cuda",
    ],
  ])("rejects %s", async (_, attempt, message) => {
    await expect(attempt()).rejects.toThrow(InvalidArgumentError);
    await expect(attempt()).rejects.toThrow(message);
  });
});
