import type { Tensor } from "@pixelcal/core";
import { describe, expect, test } from "vitest";
import { interpret, lower } from "./index.js";
import { caseGraph, caseLoss, feedsOf, operatorCases } from "./testing/index.js";

const numbers = (tensor: Tensor): number[] => Array.from(tensor.data as ArrayLike<number | bigint>, Number);

/** The largest difference, relative to the largest number once that exceeds one. */
function difference(actual: readonly number[], expected: readonly number[]): number {
  expect(actual.length).toBe(expected.length);
  const scale = Math.max(1, ...expected.map(Math.abs));
  return Math.max(0, ...actual.map((value, at) => Math.abs(value - expected[at]!) / scale));
}

const step = 1e-5;

/** The gradient by central differences, element by element. */
function centralDifferences(loss: (x: Tensor) => number, x: Tensor): number[] {
  const data = Float64Array.from(numbers(x));
  const at = { type: "float64", dims: x.dims, data } as const;
  return Array.from(data, (value, index) => {
    data[index] = value + step;
    const above = loss(at);
    data[index] = value - step;
    const below = loss(at);
    data[index] = value;
    return (above - below) / (2 * step);
  });
}

test("case names are unique", () => {
  const names = operatorCases.map(({ name }) => name);
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
});

describe.each(operatorCases.map((operatorCase) => [operatorCase.name, operatorCase] as const))(
  "%s",
  (_, operatorCase) => {
    test("the gradient equals central differences and lowering changes nothing", () => {
      const { graph, differentiable } = caseGraph(operatorCase, "float64");
      const feeds = feedsOf(operatorCase, "float64");
      const results = interpret(graph, feeds);
      const lossAlone = caseLoss(operatorCase, "float64");
      for (const name of differentiable) {
        const loss = (x: Tensor): number => numbers(interpret(lossAlone, { ...feeds, [name]: x }).loss!)[0]!;
        expect(
          difference(numbers(results[`d${name}`]!), centralDifferences(loss, feeds[name]!)),
          name,
        ).toBeLessThan(1e-6);
      }
      for (const device of ["any", "cpu"] as const) {
        const lowered = interpret(lower(graph, { device }), feeds);
        expect(Object.keys(lowered)).toEqual(Object.keys(results));
        for (const [name, expected] of Object.entries(results)) {
          expect(difference(numbers(lowered[name]!), numbers(expected)), `${device} ${name}`).toBeLessThan(
            1e-10,
          );
        }
      }
    });
  },
);
