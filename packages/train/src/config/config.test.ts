import { lossFromConfig } from "@pixelcal/losses";
import { describe, expect, test } from "vitest";
import { ConfigError, parseConfig } from "./config.js";

/**
 * Makes a configuration with every key that the authors' repository reads, as its own toy configurations
 * write them.
 */
const authors = (method: string): Record<string, unknown> => ({
  seed: 7,
  run_name: `toy_${method}`,
  method,
  dataset: { name: "toy", root: "data/toy" },
  model: { arch: "unet2d", in_channels: 1, num_classes: 2, base: 16 },
  batch_size: 8,
  num_workers: 0,
  epochs: 3,
  optim: { lr: 0.001, weight_decay: 0.0001 },
  scheduler: { type: "cosine" },
  sdc: { alpha: 0.1, lam_sdf: 0.1, sam_morph: "gradient", sam_kernel: "mean", sdf_scale: 100 },
  focal: { gamma: 3 },
  fcl: { gamma: 3, lam: 0.1 },
  labelsmoothing: { alpha: 0.1 },
  ecp: { lam: 0.1 },
  nacl: { kernel: "min", alpha: 0.1, dist: "l1" },
  svls: { sigma: 2, alpha: 0.1, dist: "l1" },
  mbls: { m: 10, alpha: 0.1 },
  dicece: { dice_weight: 1, ce_weight: 1 },
});

const smallest = { method: "sdc", dataset: { root: "data" }, model: { num_classes: 2 } };

function problems(json: unknown): readonly string[] {
  try {
    parseConfig(json, { runName: "run" });
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

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

describe("rejected", () => {
  test.each<[string, unknown, string]>([
    ["a list", [], "config: expected a section, got a list"],
    ["nothing", null, "config: expected a section, got null"],
    ["a type", { ...smallest, sdc: { alpha: "high" } }, 'sdc.alpha: expected number, got string "high"'],
    ["a range", { ...smallest, epochs: 0 }, "epochs: expected at least 1, got number 0"],
    [
      "an empty text",
      { ...smallest, dataset: { root: "" } },
      'dataset.root: expected a text that is not empty, got string ""',
    ],
    [
      "a network beyond any memory",
      { ...smallest, model: { num_classes: 2, base: 1e9 } },
      "model.base: expected at most 1024, got number 1000000000",
    ],
    [
      "more classes than labels",
      { ...smallest, model: { num_classes: 2147483647 } },
      "model.num_classes: expected at most 65536, got number 2147483647",
    ],
    [
      "more channels than any image",
      { ...smallest, model: { num_classes: 2, in_channels: 1e9 } },
      "model.in_channels: expected at most 65536, got number 1000000000",
    ],
    [
      "a batch of all cases there are",
      { ...smallest, batch_size: 1e9 },
      "batch_size: expected at most 65536, got number 1000000000",
    ],
    [
      "workers",
      { ...smallest, num_workers: 1e9 },
      "num_workers: expected at most 1024, got number 1000000000",
    ],
    ["threads", { ...smallest, threads: 1e9 }, "threads: expected at most 1024, got number 1000000000"],
    [
      "epochs",
      { ...smallest, epochs: 1e12 },
      "epochs: expected at most 1000000000, got number 1000000000000",
    ],
    [
      "sums of gradients",
      { ...smallest, accumulate: 1e12 },
      "accumulate: expected at most 1000000, got number 1000000000000",
    ],
    [
      "a long text with a line break",
      { ...smallest, device: `a\n${"b".repeat(80)}` },
      `device: expected cpu, webgpu or cuda, got string "a\\n${"b".repeat(58)}..."`,
    ],
    ["a fraction", { ...smallest, batch_size: 1.5 }, "batch_size: expected integer, got number 1.5"],
    ["a rate of 0", { ...smallest, optim: { lr: 0 } }, "optim.lr: expected more than 0, got number 0"],
    [
      "one class",
      { ...smallest, model: { num_classes: 1 } },
      "model.num_classes: expected at least 2, got number 1",
    ],
    ["no classes", { ...smallest, model: {} }, "model.num_classes: missing; expected number"],
    ["no data set", { method: "sdc", model: { num_classes: 2 } }, "dataset: missing; expected a section"],
    [
      "no method",
      { dataset: { root: "d" }, model: { num_classes: 2 } },
      "method: missing; expected a method or a loss section",
    ],
    ["both", { ...smallest, loss: { name: "nacl" } }, "loss: expected either method or loss, got both"],
    [
      "a method",
      { ...smallest, method: "adam" },
      'method: expected dicece, fl, ecp, ls, svls, mbls, nacl, fcl or sdc, got string "adam"',
    ],
    [
      "an architecture",
      { ...smallest, model: { arch: "vit", num_classes: 2 } },
      'model.arch: expected unet2d, unet3d, plain2d, plain3d, residual2d or residual3d, got string "vit"',
    ],
    [
      "a scheduler",
      { ...smallest, scheduler: { type: "step" } },
      'scheduler.type: expected cosine, poly, constant or none, got string "step"',
    ],
    [
      "a folder",
      { ...smallest, run_name: "../x" },
      'run_name: expected a plain folder name, got string "../x"',
    ],
    ["a misspelt key", { ...smallest, epoch: 5 }, "epoch: unknown key; did you mean epochs?"],
    [
      "a misspelt option",
      { ...smallest, sdc: { lam_sfd: 1 } },
      "sdc.lam_sfd: unknown key; did you mean lam_sdf?",
    ],
    [
      "a foreign key",
      { ...smallest, nacl: { wholly_other: 1 } },
      "nacl.wholly_other: unknown key; allowed: kernel, alpha, dist",
    ],
    ["an unused section", { ...smallest, mbls: { m: "ten" } }, 'mbls.m: expected number, got string "ten"'],
  ])("%s", (_, json, problem) => {
    expect(problems(json)).toEqual([problem]);
  });

  test.each<[string, object, readonly string[]]>([
    ["no name", {}, ["loss.name: missing; expected string"]],
    ["a value", { name: "nacl", alpha: "0.1" }, ['loss.alpha: expected number, got string "0.1"']],
    [
      "a preset",
      { name: "nacl", preset: "torch" },
      ['loss.preset: expected original, monai or reference, got string "torch"'],
    ],
    ["even windows", { name: "nacl", size: 4 }, ["loss.size: expected an odd integer, got number 4"]],
    [
      "two keys",
      { name: "nacl", kernal: "mean", alfa: 1 },
      ["loss.kernal: unknown key; did you mean kernel?", "loss.alfa: unknown key; did you mean alpha?"],
    ],
    [
      "a variant's option",
      { name: "marginSvls", kernel: "mean" },
      ["loss.kernel: unknown key; allowed: variant, preset, alpha, margin, sigma, morphology, ignore"],
    ],
    [
      "an empty sum",
      { name: "weighted" },
      ["loss: weighted.losses: expected a list of { weight, loss }, got undefined"],
    ],
  ])("a loss of the registry: %s", (_, loss, expected) => {
    expect(problems({ dataset: { root: "d" }, model: { num_classes: 2 }, loss })).toEqual(expected);
  });

  test("a loss that is not in the registry", () => {
    const [problem] = problems({
      dataset: { root: "d" },
      model: { num_classes: 2 },
      loss: { name: "nackl" },
    });
    expect(problem).toMatch(/^loss.name: expected crossEntropy, .* or weighted, got string "nackl"$/);
  });

  test("every problem is named at once", () => {
    expect(problems({ ...smallest, seed: -1, modle: {}, optim: { lr: "1e-4" } })).toEqual([
      "seed: expected at least 0, got number -1",
      'optim.lr: expected number, got string "1e-4"',
      "modle: unknown key; did you mean model?",
    ]);
  });

  test("a run without a name", () => {
    expect(() => parseConfig(smallest)).toThrow("run_name: missing; expected a name");
  });
});

describe("preparation", () => {
  const given = (normalization: unknown, channels = 1) => ({
    ...smallest,
    model: { num_classes: 2, in_channels: channels },
    preparation: { normalization },
  });

  test.each<[unknown, readonly object[]]>([
    ["CT", [{ scheme: "ct" }]],
    [{ scheme: "range", low: -100, high: 300 }, [{ scheme: "range", low: -100, high: 300 }]],
    [
      ["ct", { scheme: "z-score" }],
      [{ scheme: "ct" }, { scheme: "z-score" }],
    ],
  ])("normalization %j, resolving to itself", (normalization, resolved) => {
    const config = parseConfig(given(normalization, resolved.length), { runName: "run" });
    expect(config.preparation).toEqual({ normalization: resolved });
    expect(parseConfig(JSON.parse(JSON.stringify(config)))).toEqual(config);
  });

  const path = "preparation.normalization";
  test.each<[unknown, string]>([
    [
      "zscore",
      `${path}: expected none, z-score, percentile, range, ct, a section with scheme, or a list of those, one per channel, got string "zscore"`,
    ],
    [{ scheme: "z-score", mean: 1 }, `${path}: z-score takes no mean`],
    [{ scheme: "ct", low: 1 }, `${path}: ct needs low, high, mean, sd, or none of them`],
    [{ scheme: "range", low: 2, high: 1 }, `${path}: expected low below high, got 2 and 1`],
    [
      { scheme: "percentile", low: 1, high: 101 },
      `${path}: expected percentiles from 0 to 100, got 1 and 101`,
    ],
    [["ct", "none"], `${path}: expected 1 scheme, or 1, one per channel, got 2`],
  ])("%j is refused", (normalization, problem) => {
    expect(problems(given(normalization))).toEqual([problem]);
  });
});

describe("recipes", () => {
  const given = (keys: object) => parseConfig({ ...smallest, ...keys }, { runName: "run" });

  test("SGD has nnU-Net's defaults, AdamW the authors'", () => {
    expect(given({ optim: { name: "SGD" } }).optim).toEqual({
      name: "sgd",
      lr: 0.01,
      weight_decay: 3e-5,
      momentum: 0.99,
      nesterov: true,
      decay: "all",
    });
    expect(given({ optim: { name: "sgd", momentum: 0 } }).optim).toMatchObject({
      momentum: 0,
      nesterov: false,
    });
    expect(given({}).optim).toEqual({ lr: 1e-4, weight_decay: 1e-2, decay: "all" });
    const config = given({ optim: { name: "sgd" }, scheduler: { type: "poly", power: 1 } });
    expect(parseConfig(JSON.parse(JSON.stringify(config)))).toEqual(config);
  });

  test.each([
    [{ optim: { momentum: 0.9 } }, "optim.momentum: needs optim.name sgd"],
    [{ optim: { name: "adamw", nesterov: true } }, "optim.nesterov: needs optim.name sgd"],
    [{ scheduler: { power: 2 } }, "scheduler.power: needs scheduler.type poly"],
    [
      { scheduler: { type: "poly", minimum: 0.1 } },
      "scheduler.minimum: not supported with scheduler.type poly, which ends at 0",
    ],
    [
      { scheduler: { type: "poly", warmup: 50 } },
      "scheduler.warmup: expected less than the 50 epochs, got number 50",
    ],
  ])("%j is refused", (keys, problem) => {
    expect(problems({ ...smallest, ...keys })).toEqual([problem]);
  });
});
