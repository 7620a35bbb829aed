import { InvalidArgumentError, type Tensor } from "@pixelcal/core";
import { describe, expect, it } from "vitest";
import { unet2d } from "./unet2d.js";
import { unet3d } from "./unet3d.js";

const parametersOf = (initializers: ReadonlyMap<string, Tensor>): number => {
  let count = 0;
  for (const [name, { data }] of initializers) if (!name.includes("running_")) count += data.length;
  return count;
};

describe("unet", () => {
  // Counts of the SDC repository's modules: sum(p.numel() for p in model.parameters()).
  it.each([
    { model: unet2d({ classes: 2 }), dims: [1, 1, 32, 32], parameters: 1926466 },
    { model: unet2d({ channels: 3, classes: 4, base: 8 }), dims: [1, 3, 16, 16], parameters: 121204 },
    { model: unet3d({ classes: 3 }), dims: [1, 1, 16, 16, 16], parameters: 1401299 },
    { model: unet3d({ classes: 2, base: 8 }), dims: [1, 1, 8, 8, 8], parameters: 350818 },
  ])("$model.name has the repository's $parameters parameters", ({ model, dims, parameters }) => {
    const graph = model.build(dims);
    expect(parametersOf(graph.initializers)).toBe(parameters);
    expect([...graph.outputs.values()][0]!.dims).toEqual([dims[0], model.classes, ...dims.slice(2)]);
  });

  it("begins with PyTorch's distributions, the same at every size", () => {
    const model = unet2d({ classes: 2, base: 4, seed: 7 });
    const [small, large] = [model.build([1, 1, 8, 8]), model.build([2, 1, 21, 40])];
    for (const [name, { data }] of small.initializers) {
      expect(large.initializers.get(name)!.data).toEqual(data);
    }
    for (const [name, fanIn] of [
      ["enc2.3.weight", 8 * 9],
      ["up3.weight", 16 * 4],
      ["up3.bias", 16 * 4],
      ["head.weight", 4],
    ] as const) {
      const data = small.initializers.get(name)!.data as Float32Array;
      const bound = 1 / Math.sqrt(fanIn);
      const largest = Math.max(...data.map(Math.abs));
      expect(largest, name).toBeLessThanOrEqual(bound);
      expect(largest, name).toBeGreaterThan(0.5 * bound);
    }
    const weight = small.initializers.get("bottleneck.3.weight")!.data as Float32Array;
    const bound = 1 / Math.sqrt(32 * 9);
    const variance = weight.reduce((sum, value) => sum + value * value, 0) / weight.length;
    expect(variance / (bound ** 2 / 3)).toBeCloseTo(1, 1);
    expect(new Set(small.initializers.get("dec1.4.weight")!.data as Float32Array)).toEqual(new Set([1]));
    expect(new Set(small.initializers.get("dec1.4.running_mean")!.data as Float32Array)).toEqual(
      new Set([0]),
    );
    const other = model.build([1, 1, 8, 8], 8);
    expect(other.initializers.get("enc1.0.weight")!.data).not.toEqual(
      small.initializers.get("enc1.0.weight")!.data,
    );
  });

  it.each<[string, () => unknown]>([
    ["classes", () => unet2d({ classes: 0 })],
    ["base", () => unet2d({ classes: 2, base: 0 })],
    ["channels", () => unet3d({ classes: 2, channels: 1.5 })],
    ["seed", () => unet3d({ classes: 2, seed: -1 })],
    ["image", () => unet2d({ classes: 2 }).build([1, 1, 8, 8, 8])],
    ["image", () => unet2d({ classes: 2 }).build([1, 2, 8, 8])],
    ["image", () => unet2d({ classes: 2 }).build([0, 1, 8, 8])],
    ["image", () => unet3d({ classes: 2 }).build([1, 1, 7, 8, 8])],
  ])("rejects a bad %s", (argument, make) => {
    expect(make).toThrow(InvalidArgumentError);
    expect(make).toThrow(`${argument}: expected`);
  });
});
