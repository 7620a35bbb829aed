import { interpret, lower } from "@pixelcal/graph";
import { caseGraph, difference, feedsOf, operatorCases } from "@pixelcal/graph/testing";
import { describe, expect, it } from "vitest";
import { createSession, DeviceError } from "./session.js";

/** Cases that webgpu lacks: int64 turned into floats, GatherND of batches, and MaxUnpool with its indices. */
const absent = /^(ArgMax|ArgMin|GatherND of a batch|MaxUnpool .*)$/;
/** WGSL asks no more than 2^-11 of them. */
const coarse: readonly string[] = ["Sin", "Cos"];

// Sessions on webgpu are made without a way back to the processor: an operator that it lacks is an error.
describe("lowered for webgpu, onnxruntime agrees with the interpreter", () => {
  it.each(operatorCases)("$name", async (operatorCase) => {
    const { name } = operatorCase;
    const { graph } = caseGraph(operatorCase, "float32");
    const feeds = feedsOf(operatorCase, "float32");
    const opening = createSession(lower(graph, { device: "webgpu" }), { device: "webgpu" });
    if (absent.test(name)) return expect(opening).rejects.toBeInstanceOf(DeviceError);
    const session = await opening;
    try {
      const needed = Object.fromEntries(session.inputs.map((input) => [input.name, feeds[input.name]!]));
      const actual = await session.run(needed);
      for (const [output, tensor] of Object.entries(interpret(graph, feeds))) {
        const limit = coarse.includes(name) ? 2 ** -11 : 1e-4;
        expect(difference(actual[output]!, tensor), output).toBeLessThan(limit);
      }
    } finally {
      await session.close();
    }
  });
});
