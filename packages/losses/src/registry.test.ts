import { describe, expect, test } from "vitest";
import { losses, lossFromConfig, type NamedLoss } from "./registry.js";

describe("lossFromConfig", () => {
  const choices = Object.entries(losses).flatMap(([name, { presets }]) =>
    Object.keys(presets).map((preset) => [name, preset] as const),
  );
  test.each(choices)("%s %s", (name, preset) => {
    const key = name === "marginSvls" ? "variant" : "preset";
    const loss = lossFromConfig({ name, [key]: preset });
    expect(loss.name).toBe(name);
    expect(loss.preset).toBe(name === "marginSvls" ? "original" : preset);
    expect(loss.targetSpecs.labels).toEqual({ type: "int32", layout: "labels" });
  });

  test.each<[string, NamedLoss]>([
    [
      "name: expected one of crossEntropy, dice, diceCrossEntropy, focal, tversky, dicePlusPlus, unifiedFocal, " +
        "labelSmoothing, entropyPenalty, flsd, dualFocal, adaFocal, focalCalibration, mbls, cals, acls, cpc, dca, mdca, meep, l1Ace, " +
        "svls, nacl, crac, marginSvls, boundary, boundaryUncertainty, hausdorff, signedDistanceRegression, signedDistanceCalibration, weighted, got ce",
      { name: "ce" },
    ],
    ["nacl.preset: expected one of original, monai, reference, got paper", { name: "nacl", preset: "paper" }],
    [
      "focal (preset reference).reduction: unknown option; known options: preset, gamma",
      { name: "focal", preset: "reference", reduction: "sum" },
    ],
    ["focal.gamma: expected a finite number at least 0, got NaN", { name: "focal", gamma: Number.NaN }],
    [
      "labelSmoothing.alpha: expected a finite number at least 0 and below 1, got 1",
      { name: "labelSmoothing", alpha: 1 },
    ],
    ["mbls.margin: expected a finite number at least 0, got Infinity", { name: "mbls", margin: Infinity }],
    ["nacl.alpha: expected a finite number at least 0, got 0.1", { name: "nacl", alpha: "0.1" }],
    [
      "nacl.kernel: expected one of mean, max, min, median, mode, gaussian, bilateral, gradient, image-l1, image-l2, got box",
      { name: "nacl", kernel: "box" },
    ],
    ["nacl.size: expected an odd integer at least 1, got 4", { name: "nacl", size: 4 }],
    ["nacl.of: expected one of logits, probs, got softmax", { name: "nacl", of: "softmax" }],
    [
      "crossEntropy.classWeights: expected a list of finite numbers at least 0, one above 0, got ",
      { name: "crossEntropy", classWeights: [0, 0] },
    ],
    [
      "focal.classWeights: expected a list of finite numbers at least 0, one above 0, got 2",
      { name: "focal", classWeights: 2 },
    ],
    [
      "dicePlusPlus.gamma: expected a finite number at least 1, got 0.5",
      { name: "dicePlusPlus", gamma: 0.5 },
    ],
    ["svls.sigma: expected a finite number above 0, got 0", { name: "svls", sigma: 0 }],
    ["dice.batch: expected true or false, got 1", { name: "dice", batch: 1 }],
    [
      "crossEntropy.ignore: expected an integer at least -2147483647 and at most 2147483647, got 0.5",
      { name: "crossEntropy", ignore: 0.5 },
    ],
    [
      "marginSvls (variant logit-margin).kernel: unknown option; known options: variant, preset, alpha, margin, sigma, morphology, ignore",
      { name: "marginSvls", kernel: "mean" },
    ],
    [
      "signedDistanceCalibration.morphology: expected one of none, erosion, dilation, opening, closing, gradient, " +
        "internal-gradient, external-gradient, got tophat",
      { name: "signedDistanceCalibration", morphology: "tophat" },
    ],
    [
      "signedDistanceCalibration.truncate: expected a reach to truncate at, got undefined",
      { name: "signedDistanceCalibration", normalize: "truncate" },
    ],
    [
      'signedDistanceCalibration.truncate: expected normalize "truncate" beside it, got max',
      { name: "signedDistanceCalibration", normalize: "max", truncate: 3 },
    ],
    ["weighted.losses: expected a list of { weight, loss }, got undefined", { name: "weighted" }],
    ["losses: expected at least one loss, got []", { name: "weighted", losses: [] }],
    ["weighted.losses[0]: expected { weight, loss }", { name: "weighted", losses: [{ weight: 1 }] }],
    [
      "losses[0].weight: expected a finite number, got NaN",
      { name: "weighted", losses: [{ weight: Number.NaN, loss: { name: "dice" } }] },
    ],
    ["weighted.parts: unknown option; known options: losses", { name: "weighted", parts: [] }],
  ])("%s", (message, config) => {
    expect(() => lossFromConfig(config)).toThrow(message);
  });
});
