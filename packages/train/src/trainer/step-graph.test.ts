import { Random, type Tensor, tensor } from "@pixelcal/core";
import { type Graph, interpret, updatedName } from "@pixelcal/graph";
import { diceCrossEntropy, signedDistanceCalibration } from "@pixelcal/losses";
import { describe, expect, it } from "vitest";
import { imageAndLogits, rolesOf, withArrays } from "../model/image-and-logits.js";
import { unet2d } from "../model/unet2d.js";
import { unet3d } from "../model/unet3d.js";
import { createSession } from "../runtime/session.js";
import { buildStepGraph, gradientOutput, lossOutput, targetInput } from "./step-graph.js";

const classes = 3;
const cases = [
  { name: "unet2d", model: unet2d({ classes, base: 2, seed: 1 }), dims: [3, 1, 8, 8] },
  { name: "unet2d of an odd size", model: unet2d({ channels: 2, classes, base: 2 }), dims: [2, 2, 9, 13] },
  { name: "unet3d", model: unet3d({ classes, base: 2, seed: 1 }), dims: [2, 1, 8, 8, 8] },
];

type Feeds = Record<string, Tensor>;

async function feedsOf(model: Graph, loss: ReturnType<typeof diceCrossEntropy>): Promise<Feeds> {
  const random = Random.fromSeed(8);
  const { image } = imageAndLogits(model);
  const [count = 0, , ...size] = image.dims;
  const pixels = size.reduce((a, b) => a * b, count);
  const noise = (length: number): Float32Array => Float32Array.from({ length }, () => random.normal());
  const feeds: Feeds = {
    image: tensor("float32", noise(image.dims.reduce((a, b) => a * b, 1)), image.dims),
  };
  for (const [name, { dims, data }] of model.initializers) {
    // Norms away from 1 and 0, so that nothing cancels by chance.
    const shaken =
      dims.length === 1 ? noise(data.length).map((value) => 1 + 0.3 * value) : (data as Float32Array);
    feeds[name] = tensor("float32", shaken, dims);
  }
  const labels = Uint8Array.from({ length: pixels }, () => random.integer(classes));
  const targets = await loss.targets(tensor("uint8", labels, [count, ...size]), { classes });
  for (const [name, target] of Object.entries(targets)) feeds[targetInput(name)] = target;
  return feeds;
}

describe("step graph", () => {
  it.each(cases)("$name: gradients are the loss's slopes", async ({ model, dims }) => {
    const laid = model.build(dims);
    const loss = signedDistanceCalibration({ preset: "reference" });
    const { parameters } = rolesOf(laid);
    const graph = buildStepGraph(laid, { loss, trainable: parameters });
    const feeds = await feedsOf(laid, loss);
    const outputs = interpret(graph, feeds);
    const random = Random.fromSeed(3);
    const at = (name: string, index: number, change: number): number => {
      const { dims: shape, data } = feeds[name]!;
      const moved = Float64Array.from(data as Float32Array);
      moved[index]! += change;
      return Number(
        interpret(graph, { ...feeds, [name]: tensor("float64", moved, shape) })[lossOutput]!.data[0],
      );
    };
    // A layer of every kind; each step costs two evaluations of the whole graph.
    const step = 1e-6;
    for (const name of [
      "enc1.0.weight",
      "enc2.4.bias",
      "bottleneck.1.weight",
      "up3.weight",
      "up1.bias",
      "head.weight",
    ]) {
      const gradient = outputs[gradientOutput(name)]!.data as Float64Array;
      const index = random.integer(gradient.length);
      const slope = (at(name, index, step) - at(name, index, -step)) / (2 * step);
      expect(Math.abs(gradient[index]! - slope), name).toBeLessThan(1e-6 + 1e-4 * Math.abs(slope));
    }
  });

  it.each(cases)("$name: the runtime agrees with the interpreter", async ({ model, dims }) => {
    const laid = model.build(dims);
    const loss = diceCrossEntropy();
    const graph = buildStepGraph(laid, { loss, trainable: rolesOf(laid).parameters });
    const feeds = await feedsOf(laid, loss);
    const expected = interpret(graph, feeds);
    const session = await createSession(graph, { threads: 1 });
    const got = await session.run(feeds);
    await session.close();
    expect(Object.keys(got).sort()).toEqual(Object.keys(expected).sort());
    for (const [name, { data }] of Object.entries(expected)) {
      const reference = data as Float64Array;
      const scale = Math.max(1e-3, ...reference.map(Math.abs));
      const worst = reference.reduce(
        (most, value, i) => Math.max(most, Math.abs(Number(got[name]!.data[i]) - value)),
        0,
      );
      expect(worst / scale, name).toBeLessThan(1e-4);
    }
  });

  it("moves the running statistics as PyTorch does", async () => {
    const laid = unet2d({ classes, base: 2 }).build([2, 1, 8, 8]);
    const loss = diceCrossEntropy();
    const feeds = await feedsOf(laid, loss);
    const graph = buildStepGraph(laid, { loss, trainable: ["head.weight"] });
    const outputs = interpret(graph, feeds);
    // The first convolution by hand, channel 1.
    const image = feeds.image!.data as Float32Array;
    const weight = (feeds["enc1.0.weight"]!.data as Float32Array).slice(9, 18);
    const values: number[] = [];
    for (let n = 0; n < 2; n++) {
      for (let row = 0; row < 8; row++) {
        for (let column = 0; column < 8; column++) {
          let sum = 0;
          for (let i = 0; i < 9; i++) {
            const [r, c] = [row + Math.floor(i / 3) - 1, column + (i % 3) - 1];
            if (r >= 0 && r < 8 && c >= 0 && c < 8) sum += weight[i]! * image[n * 64 + r * 8 + c]!;
          }
          values.push(sum);
        }
      }
    }
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / (values.length - 1);
    const moved = (name: string, to: number): number => 0.9 * Number(feeds[name]!.data[1]) + 0.1 * to;
    for (const [name, to] of [
      ["enc1.1.running_mean", mean],
      ["enc1.1.running_var", variance],
    ] as const) {
      expect(Number(outputs[updatedName(name)]!.data[1])).toBeCloseTo(moved(name, to), 6);
    }
  });

  it("sorts arrays into parameters and buffers", () => {
    const laid = unet2d({ classes, base: 2 }).build([1, 1, 16, 16]);
    const { parameters, buffers } = rolesOf(laid);
    expect(parameters).toHaveLength(14 * 3 + 3 * 2 + 2);
    expect(buffers).toHaveLength(14 * 2);
    expect([...parameters, ...buffers].sort()).toEqual([...laid.initializers.keys()].sort());
  });

  it("takes arrays for a model only when they fit", () => {
    const laid = unet2d({ classes, base: 2 }).build([1, 1, 16, 16]);
    const arrays = Object.fromEntries(laid.initializers);
    expect([...withArrays(laid, arrays).initializers.keys()]).toEqual([...laid.initializers.keys()]);
    const { "head.bias": bias, ...rest } = arrays;
    expect(() => withArrays(laid, rest)).toThrow("head.bias: missing; expected float32 [3]");
    const wrong = { ...rest, "head.bias": tensor("float32", new Float32Array(2), [2]) };
    expect(() => withArrays(laid, wrong)).toThrow("head.bias: expected float32 [3], got float32 [2]");
    expect(bias!.dims).toEqual([3]);
  });
});
