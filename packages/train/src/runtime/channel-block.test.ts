import { Random, type Tensor, tensor } from "@pixelcal/core";
import { type Graph, interpret, lower } from "@pixelcal/graph";
import { caseGraph, difference, feedsOf, operatorCases, planeCases } from "@pixelcal/graph/testing";
import { crossEntropy } from "@pixelcal/losses";
import { describe, expect, it } from "vitest";
import { rolesOf } from "../model/image-and-logits.js";
import { plainUnet } from "../model/staged-unet.js";
import { unet2d } from "../model/unet2d.js";
import {
  buildEvaluationGraph,
  buildInferenceGraph,
  buildStepGraph,
  type GraphLayout,
  targetInput,
} from "../trainer/step-graph.js";
import { channelBlock } from "./channel-block.js";
import { createSession } from "./session.js";

const block = await channelBlock("cpu");
const model = unet2d({ classes: 2, base: 16, seed: 3 }).build([2, 1, 24, 24]);
const volumes = plainUnet({
  dimensions: 3,
  classes: 2,
  base: 16,
  seed: 3,
  strides: [
    [1, 2, 2],
    [2, 2, 2],
  ],
}).build([2, 1, 4, 16, 16]);
const loss = crossEntropy();
const optionsOf = (network: Graph) =>
  ({ loss, trainable: rolesOf(network).parameters, device: "cpu" }) as const;
const operators = (graph: Graph): Set<string> =>
  new Set(graph.nodes.map(({ opType, domain }) => domain + opType));

it("is a power of two, and 1 on other devices", async () => {
  expect([1, 8, 16]).toContain(block);
  expect([await channelBlock("webgpu"), await channelBlock("cuda")]).toEqual([1, 1]);
});

describe.skipIf(block === 1)(
  "planes and volumes in blocks of channels, where the processor has kernels for them",
  () => {
    it("serve a whole step", () => {
      const graph = buildStepGraph(model, { ...optionsOf(model), trainable: [], block });
      expect(operators(graph)).toContain("com.microsoft.nchwcMaxPool");
      expect(graph.nodes.filter(({ opType }) => opType === "ReorderInput")).toEqual([]);
      expect(graph.nodes.filter(({ opType, domain }) => /^Conv/.test(opType) && domain === "")).toEqual([]);
    });

    it("serve a whole step of volumes, with strided convolutions and instance norms", () => {
      const graph = buildStepGraph(volumes, { ...optionsOf(volumes), trainable: [], block });
      expect(operators(graph)).not.toContain("InstanceNormalization");
      expect(graph.nodes.filter(({ opType, domain }) => /^Conv/.test(opType) && domain === "")).toEqual([]);
      const trained = buildStepGraph(volumes, { ...optionsOf(volumes), block });
      const plain = trained.nodes.filter(({ opType, domain }) => /^Conv/.test(opType) && domain === "");
      expect(plain.map(({ name }) => name).filter((name) => !name.includes("WeightGradient"))).toEqual([]);
      // Slices are taken from depth and put back for the head alone: every value of a layer stays in blocks.
      expect(trained.nodes.filter(({ opType }) => opType === "ReorderInput")).toEqual([]);
    });

    const builds: readonly [string, (model: Graph, layout: GraphLayout) => Graph][] = [
      ["step", (model, layout) => buildStepGraph(model, { ...optionsOf(model), ...layout })],
      [
        "frozen step",
        (model, layout) => buildStepGraph(model, { ...optionsOf(model), batchNorm: "frozen", ...layout }),
      ],
      ["evaluation", (model, layout) => buildEvaluationGraph(model, loss, layout)],
      ["inference", (model, layout) => buildInferenceGraph(model, layout)],
    ];
    const graphs = [model, volumes].flatMap((network) =>
      builds.map(([name, build]) => [name, network.name, network, build] as const),
    );

    it.each(graphs)("change nothing about the %s of %s", async (_, _name, network, build) => {
      const random = Random.fromSeed(7);
      const graph = build(network, { device: "cpu" });
      const [n, , ...size] = network.inputs[0]!.dims as [number, number, ...number[]];
      const pixels = n * size.reduce((a, b) => a * b, 1);
      const labels = new Uint8Array(pixels).fill(1, pixels / 4, (3 * pixels) / 4);
      const targets = await loss.targets(tensor("uint8", labels, [n, ...size]), { classes: 2 });
      const feeds: Record<string, Tensor> = {};
      for (const { name, dims } of graph.inputs) {
        const noise = new Float32Array(dims.reduce((a, b) => a * b, 1)).map(
          () => 0.2 + Math.abs(random.normal()),
        );
        const weight = network.initializers.get(name);
        feeds[name] = dims.length > 1 && weight ? weight : tensor("float32", noise, dims);
      }
      for (const [name, target] of Object.entries(targets)) feeds[targetInput(name)] = target;
      const run = async (layout: GraphLayout) => {
        const session = await createSession(build(network, layout), { threads: 2 });
        const needed = Object.fromEntries(session.inputs.map(({ name }) => [name, feeds[name]!]));
        const outputs = await session.run(needed);
        await session.close();
        return outputs;
      };
      const plain = await run({ device: "cpu" });
      const laid = await run({ device: "cpu", block });
      for (const [name, { data }] of Object.entries(plain)) {
        let [most, apart] = [0, 0];
        for (const [i, value] of (data as Float32Array).entries()) {
          most = Math.max(most, Math.abs(value));
          apart = Math.max(apart, Math.abs(Number(laid[name]!.data[i]) - value));
        }
        expect(apart, name).toBeLessThan(2e-4 * most + 1e-6);
      }
    });

    it.each([...planeCases, ...operatorCases.filter(({ name }) => /Conv|Pool|Norm/.test(name))])(
      "$name",
      async (operatorCase) => {
        const { graph } = caseGraph(operatorCase, "float32");
        const feeds = feedsOf(operatorCase, "float32");
        const expected = interpret(graph, feeds);
        const session = await createSession(lower(graph, { device: "cpu", block }), { threads: 2 });
        try {
          const needed = Object.fromEntries(session.inputs.map(({ name }) => [name, feeds[name]!]));
          const actual = await session.run(needed);
          for (const [name, tensor] of Object.entries(expected)) {
            expect(actual[name]!.dims, name).toEqual(tensor.dims);
            expect(difference(actual[name]!, tensor), name).toBeLessThan(1e-4);
          }
        } finally {
          await session.close();
        }
      },
    );
  },
);
