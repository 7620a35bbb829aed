import { InvalidArgumentError, tensor } from "@pixelcal/core";
import { describe, expect, test } from "vitest";
import { evaluateWith, waves } from "./evaluate.test.helper.js";
import type { LossState } from "./loss-state.js";
import { lossFromConfig, type NamedLoss } from "./registry.js";

const dims = [2, 3, 4, 5];
// Multiples of 2^-14, so that steps of 2^-12 are exact in float32.
const wave = (amplitude: number, phase: number): Float32Array =>
  waves(
    dims,
    [1.7, 2.3, 0.9, 0.7],
    (angle) => Math.round(amplitude * Math.sin(phase + angle) * 16384) / 16384,
  );
const logits = tensor("float32", wave(4, 0.4), dims);
const labels = tensor(
  "int32",
  Int32Array.from({ length: 40 }, (_, i) => [0, 1, 0, 0, 2, 2, 0][i % 7]!),
  [2, 4, 5],
);

const made = async (config: NamedLoss) => {
  const loss = lossFromConfig(config);
  return { loss, state: loss.state!, targets: await loss.targets(labels, { classes: 3 }) };
};

/** Entry by entry: the pixel's label and its logits. */
const pixels = Array.from({ length: 40 }, (_, pixel) => {
  const [n, i] = [Math.floor(pixel / 20), pixel % 20];
  return { label: labels.data[pixel]!, z: [0, 1, 2].map((c) => logits.data[(n * 3 + c) * 20 + i]!) };
});

const configs: readonly NamedLoss[] = [
  { name: "crac", rhoStep: 1 },
  { name: "cals", margin: 2, rhoStep: 1, ignore: 2 },
  { name: "adaFocal" },
  {
    name: "weighted",
    losses: [
      { weight: 2, loss: { name: "adaFocal", rate: 3 } },
      { weight: 1, loss: { name: "cals", margin: 1 } },
    ],
  },
];

describe.each(configs.map((config) => [JSON.stringify(config), config] as const))("%s", (_, config) => {
  test("changes by what it observed, once an epoch; a saved state gives the same loss", async () => {
    const { loss, state, targets } = await made(config);
    const first = evaluateWith(loss, logits, targets).terms.loss!;
    await state.observe(logits, targets);
    expect(evaluateWith(loss, logits, targets).terms.loss).toBe(first);
    state.update();
    const second = evaluateWith(loss, logits, targets).terms.loss!;
    expect(second).not.toBe(first);
    state.update();
    expect(evaluateWith(loss, logits, targets).terms.loss).toBe(second);
    const saved: unknown = JSON.parse(JSON.stringify(state.save()));
    const other = await made(config);
    other.state.restore(saved);
    expect(evaluateWith(other.loss, logits, other.targets).terms.loss).toBe(second);
    for (const each of [state, other.state]) {
      await each.observe(logits, targets);
      each.update();
    }
    expect(other.state.save()).toEqual(state.save());
    expect(() => other.state.restore({})).toThrow(InvalidArgumentError);
  });

  test("the gradient of a changed state equals finite differences", async () => {
    const { loss, state, targets } = await made(config);
    for (let epoch = 0; epoch < 2; epoch++) {
      await state.observe(logits, targets);
      state.update();
    }
    // Other logits than those observed, whose confidences lie next to the edges of adaFocal's bins.
    const data = wave(3, 1.1);
    const at = (moved: Float32Array) => evaluateWith(loss, tensor("float32", moved, dims), targets);
    const { gradient } = at(data);
    const step = 2 ** -12;
    for (let index = 0; index < data.length; index += 3) {
      const value = (steps: number): number => at(data.with(index, data[index]! + steps * step)).terms.loss!;
      expect(Math.abs((value(1) - value(-1)) / (2 * step) - gradient[index]!)).toBeLessThan(1e-6);
    }
  });
});

const lists = (state: LossState): Readonly<Record<string, readonly number[]>> =>
  state.save() as Readonly<Record<string, readonly number[]>>;

test("cals: a multiplier becomes the mean of what it pushes with, a penalty parameter grows while it is in vain", async () => {
  const { state, targets } = await made({ name: "cals", margin: 2, rho: 0.5, rhoStep: 2 });
  state.arrays(3);
  const h = ({ z }: { z: readonly number[] }, c: number): number => (Math.max(...z) - z[c]! - 2) / 2;
  let lambdas = [1e-6, 1e-6, 1e-6];
  for (let epoch = 1; epoch <= 3; epoch++) {
    await state.observe(logits, targets);
    state.update();
    const rho = epoch === 3 ? 0.6 : 0.5;
    lambdas = lambdas.map((lambda, c) => {
      const pushed = pixels.map((pixel) => Math.min(1e6, Math.max(1e-6, lambda + rho * h(pixel, c))));
      return Math.max(1e-6, pushed.reduce((a, b) => a + b) / pixels.length);
    });
    for (const [c, lambda] of lambdas.entries()) expect(lists(state).lambdas![c]).toBeCloseTo(lambda, 10);
  }
  // The same logits epoch after epoch: the mean is above 0.9 of the one before wherever it is above 0.
  const means = [0, 1, 2].map((c) => pixels.reduce((sum, pixel) => sum + h(pixel, c), 0) / pixels.length);
  expect(lists(state).rhos).toEqual(means.map((mean) => (mean > 0.9 * mean ? 0.6 : 0.5)));
});

test("crac: pixels of the other region count as constraints of 0", async () => {
  const { state, targets } = await made({ name: "crac" });
  await state.observe(logits, targets);
  state.update();
  const near = Array.from(targets.boundary!.data, Number);
  const soft = targets.softLabels!.data as Float32Array;
  for (const region of [1, 0]) {
    for (let c = 0; c < 3; c++) {
      const pushed = pixels.map(({ z }, pixel) => {
        const tau = soft[(Math.floor(pixel / 20) * 3 + c) * 20 + (pixel % 20)]!;
        const h = near[pixel] === region ? Math.abs(tau * (region === 1 ? 1 : 5) - z[c]!) : 0;
        return 1e-6 + 0.1 * h;
      });
      const mean = pushed.reduce((a, b) => a + b) / pixels.length;
      expect(lists(state).lambdas![(1 - region) * 3 + c]).toBeCloseTo(mean, 10);
    }
  }
});

test("adaFocal: over-confident bins focus more, under-confident ones less, until they turn", async () => {
  const one = (confidence: number, right: number): [Float32Array, Int32Array] => {
    const z = Math.log(confidence / (1 - confidence));
    return [
      Float32Array.from({ length: 200 }, (_, i) => (i < 100 ? 0 : z)),
      Int32Array.from({ length: 100 }, (_, i) => (i < right ? 1 : 0)),
    ];
  };
  for (const [right, grows] of [
    [50, true],
    [100, false],
  ] as const) {
    const loss = lossFromConfig({ name: "adaFocal" });
    const [z, y] = one(0.8, right);
    const targets = await loss.targets(tensor("int32", y, [1, 100]), { classes: 2 });
    const gammas: number[] = [];
    for (let epoch = 0; epoch < 12; epoch++) {
      await loss.state!.observe(tensor("float32", z, [1, 2, 100]), targets);
      loss.state!.update();
      gammas.push(lists(loss.state!).gammas![0]!);
    }
    expect(gammas[0]).toBeCloseTo(Math.exp(0.8 - right / 100), 6);
    if (grows) expect(gammas.at(-1)).toBeCloseTo(Math.min(20, Math.exp(12 * 0.3)), 4);
    else expect(gammas.at(-1)).toBeLessThan(0);
  }
});

test("adaFocal's bins hold equally many pixels, and its value follows their exponents", async () => {
  const { loss, state, targets } = await made({ name: "adaFocal" });
  const gammas = Array.from({ length: 15 }, (_, i) => (i - 4) * 0.6);
  const edges = Array.from({ length: 14 }, (_, i) => ((i + 1) / 15) ** 2);
  state.restore({ edges, gammas });
  const values = pixels.map(({ label, z }) => {
    const total = z.reduce((sum, one) => sum + Math.exp(one), 0);
    const p = Math.exp(z[label]!) / total;
    const gamma = gammas[edges.filter((edge) => p > edge).length]!;
    return -(gamma > 0 ? (1 - p) ** gamma : (1 + p) ** -gamma) * Math.log(p);
  });
  const mean = values.reduce((a, b) => a + b) / values.length;
  expect(evaluateWith(loss, logits, targets).terms.loss).toBeCloseTo(mean, 6);
  await state.observe(logits, targets);
  state.update();
  const confidences = pixels.map(
    ({ z }) => 1 / z.reduce((sum, one) => sum + Math.exp(one - Math.max(...z)), 0),
  );
  for (const [i, edge] of lists(state).edges!.entries()) {
    const below = confidences.filter((p) => p <= edge).length;
    expect(below).toBeGreaterThanOrEqual((40 * (i + 1)) / 15);
    expect(below).toBeLessThan((40 * (i + 1)) / 15 + 2);
  }
});
