import { describe, expect, test } from "vitest";
import { nnunetAugmentation } from "../data/augmentation.js";
import { augmentationOf, type ConfigError, parseConfig } from "./config.js";

const base = { loss: { name: "dice" }, dataset: { root: "data" }, model: { num_classes: 2 } };
const augmentOf = (augment: object) => parseConfig({ ...base, augment }, { runName: "run" }).augment;

describe("augment in a configuration", () => {
  test("changes nothing by default, and mirrors with nnU-Net's preset", () => {
    expect(augmentOf({})).toEqual({ flips: false, rotations: false });
    expect(augmentationOf(augmentOf({}), [16, 16])).toEqual({});
    const section = augmentOf({ preset: "nnUNet" });
    expect(section).toEqual({ preset: "nnunet", flips: true, rotations: false });
    expect(augmentOf(section)).toEqual(section);
    expect(augmentationOf(section, [16, 64, 64])).toEqual(nnunetAugmentation([16, 64, 64]));
  });

  test("mirrors the axes that are named", () => {
    expect(augmentationOf(augmentOf({ flips: [1] }), [16, 16])).toEqual({ flips: [1] });
    expect(augmentationOf(augmentOf({ flips: true, rotations: true }), [4, 8, 8])).toEqual({
      flips: [0, 1, 2],
      rotations: [[1, 2]],
    });
    expect(augmentationOf(augmentOf({ preset: "nnunet", flips: false }), [8, 8]).flips).toBeUndefined();
  });

  test("fills sections up with nnU-Net's numbers, and has others beside them", () => {
    const section = augmentOf({
      rotation: { degrees: 10 },
      low_resolution: { per_channel: 1 },
      elastic: { spacing: 8 },
      gamma: { probability: 0 },
    });
    const nnunet = nnunetAugmentation([32, 32, 32]);
    expect(augmentationOf(section, [32, 32, 32])).toEqual({
      rotation: { probability: 0.2, degrees: [10, 10, 10] },
      elastic: { probability: 0.2, spacing: 8, deviation: 2 },
      lowResolution: { ...nnunet.lowResolution, perChannel: 1 },
      gamma: { ...nnunet.gamma, probability: 0 },
    });
  });

  test.each([
    [
      { flips: "left" },
      'augment.flips: expected true, false or a list of spatial axes from 0, got string "left"',
    ],
    [{ gamma: { range: [2, 3] } }, "augment.gamma.range.0: expected at most 1, got number 2"],
    [{ noise: { sd: 1 } }, "augment.noise.sd"],
    [{ blur: { sigma: [2, 1] } }, "augment.blur.sigma: expected two rising numbers"],
  ])("refuses %j", (augment, problem) => {
    let problems: readonly string[] = [];
    try {
      augmentOf(augment);
    } catch (error) {
      problems = (error as ConfigError).problems;
    }
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(problem);
  });
});
