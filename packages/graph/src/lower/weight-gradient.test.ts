import { expect, test, vi } from "vitest";
import { interpret, lower } from "../index.js";
import { caseGraph, difference, feedsOf, planeCases } from "../testing/index.js";

// Runs as of volumes that are too large for a test.
vi.mock("./slices.js", async (original) => ({
  ...(await original<typeof import("./slices.js")>()),
  runsOf: (count: number) => Array.from({ length: count }, (_, from) => ({ from, end: from + 1 })),
}));

test.each(planeCases.filter(({ name }) => /^Conv of (volumes|flat|long|a volume)/.test(name)))(
  "the gradient of weights is the sum of those of runs of slices: $name",
  (operatorCase) => {
    const { graph } = caseGraph(operatorCase, "float32");
    const feeds = feedsOf(operatorCase, "float32");
    const expected = interpret(graph, feeds);
    const actual = interpret(lower(graph, { device: "cpu" }), feeds);
    for (const [name, tensor] of Object.entries(expected))
      expect(difference(actual[name]!, tensor), name).toBeLessThan(1e-4);
  },
);
