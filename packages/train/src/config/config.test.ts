import { lossFromConfig } from "@pixelcal/losses";
import { describe, expect, test } from "vitest";
import { parseConfig } from "./config.js";
import { authors, problems, smallest } from "./config.test.helper.js";

describe("the authors' configurations", () => {
  const reference: Record<string, { name: string; [option: string]: unknown }> = {
    dicece: { name: "diceCrossEntropy", diceWeight: 1, crossEntropyWeight: 1 },
    fl: { name: "focal", gamma: 3 },
    ecp: { name: "entropyPenalty", weight: 0.1 },
    ls: { name: "labelSmoothing", alpha: 0.1 },
    svls: { name: "svls", alpha: 0.1, distance: "l1" },
    mbls: { name: "mbls", margin: 10, alpha: 0.1 },
    nacl: { name: "nacl", kernel: "min", alpha: 0.1, distance: "l1" },
    fcl: { name: "focalCalibration", gamma: 3, weight: 0.1 },
    sdc: {
      name: "signedDistanceCalibration",
      alpha: 0.1,
      sdfWeight: 0.1,
      morphology: "gradient",
      kernel: "mean",
      scale: 100,
    },
  };

  test.each(Object.entries(reference))("%s", (method, loss) => {
    expect(parseConfig(authors(method))).toEqual({
      run_name: `toy_${method}`,
      seed: 7,
      preset: "reference",
      loss: { preset: "reference", ...loss },
      dataset: { name: "toy", root: "data/toy" },
      model: { arch: "unet2d", in_channels: 1, num_classes: 2, base: 16 },
      batch_size: 8,
      num_workers: 0,
      epochs: 3,
      optim: { lr: 0.001, weight_decay: 0.0001, decay: "all" },
      scheduler: { type: "cosine" },
      augment: { flips: false, rotations: false },
      device: "cpu",
      selection: "loss",
    });
  });

  test.each(Object.entries(reference))(
    "%s without its section takes the loss's own defaults",
    (method, { name }) => {
      expect(parseConfig({ ...smallest, method }, { runName: "run" }).loss).toEqual({
        name,
        preset: "reference",
      });
    },
  );

  test("what a file leaves out has the authors' defaults", () => {
    expect(parseConfig(smallest, { runName: "unet_acdc_sdc" })).toMatchObject({
      run_name: "unet_acdc_sdc",
      seed: 42,
      batch_size: 4,
      num_workers: 2,
      epochs: 50,
      model: { arch: "unet2d", in_channels: 1, num_classes: 2, base: 32 },
      optim: { lr: 1e-4, weight_decay: 1e-2 },
      scheduler: { type: "cosine" },
    });
  });

  test("a 3-D U-Net has base 16 by default", () => {
    const config = parseConfig(
      { ...smallest, model: { arch: "unet3d", num_classes: 3 } },
      { runName: "run" },
    );
    expect(config.model).toMatchObject({ base: 16 });
  });

  test("methods and architectures are read in any case", () => {
    const config = parseConfig({ ...authors("SDC"), model: { arch: "UNet2D", num_classes: 2 } });
    expect(config).toMatchObject({ loss: { name: "signedDistanceCalibration" }, model: { arch: "unet2d" } });
  });

  test.each(["none", "constant"])("scheduler %s is a constant rate", (type) => {
    expect(parseConfig({ ...authors("sdc"), scheduler: { type } }).scheduler).toEqual({ type: "constant" });
  });

  test("the boundaries keep their meaning under this project's names", () => {
    const sam = (sam_morph: string): unknown =>
      parseConfig({ ...smallest, sdc: { sam_morph } }, { runName: "run" }).loss.morphology;
    expect(sam("internal_boundary")).toBe("internal-gradient");
    expect(sam("external_boundary")).toBe("external-gradient");
  });
});

describe("this project's own keys", () => {
  test("preset consistent: the methods' own definitions, no decay of biases and norms", () => {
    const config = parseConfig({ ...smallest, method: "nacl", preset: "consistent" }, { runName: "run" });
    expect(config).toMatchObject({ preset: "consistent", loss: { name: "nacl", preset: "original" } });
    expect(config.loss.kernel).toBeUndefined();
    expect(config.optim.decay).toBe("weights");
    expect(config.selection).toBe("nll");
    expect(parseConfig({ ...smallest, preset: "consistent" }, { runName: "run" }).loss).toEqual({
      name: "signedDistanceCalibration",
      preset: "consistent",
    });
  });

  test("signed-distance calibration has a preset of its own, with its own options", () => {
    const loss = { name: "signedDistanceCalibration", preset: "proper", dice: 0.1, scale: 0.5 };
    const { method: _, ...rest } = smallest;
    expect(parseConfig({ ...rest, loss }, { runName: "run" }).loss).toEqual(loss);
    expect(problems({ ...rest, loss: { ...loss, sdfWeight: 1 } })[0]).toContain("sdfWeight");
  });

  test("selection: by preset, or as given", () => {
    const { method, ...rest } = smallest;
    const selection = (change: object): unknown =>
      parseConfig({ ...rest, ...change }, { runName: "run" }).selection;
    expect(selection({ method })).toBe("loss");
    expect(selection({ loss: { name: "nacl" } })).toBe("nll");
    expect(selection({ method, preset: "consistent", selection: "DICE" })).toBe("dice");
  });

  test("patches: as given, with as many sizes as the network has spatial axes", () => {
    const patches = { size: [16, 24], per_epoch: 9, foreground: 0.5 };
    expect(parseConfig({ ...smallest, patches }, { runName: "run" }).patches).toEqual(patches);
    expect(parseConfig(smallest, { runName: "run" })).not.toHaveProperty("patches");
    const model = { arch: "unet3d", num_classes: 2 };
    expect(problems({ ...smallest, model, patches })).toEqual([
      "patches.size: expected 3 sizes for unet3d, got [16,24]",
    ]);
    expect(problems({ ...smallest, patches: { size: 16, foreground: 2 } })).toEqual([
      "patches.size: expected array, got number 16",
      "patches.foreground: expected at most 1, got number 2",
    ]);
  });

  test("svls: sigma belongs to the original, weight and distance to the authors' approximation", () => {
    const config = { ...smallest, method: "svls", preset: "consistent" };
    expect(parseConfig({ ...config, svls: { sigma: 2 } }, { runName: "run" }).loss).toEqual({
      name: "svls",
      preset: "original",
      sigma: 2,
    });
    expect(problems({ ...config, svls: { alpha: 0.1, dist: "l1" } })).toEqual([
      "svls.alpha: not an option of svls in preset original",
      "svls.dist: not an option of svls in preset original",
    ]);
  });

  test.each<[string, object, object]>([
    [
      "a preset",
      { name: "nacl", preset: "monai", alpha: 0.5 },
      { name: "nacl", preset: "monai", alpha: 0.5 },
    ],
    ["the loss's first preset", { name: "nacl" }, { name: "nacl", preset: "original" }],
    [
      "a variant",
      { name: "marginSvls" },
      { name: "marginSvls", preset: "original", variant: "logit-margin" },
    ],
    [
      "a sum",
      { name: "weighted", losses: [{ weight: 0.5, loss: { name: "dice" } }] },
      { name: "weighted", losses: [{ weight: 0.5, loss: { name: "dice" } }] },
    ],
  ])("a loss of the registry: %s", (_, loss, resolved) => {
    const config = { run_name: "run", dataset: { root: "d" }, model: { num_classes: 2 }, loss };
    const parsed = parseConfig(config);
    expect(parsed).toMatchObject({ preset: "consistent", optim: { decay: "weights" } });
    expect(parsed.loss).toEqual(resolved);
    expect(parseConfig(JSON.parse(JSON.stringify(parsed)))).toEqual(parsed);
    expect(lossFromConfig(parsed.loss).name).toBe(parsed.loss.name);
  });

  test("a resolved configuration is a configuration that resolves to itself", () => {
    for (const method of ["sdc", "nacl", "svls"]) {
      const config = parseConfig({
        ...authors(method),
        augment: { flips: true },
        threads: 2,
        clip_norm: 1,
        device: "webgpu",
        selection: "dice",
        optim: { decay: "weights" },
      });
      expect(parseConfig(JSON.parse(JSON.stringify(config)))).toEqual(config);
    }
  });
});
