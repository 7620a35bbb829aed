import { describe, expect, test } from "vitest";
import { builtModel, type ConfigError, parseConfig } from "./config.js";

const base = { loss: { name: "dice" }, dataset: { root: "data" } };
const modelOf = (model: object, more: object = {}) =>
  parseConfig({ ...base, model, ...more }, { runName: "run" }).model;

function problems(model: object, more: object = {}): readonly string[] {
  try {
    modelOf(model, more);
  } catch (error) {
    return (error as ConfigError).problems;
  }
  return [];
}

describe("nnU-Net's networks in a configuration", () => {
  test("have the stages of the patches", () => {
    expect(modelOf({ arch: "plain3d", num_classes: 3 }, { patches: { size: [8, 16, 16] } })).toEqual({
      arch: "plain3d",
      in_channels: 1,
      num_classes: 3,
      base: 32,
      deep_supervision: true,
      strides: [
        [2, 2, 2],
        [1, 2, 2],
      ],
      kernels: Array(3).fill([3, 3, 3]),
    });
  });

  test("are described again by what was resolved", () => {
    const model = modelOf({ arch: "residual2d", num_classes: 2, base: 4, strides: [[2, 1]], blocks: [1, 1] });
    expect(modelOf(model)).toEqual(model);
    if (!("arch" in model)) throw new Error("not built");
    const { initializers } = builtModel(model, 5).build([1, 1, 4, 4]);
    expect(initializers.get("enc2.0.1.conv.weight")!.dims).toEqual([8, 4, 3, 3]);
    expect(builtModel(model, 5).build([1, 1, 4, 4], 6).initializers).not.toEqual(initializers);
  });

  test.each([
    [{ strides: [[2, 2]] }, {}, "model.strides: needs arch plain2d or residual2d"],
    [{ arch: "unet3d", blocks: [1] }, {}, "model.blocks: needs arch plain3d or residual3d"],
    [
      { arch: "plain2d", strides: [[2, 2, 2]] },
      {},
      "model.strides: expected 1 to 8 lists of 2 strides of 1 or 2, got [[2,2,2]]",
    ],
    [
      { arch: "plain3d" },
      { patches: { size: [16, 16] } },
      "patches.size: expected 3 sizes for plain3d, got [16,16]",
    ],
    [
      { arch: "plain2d", kernels: [[3, 3]] },
      {},
      "model.kernels: expected 5 lists of 2 sizes of 1 or 3, got [[3,3]]",
    ],
  ])("%o with %o is refused", (model, more, problem) => {
    expect(problems({ num_classes: 2, ...model }, more)).toEqual([problem]);
  });
});
