import { type Graph, interpret, lower } from "@pixelcal/graph";
import { caseGraph, difference, feedsOf, operatorCases, planeCases } from "@pixelcal/graph/testing";
import { crossEntropy } from "@pixelcal/losses";
import { describe, expect, it } from "vitest";
import { channelBlock } from "./channel-block.js";
import { unet2d } from "./models/unet2d.js";
import { createSession } from "./session.js";
import { buildStepGraph } from "./step-graph.js";

const block = await channelBlock("cpu");
const operators = (graph: Graph): Set<string> =>
  new Set(graph.nodes.map(({ opType, domain }) => domain + opType));

it("is a power of two, and 1 on other devices", async () => {
  expect([1, 8, 16]).toContain(block);
  expect([await channelBlock("webgpu"), await channelBlock("cuda")]).toEqual([1, 1]);
});

describe.skipIf(block === 1)("planes in blocks of channels, where the processor has kernels for them", () => {
  it("serve a whole step", () => {
    const model = unet2d({ classes: 2, base: 16 }).build([2, 1, 8, 8]);
    const graph = buildStepGraph(model, { loss: crossEntropy(), trainable: [], device: "cpu", block });
    expect(operators(graph)).toContain("com.microsoft.nchwcMaxPool");
    expect(graph.nodes.filter(({ opType }) => opType === "ReorderInput")).toEqual([]);
    // All but the last, of two classes.
    expect(graph.nodes.filter(({ opType, domain }) => opType === "Conv" && domain === "").length).toBe(1);
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
