import { Random, type Tensor, tensor } from "@pixelcal/core";
import { type Graph, interpret, lower } from "@pixelcal/graph";
import { caseGraph, difference, feedsOf, operatorCases, planeCases } from "@pixelcal/graph/testing";
import { crossEntropy } from "@pixelcal/losses";
import { describe, expect, it } from "vitest";
import { rolesOf } from "../model/image-and-logits.js";
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
const loss = crossEntropy();
const options = { loss, trainable: rolesOf(model).parameters, device: "cpu" } as const;
const operators = (graph: Graph): Set<string> =>
  new Set(graph.nodes.map(({ opType, domain }) => domain + opType));

it("is a power of two, and 1 on other devices", async () => {
  expect([1, 8, 16]).toContain(block);
  expect([await channelBlock("webgpu"), await channelBlock("cuda")]).toEqual([1, 1]);
});

describe.skipIf(block === 1)("planes in blocks of channels, where the processor has kernels for them", () => {
  it("serve a whole step", () => {
    const graph = buildStepGraph(model, { ...options, trainable: [], block });
    expect(operators(graph)).toContain("com.microsoft.nchwcMaxPool");
    expect(graph.nodes.filter(({ opType }) => opType === "ReorderInput")).toEqual([]);
    // All but the last, of two classes.
    expect(graph.nodes.filter(({ opType, domain }) => opType === "Conv" && domain === "").length).toBe(1);
  });

  const graphs: readonly [string, (layout: GraphLayout) => Graph][] = [
    ["step", (layout) => buildStepGraph(model, { ...options, ...layout })],
    ["frozen step", (layout) => buildStepGraph(model, { ...options, batchNorm: "frozen", ...layout })],
    ["evaluation", (layout) => buildEvaluationGraph(model, loss, layout)],
    ["inference", (layout) => buildInferenceGraph(model, layout)],
  ];

  it.each(graphs)("change nothing about the %s of a network", async (_, build) => {
    const random = Random.fromSeed(7);
    const graph = build({ device: "cpu" });
    const targets = await loss.targets(tensor("uint8", new Uint8Array(1152).fill(1, 300, 900), [2, 24, 24]), {
      classes: 2,
    });
    const feeds: Record<string, Tensor> = {};
    for (const { name, dims } of graph.inputs) {
      const noise = new Float32Array(dims.reduce((a, b) => a * b, 1)).map(
        () => 0.2 + Math.abs(random.normal()),
      );
      const weight = model.initializers.get(name);
      feeds[name] = dims.length > 1 && weight ? weight : tensor("float32", noise, dims);
    }
    for (const [name, target] of Object.entries(targets)) feeds[targetInput(name)] = target;
    const run = async (layout: GraphLayout) => {
      const session = await createSession(build(layout), { threads: 2 });
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
});
