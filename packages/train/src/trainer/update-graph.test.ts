import { Random, type Tensor, tensor } from "@pixelcal/core";
import { interpret } from "@pixelcal/graph";
import { crossEntropy } from "@pixelcal/losses";
import { describe, expect, it } from "vitest";
import { rolesOf } from "../model/image-and-logits.js";
import { unet2d } from "../model/unet2d.js";
import { copies, type NamedArrays } from "../optimizer/named-arrays.js";
import { adamW, type Optimizer, sgd } from "../optimizer/optimizer.js";
import { createSession } from "../runtime/session.js";
import { Pack } from "./pack.js";
import { allPacks } from "./packs.js";
import { buildStepGraph, gradientOutput, lossOutput, targetInput } from "./step-graph.js";
import {
  buildSumGraph,
  buildUpdateGraph,
  gradientOf,
  nextOf,
  normOutput,
  scalarOf,
  slotOf,
} from "./update-graph.js";

const random = Random.fromSeed(4);
const noise = (length: number): Float32Array => Float32Array.from({ length }, () => random.normal());
const flat = (data: Float32Array): Tensor<"float32"> => tensor("float32", data, [data.length]);

const optimizers: { name: string; optimizer: Optimizer }[] = [
  { name: "AdamW", optimizer: adamW({ learningRate: 0.02, weightDecay: 0.1, betas: [0.8, 0.95] }) },
  { name: "plain descent", optimizer: sgd({ learningRate: 0.1, weightDecay: 0.1 }) },
  { name: "momentum", optimizer: sgd({ learningRate: 0.1, momentum: 0.9, weightDecay: 0.1 }) },
  { name: "Nesterov", optimizer: sgd({ learningRate: 0.1, momentum: 0.9, nesterov: true }) },
];

describe("an optimizer in operators", () => {
  it.each(optimizers)("$name does what its kernel does", async ({ optimizer }) => {
    const sizes = { decayed: 37, undecayed: 8 };
    const packs = Object.entries(sizes).map(
      ([name, size]) => new Pack(name, { [`${name} array`]: flat(noise(size)) }, [`${name} array`]),
    );
    const graph = buildUpdateGraph(optimizer, packs);
    const host = packs.map(({ size }) => noise(size));
    const slots = Object.fromEntries(
      optimizer.slots.map((slot) => [slot, packs.map(({ size }) => new Float32Array(size))]),
    );
    let state: Record<string, Tensor> = {};
    for (const [i, { name, size }] of packs.entries()) {
      state[name] = flat(host[i]!.slice());
      for (const slot of optimizer.slots) state[slotOf(slot, name)] = flat(new Float32Array(size));
    }
    const decays = [true, false];
    for (let count = 1; count <= 4; count++) {
      const numbers = { learningRate: 0.05 / count, gradientScale: 0.7, count };
      const gradients = packs.map(({ size }) => noise(size));
      await optimizer.update({ parameters: host, gradients, slots, decays, ...numbers });
      const feeds: Record<string, Tensor> = { ...state };
      for (const [i, { name }] of packs.entries()) {
        feeds[gradientOf(name)] = flat(gradients[i]!);
        for (const [key, value] of Object.entries(
          optimizer.rule.scalars({ ...numbers, decays: decays[i]! }),
        )) {
          feeds[scalarOf(key, name)] = tensor("float64", Float64Array.of(value), [1]);
        }
      }
      const next = interpret(graph, feeds);
      state = Object.fromEntries(Object.keys(state).map((name) => [name, next[nextOf(name)]!]));
      for (const [i, { name }] of packs.entries()) {
        const near = (actual: Tensor, expected: Float32Array): void => {
          for (const [j, value] of expected.entries()) expect(actual.data[j]!).toBeCloseTo(value, 5);
        };
        near(state[name]!, host[i]!);
        for (const slot of optimizer.slots) near(state[slotOf(slot, name)]!, slots[slot]![i]!);
      }
    }
  });

  it("sums gradients and gives their norm, over any number of elements", () => {
    const sizes = [1, 1024, 1025, 70_001];
    const packs = sizes.map((size) => new Pack(`${size}`, { a: flat(new Float32Array(size)) }, ["a"]));
    const feeds: Record<string, Tensor> = {};
    let squares = 0;
    for (const { name, size } of packs) {
      const [a, b] = [noise(size), noise(size)];
      feeds[`a/${name}`] = flat(a);
      feeds[`b/${name}`] = flat(b);
      a.forEach((value, i) => {
        squares += (value + b[i]!) ** 2;
      });
    }
    const results = interpret(buildSumGraph(packs), feeds);
    expect(Number(results[normOutput]!.data[0])).toBeCloseTo(Math.sqrt(squares), 6);
    expect(results[gradientOf("1")]!.data[0]).toBeCloseTo(
      Number(feeds["a/1"]!.data[0]) + Number(feeds["b/1"]!.data[0]),
      6,
    );
  });
});

describe("packs", () => {
  it("gather arrays and scatter them back", () => {
    const arrays: NamedArrays = {
      a: tensor("float32", noise(6), [2, 3]),
      b: tensor("float32", noise(2), [2]),
      c: tensor("float32", noise(1), [1]),
    };
    const pack = new Pack("some", arrays, ["c", "a"]);
    const flatArray = pack.gather(arrays);
    expect([...flatArray.data]).toEqual([...arrays.c!.data, ...arrays.a!.data]);
    const back: NamedArrays = {
      a: tensor("float32", new Float32Array(6), [2, 3]),
      c: flat(new Float32Array(1)),
    };
    pack.scatter(flatArray.data, back);
    expect(back).toEqual({ a: arrays.a, c: arrays.c });
  });

  it("change nothing about a step", async () => {
    const model = unet2d({ classes: 2, base: 2, seed: 1 }).build([2, 1, 8, 8]);
    const { parameters, buffers } = rolesOf(model);
    const arrays = copies(model, [...parameters, ...buffers]);
    const loss = crossEntropy();
    const labels = tensor(
      "uint8",
      Uint8Array.from({ length: 128 }, (_, i) => (i >> 2) & 1),
      [2, 8, 8],
    );
    const shared: Record<string, Tensor> = { image: tensor("float32", noise(128), [2, 1, 8, 8]) };
    for (const [name, target] of Object.entries(await loss.targets(labels, { classes: 2 }))) {
      shared[targetInput(name)] = target;
    }
    const trainable = parameters.filter((name) => !name.startsWith("enc1"));
    const packs = {
      trained: [new Pack("trained", arrays, trainable)],
      frozen: [
        new Pack(
          "frozen",
          arrays,
          parameters.filter((name) => !trainable.includes(name)),
        ),
      ],
      buffers: [new Pack("buffers", arrays, buffers)],
    };
    const run = async (graph: ReturnType<typeof buildStepGraph>, feeds: Record<string, Tensor>) => {
      const session = await createSession(graph, { threads: 1 });
      try {
        return await session.run({ ...shared, ...feeds });
      } finally {
        await session.close();
      }
    };
    const apart = await run(buildStepGraph(model, { loss, trainable }), arrays);
    const fed = Object.fromEntries(allPacks(packs).map((pack) => [pack.name, pack.gather(arrays)]));
    const packed = await run(buildStepGraph(model, { loss, trainable, packs }), fed);
    expect(packed[lossOutput]).toEqual(apart[lossOutput]);
    const gradients = Object.fromEntries(
      trainable.map((name) => [name, apart[gradientOutput(name)] as Tensor<"float32">]),
    );
    const expected = packs.trained[0]!.gather(gradients);
    expect(packed[gradientOf("trained")]!.data).toEqual(expected.data);
    const norm = Math.hypot(...expected.data);
    expect(Math.abs(Number(packed[normOutput]!.data[0]) / norm - 1)).toBeLessThan(1e-6);
    const next = Object.fromEntries(
      buffers.map((name) => [name, apart[`${name}.next`] as Tensor<"float32">]),
    );
    expect(packed[nextOf("buffers")]!.data).toEqual(packs.buffers[0]!.gather(next).data);
  });
});
