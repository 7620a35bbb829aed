import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  adamwUpdate,
  adamwUpdateSync,
  gradientNorm,
  gradientNormSync,
  InvalidArgumentError,
  sgdUpdate,
  sgdUpdateSync,
} from "../index.js";

// Results computed by PyTorch.
interface Golden {
  readonly start: readonly (readonly number[])[];
  readonly gradients: readonly (readonly (readonly number[])[])[];
  readonly norms: readonly number[];
  readonly results: Readonly<Record<string, readonly (readonly number[])[]>>;
}

const path = new URL("../../test/golden/optimizer.json", import.meta.url);
const golden = JSON.parse(readFileSync(path, "utf8")) as Golden;
const arrays = (lists: readonly (readonly number[])[]): Float32Array[] =>
  lists.map((list) => Float32Array.from(list));
const zeros = (): Float32Array[] => golden.start.map((list) => new Float32Array(list.length));

function expectClose(got: readonly Float32Array[], name: string): void {
  golden.results[name]!.forEach((list, array) => {
    list.forEach((value, i) => void expect(Math.abs(got[array]![i]! - value)).toBeLessThanOrEqual(5e-7));
  });
}

describe("follows PyTorch", () => {
  test("AdamW", async () => {
    const [parameters, averages, squares] = [arrays(golden.start), zeros(), zeros()];
    for (const [i, gradients] of golden.gradients.entries()) {
      const rates = {
        learningRate: 0.02,
        beta1: 0.8,
        beta2: 0.95,
        epsilon: 1e-6,
        weightDecay: 0.1,
        step: i + 1,
      };
      await adamwUpdate({ parameters, gradients: arrays(gradients), averages, squares, ...rates });
    }
    expectClose(parameters, "adamw");
  });

  test.each([
    ["sgd", {}],
    ["momentum", { momentum: 0.9 }],
    ["nesterov", { momentum: 0.9, nesterov: true }],
  ])("SGD: %s", (name, options) => {
    const [parameters, velocities] = [arrays(golden.start), zeros()];
    for (const gradients of golden.gradients) {
      const rates = { learningRate: 0.05, weightDecay: [0.1, 0.1], ...options };
      sgdUpdateSync({ parameters, gradients: arrays(gradients), velocities, ...rates });
    }
    expectClose(parameters, name);
  });

  test("the norm of all gradients together", async () => {
    for (const [i, gradients] of golden.gradients.entries()) {
      const norm = await gradientNorm({ gradients: arrays(gradients) });
      expect(Math.abs(norm - golden.norms[i]!)).toBeLessThanOrEqual(1e-7 * norm);
    }
  });
});

test("gradientScale equals scaled gradients; weight decay may differ by array", () => {
  const [a, b] = [arrays(golden.start), arrays(golden.start)];
  const [first, halved] = [arrays(golden.gradients[0]!), arrays(golden.gradients[0]!)];
  for (const gradient of halved) gradient.forEach((g, i) => void (gradient[i] = g * 0.5));
  const rates = { learningRate: 0.1, weightDecay: [0, 0.5] };
  sgdUpdateSync({ parameters: a, gradients: first, gradientScale: 0.5, ...rates });
  sgdUpdateSync({ parameters: b, gradients: halved, ...rates });
  expect(a).toEqual(b);
  const undecayed = golden.start[0]!.map((p, i) => Math.fround(p) - 0.1 * halved[0]![i]!);
  undecayed.forEach((p, i) => void expect(a[0]![i]).toBeCloseTo(p, 6));
});

test("the promises reject what the calls on this thread throw", async () => {
  const options = { parameters: zeros(), gradients: [], learningRate: 0.1 };
  const message = "gradients: expected 2 arrays, got 0";
  await expect(sgdUpdate(options)).rejects.toThrow(message);
  await expect(adamwUpdate({ ...options, averages: zeros(), squares: zeros(), step: 1 })).rejects.toThrow(
    InvalidArgumentError,
  );
  await expect(gradientNorm({ gradients: [], device: "tpu" } as never)).rejects.toThrow("device: ");
});

test("rejected arguments", () => {
  const arraysOf = { parameters: zeros(), gradients: zeros(), averages: zeros(), squares: zeros() };
  const adamw = (options: object) => () =>
    adamwUpdateSync({ ...arraysOf, learningRate: 0.1, step: 1, ...options } as never);
  const sgd = (options: object) => () =>
    sgdUpdateSync({ parameters: zeros(), gradients: zeros(), learningRate: 0.1, ...options } as never);
  for (const [run, message] of [
    [adamw({ learningRate: undefined }), "learningRate: expected a number, got undefined"],
    [adamw({ learningRate: -1 }), "learningRate: expected a number of at least 0, got -1"],
    [adamw({ step: 0 }), "step: expected at least 1, got 0"],
    [adamw({ step: 1.5 }), "step: expected an integer, got 1.5"],
    [adamw({ beta1: 1 }), "beta1: expected at least 0 and below 1, got 1"],
    [adamw({ beta2: -1 }), "beta2: expected at least 0 and below 1, got -1"],
    [adamw({ epsilon: -1 }), "epsilon: expected a number of at least 0, got -1"],
    [adamw({ weightDecay: -1 }), "weightDecay: expected a number of at least 0, got -1"],
    [adamw({ weightDecay: [1] }), "weightDecay: expected 2 numbers, got 1"],
    [adamw({ gradientScale: Number.NaN }), "gradientScale: expected a finite number, got nan"],
    [adamw({ gradients: [] }), "gradients: expected 2 arrays, got 0"],
    [adamw({ averages: [] }), "averages: expected 2 arrays, got 0"],
    [adamw({ squares: undefined }), "squares: expected an array of Float32Array, got undefined"],
    [adamw({ gradients: zeros().reverse() }), "gradients[0]: expected 5 elements, got 21"],
    [sgd({ momentum: 1 }), "velocities: expected an array of Float32Array, got undefined"],
    [sgd({ momentum: 1, velocities: zeros() }), "momentum: expected at least 0 and below 1, got 1"],
    [sgd({ nesterov: true }), "nesterov: expected a momentum above 0, got 0"],
    [sgd({ momentums: 0.9 }), 'options.momentums: unknown option (did you mean "momentum"?)'],
    [sgd({ device: "tpu" }), "device: expected one of cpu"],
    [() => gradientNormSync({ gradients: [1] } as never), "gradients[0]: expected a Float32Array, got 1"],
    [sgd({ nesterov: 1 }), "nesterov: expected a boolean, got 1"],
  ] as const) {
    expect(run).toThrow(InvalidArgumentError);
    expect(run).toThrow(message);
  }
  expect(arraysOf.parameters).toEqual(zeros());
});
