import { describe, expect, test } from "vitest";
import { parseConfig } from "./config.js";
import { problems, smallest } from "./config.test.helper.js";

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
