import { tensor } from "@pixelcal/core";
import { describe, expect, test } from "vitest";
import { evaluateWith, waves } from "./evaluate.test.helper.js";
import { lossFromConfig, type NamedLoss } from "./registry.js";

// Steps and logits are multiples of 2^-14, so that their float32 sums are exact.
const step = 2 ** -12;
const dims = [2, 3, 2, 3];
const wave = waves(
  dims,
  [1.7, 2.3, 0.9, 0.7],
  (angle) => Math.round(2 * Math.sin(0.4 + angle) * 16384) / 16384,
);
const labels = tensor("int32", Int32Array.of(0, 1, 2, 2, 1, 1, 0, 0, 1, 0, 0, 2), [2, 2, 3]);
const image = tensor("float32", waves([2, 2, 3], [0, 0.9, 0.5], Math.cos), [2, 1, 2, 3]);

const configs: readonly NamedLoss[] = [
  { name: "crossEntropy" },
  { name: "crossEntropy", ignore: 2 },
  { name: "crossEntropy", topShare: 0.3 },
  { name: "crossEntropy", topShare: 0.3, ignore: 2 },
  { name: "dice" },
  { name: "dice", preset: "reference" },
  { name: "dice", includeBackground: false, squared: true, ignore: 1 },
  { name: "dice", jaccard: true, batch: true },
  { name: "diceCrossEntropy", diceWeight: 0.3 },
  { name: "focal" },
  { name: "focal", gamma: 0.5 },
  { name: "focal", gamma: 2.5, reduction: "sum", ignore: 0 },
  { name: "labelSmoothing", ignore: 2 },
  { name: "labelSmoothing", preset: "reference" },
  { name: "entropyPenalty", ignore: 2 },
  { name: "entropyPenalty", preset: "reference" },
  { name: "focalCalibration", ignore: 2 },
  { name: "focalCalibration", preset: "reference" },
  { name: "mbls", margin: 1, ignore: 2 },
  { name: "mbls", margin: 1, penalty: "squared-hinge" },
  { name: "mbls", margin: 1, penalty: "squared" },
  { name: "mbls", preset: "reference", margin: 2 },
  { name: "svls" },
  { name: "svls", preset: "reference", distance: "l2" },
  { name: "nacl" },
  { name: "nacl", of: "probs", distance: "l2" },
  { name: "nacl", preset: "monai" },
  { name: "nacl", preset: "reference" },
  { name: "marginSvls", margin: 1 },
  { name: "marginSvls", variant: "adaptive", target: "svls", marginWeight: 0.5, margin: 1, tolerance: 0.2 },
  { name: "marginSvls", variant: "adaptive", of: "probs", distance: "l2", tolerance: 0.1 },
  { name: "signedDistanceCalibration" },
  { name: "signedDistanceCalibration", distance: "l2", scale: 1 },
  { name: "signedDistanceCalibration", preset: "consistent" },
  { name: "signedDistanceCalibration", preset: "consistent", normalize: "truncate", truncate: 2 },
  { name: "signedDistanceCalibration", preset: "proper" },
  {
    name: "signedDistanceCalibration",
    preset: "proper",
    scale: 1,
    dice: 1,
    floor: 0.01,
    alpha: 0.5,
    ignore: 2,
  },
  { name: "crossEntropy", classWeights: [0.5, 2, 1], ignore: 1 },
  { name: "focal", gamma: 2, classWeights: [0.5, 2, 1] },
  { name: "tversky", focus: 0.75 },
  { name: "tversky", falsePositiveWeight: 1, includeBackground: false, ignore: 2 },
  { name: "dicePlusPlus", ignore: 2 },
  { name: "dicePlusPlus", gamma: 3, smooth: 1 },
  { name: "unifiedFocal" },
  { name: "unifiedFocal", gamma: 0, delta: 0.3, weight: 0.2, ignore: 0 },
  { name: "flsd", gamma: 2, ignore: 2 },
  { name: "dualFocal" },
  { name: "dualFocal", gamma: 0.5, ignore: 2 },
  { name: "cpc", ignore: 2 },
  { name: "dca", ignore: 2 },
  { name: "mdca", ignore: 2 },
  { name: "meep", ignore: 2 },
  { name: "meep", form: "entropy", pixels: "all" },
  { name: "boundary", ignore: 1 },
  { name: "boundaryUncertainty", ignore: 1 },
  { name: "hausdorff", ignore: 1 },
  { name: "hausdorff", alpha: 1.5, includeBackground: true, logarithm: true },
  { name: "signedDistanceRegression", ignore: 2 },
  { name: "l1Ace", ignore: 2 },
  { name: "l1Ace", bins: 3, includeAbsent: true },
  { name: "l1Ace", binning: "soft" },
  { name: "l1Ace", binning: "soft", bins: 4, includeAbsent: true, ignore: 1 },
  {
    name: "weighted",
    losses: [
      { weight: 0.5, loss: { name: "dice" } },
      { weight: 2, loss: { name: "nacl" } },
    ],
  },
];

describe("gradients equal finite differences of the value", () => {
  test.each(configs.map((config) => [JSON.stringify(config), config] as const))("%s", async (_, config) => {
    const loss = lossFromConfig(config);
    const targets = await loss.targets(labels, { classes: 3, image });
    const at = (data: Float32Array) => evaluateWith(loss, tensor("float32", data, dims), targets);
    const { gradient } = at(wave);
    const slopes = Array.from(wave, (_, index) => {
      const moved = (steps: number) => at(wave.with(index, wave[index]! + steps * step)).terms.loss!;
      return (8 * (moved(1) - moved(-1)) - (moved(2) - moved(-2))) / (12 * step);
    });
    const worst = Math.max(...slopes.map((slope, index) => Math.abs(slope - gradient[index]!)));
    expect(worst).toBeLessThanOrEqual(1e-6);
  });
});
