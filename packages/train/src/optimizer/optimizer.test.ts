import { InvalidArgumentError } from "@pixelcal/core";
import { describe, expect, it } from "vitest";
import { adamW, type Optimizer, sgd } from "./optimizer.js";

/** Makes three updates of two parameters by fixed gradients, the second parameter without weight decay. */
async function threeUpdates(optimizer: Optimizer): Promise<number[]> {
  const parameters = [Float32Array.of(1, -2, 3), Float32Array.of(0.5)];
  const slots = Object.fromEntries(
    optimizer.slots.map((slot) => [slot, parameters.map((p) => new Float32Array(p.length))]),
  );
  for (let count = 1; count <= 3; count++) {
    const gradients = [Float32Array.of(0.2 * count, -0.4, 0), Float32Array.of(2)];
    const decays = [true, false];
    await optimizer.update({
      parameters,
      gradients,
      slots,
      decays,
      learningRate: optimizer.learningRate,
      gradientScale: 0.5,
      count,
    });
  }
  return parameters.flatMap((p) => [...p]);
}

/** Computes the same from the definitions, in float64. */
function twin(
  step: (p: number, g: number, state: number[], count: number, decays: boolean) => number,
): number[] {
  return [1, -2, 3, 0.5].map((p, i) => {
    const state = [0, 0];
    for (let count = 1; count <= 3; count++) p = step(p, [0.1 * count, -0.2, 0, 1][i]!, state, count, i < 3);
    return p;
  });
}

describe("optimizers", () => {
  it("adamW follows its definition", async () => {
    const [rate, b1, b2, e, decay] = [0.1, 0.8, 0.9, 1e-3, 0.3];
    const got = await threeUpdates(
      adamW({ learningRate: rate, betas: [b1, b2], epsilon: e, weightDecay: decay }),
    );
    const expected = twin((p, g, state, count, decays) => {
      state[0] = b1 * state[0]! + (1 - b1) * g;
      state[1] = b2 * state[1]! + (1 - b2) * g * g;
      const slope = state[0] / (1 - b1 ** count) / (Math.sqrt(state[1] / (1 - b2 ** count)) + e);
      return p * (decays ? 1 - rate * decay : 1) - rate * slope;
    });
    got.forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i]!, 6);
    });
  });

  it.each([
    { momentum: 0, nesterov: false },
    { momentum: 0.7, nesterov: false },
    { momentum: 0.7, nesterov: true },
  ])("sgd follows its definition with $momentum, nesterov $nesterov", async ({ momentum, nesterov }) => {
    const [rate, decay] = [0.1, 0.3];
    const got = await threeUpdates(sgd({ learningRate: rate, momentum, nesterov, weightDecay: decay }));
    const expected = twin((p, gradient, state, _, decays) => {
      const g = gradient + (decays ? decay * p : 0);
      state[0] = momentum * state[0]! + g;
      const slope = momentum === 0 ? g : nesterov ? g + momentum * state[0] : state[0];
      return p - rate * slope;
    });
    got.forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i]!, 6);
    });
  });

  it.each<[string, () => Optimizer]>([
    ["learningRate", () => adamW({ learningRate: -1 })],
    ["learningRate", () => sgd({ learningRate: Number.NaN })],
    ["weightDecay", () => adamW({ weightDecay: -1 })],
    ["betas", () => adamW({ betas: [0.9, 1] })],
    ["epsilon", () => adamW({ epsilon: 0 })],
    ["momentum", () => sgd({ momentum: 1 })],
    ["nesterov", () => sgd({ nesterov: true })],
    ["decay", () => adamW({ decay: "some" as "all" })],
  ])("rejects a bad %s", (argument, make) => {
    expect(make).toThrow(InvalidArgumentError);
    expect(make).toThrow(`${argument}: `);
  });
});
