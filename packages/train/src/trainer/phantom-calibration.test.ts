import {
  type CalibrationBins,
  calibrationBins,
  classwiseExpectedCalibrationError,
  type DataType,
  expectedCalibrationError,
  mergeBins,
  negativeLogLikelihood,
  probabilityScores,
  type Tensor,
  tensor,
} from "@pixelcal/core";
import { crossEntropy } from "@pixelcal/losses";
import { generatePhantom } from "@pixelcal/phantom";
import { expect, test } from "vitest";
import { lossAndGradient } from "./loss-and-gradient.js";

const cases = Array.from({ length: 24 }, (_, seed) => generatePhantom({ seed, size: [48, 48] }));
const batched = <T extends DataType>({ type, data, dims }: Tensor<T>): Tensor<T> =>
  tensor(type, data, [1, ...dims]);

/** Probabilities to the power `sharpness`, made to sum to one again. */
function sharpened({ data, dims }: Tensor<"float32">, sharpness: number): Tensor<"float32"> {
  const pixels = data.length / 4;
  const out = data.map((p) => p ** sharpness);
  for (let i = 0; i < pixels; i++) {
    let sum = 0;
    for (let c = 0; c < 4; c++) sum += out[c * pixels + i]!;
    for (let c = 0; c < 4; c++) out[c * pixels + i]! /= sum;
  }
  return tensor("float32", out, dims);
}

async function errors(sharpness: number): Promise<{ ece: number; cece: number }> {
  const total: Partial<Record<"foreground" | "classes", CalibrationBins>> = {};
  for (const { probabilities, labels } of cases) {
    for (const of of ["foreground", "classes"] as const) {
      const probs = batched(sharpened(probabilities, sharpness));
      const bins = await calibrationBins(probs, batched(labels), { of });
      total[of] = total[of] === undefined ? bins : mergeBins(total[of], bins);
    }
  }
  return {
    ece: expectedCalibrationError(total.foreground!),
    cece: classwiseExpectedCalibrationError(total.classes!),
  };
}

test("the known chances are calibrated, sharper or softer ones are not", async () => {
  const [known, sharp, soft] = [await errors(1), await errors(4), await errors(0.25)];
  expect(known.ece).toBeLessThan(0.006);
  expect(known.cece).toBeLessThan(0.006);
  for (const wrong of [sharp, soft]) {
    expect(wrong.ece).toBeGreaterThan(2.5 * known.ece);
    expect(wrong.cece).toBeGreaterThan(2.5 * known.cece);
  }
});

test("proper scores and cross-entropy are lowest at the known chances", async () => {
  const { probabilities, labels } = cases[3]!;
  const score = async (sharpness: number): Promise<number[]> => {
    const probs = batched(sharpened(probabilities, sharpness));
    const floor = tensor(
      "float32",
      probs.data.map((p) => Math.max(p, 1e-6)),
      probs.dims,
    );
    const logits = tensor("float32", floor.data.map(Math.log), probs.dims);
    const { loss } = await lossAndGradient(crossEntropy(), logits, batched(labels));
    return [negativeLogLikelihood(await probabilityScores(floor, batched(labels))), loss];
  };
  const known = await score(1);
  for (const sharpness of [0.25, 4]) {
    const wrong = await score(sharpness);
    for (const [i, value] of known.entries()) expect(value).toBeLessThan(wrong[i]!);
  }
});
