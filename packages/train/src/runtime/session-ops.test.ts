import { interpret, type LoweringDevice, lower } from "@pixelcal/graph";
import { caseGraph, difference, feedsOf, operatorCases } from "@pixelcal/graph/testing";
import { describe, expect, test } from "vitest";
import { createSession } from "./session.js";

const cases = operatorCases.map((operatorCase) => [operatorCase.name, operatorCase] as const);

describe.each<LoweringDevice>(["any", "cpu"])(
  "lowered for %s, onnxruntime agrees with the interpreter",
  (device) => {
    test.each(cases)("%s", async (_, operatorCase) => {
      const { graph } = caseGraph(operatorCase, "float32");
      const feeds = feedsOf(operatorCase, "float32");
      const expected = interpret(graph, feeds);
      const session = await createSession(lower(graph, { device }), { threads: 1 });
      const needed = Object.fromEntries(session.inputs.map(({ name }) => [name, feeds[name]!]));
      const actual = await session.run(needed);
      await session.close();
      for (const [name, tensor] of Object.entries(expected)) {
        expect(difference(actual[name]!, tensor), name).toBeLessThan(1e-4);
      }
    });
  },
);
