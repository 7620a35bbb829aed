import { boundarySoftLabelsSync, type Tensor, tensor } from "@pixelcal/core";
import { describe, expect, test } from "vitest";
import { diceCrossEntropy } from "./dice.js";
import { evaluate, evaluateWith, exampleOf, golden } from "./evaluate.test.helper.js";
import { signedDistanceCalibration } from "./signed-distance-calibration.js";

const proper = (options: object = {}) => signedDistanceCalibration({ preset: "proper", ...options });
const examples = ["sheet", "volume", "even"].map((name) => [name, exampleOf(golden(name).fixture)] as const);

describe.each(examples)("on %s", (_, example) => {
  test.each([0, 1e-3])("scale %d with dice 1 is Dice and cross-entropy", async (scale) => {
    const got = await evaluate(proper({ scale, dice: 1 }), example);
    const expected = await evaluate(diceCrossEntropy(), example);
    expect(got.terms.loss).toBeCloseTo(expected.terms.loss!, 6);
    got.gradient.forEach((g, i) => void expect(g).toBeCloseTo(expected.gradient[i]!, 6));
  });

  test("the terms from their definitions in float64", async () => {
    const { logits, labels, spacing } = example;
    const options = { scale: 0.8, dice: 0.5, floor: 0.02, alpha: 0.3 };
    const { terms } = await evaluate(proper(options), example);
    const [batch = 0, classes = 0, ...spatial] = logits.dims;
    const pixels = spatial.reduce((a, b) => a * b, 1);
    const soft = boundarySoftLabelsSync(labels, { classes, spacing, scale: 0.8, floor: 0.02 }).data;
    const p = softmax(logits);
    let entropy = 0;
    let squares = 0;
    let overlap = 0;
    for (let n = 0; n < batch; n++) {
      for (let c = 0; c < classes; c++) {
        let [both, all] = [0, 0];
        for (let i = 0; i < pixels; i++) {
          const at = (n * classes + c) * pixels + i;
          const own = Number(labels.data[n * pixels + i]) === c ? 1 : 0;
          entropy -= soft[at]! * Math.log(p[at]!);
          squares += (soft[at]! - p[at]!) ** 2;
          both += own * p[at]!;
          all += own + p[at]!;
        }
        overlap += (2 * both + 1e-5) / (all + 1e-5);
      }
    }
    const count = batch * pixels;
    const expected = {
      crossEntropy: entropy / count,
      dice: 1 - overlap / (batch * classes),
      localCalibration: squares / (count * classes),
    };
    for (const [name, value] of Object.entries(expected)) expect(terms[name]).toBeCloseTo(value, 6);
    const { crossEntropy, dice, localCalibration } = expected;
    expect(terms.loss).toBeCloseTo(crossEntropy + 0.5 * dice + 0.3 * localCalibration, 6);
  });
});

test("without Dice it is least where the prediction is the target", async () => {
  const labels = tensor("uint8", Uint8Array.of(0, 0, 0, 1, 1, 1), [1, 6]);
  const loss = proper({ scale: 1, dice: 0, alpha: 1 });
  const targets = await loss.targets(labels, { classes: 2 });
  const soft = targets.softLabels!.data as Float32Array;
  const logits = (factor: number, shift: number) =>
    tensor(
      "float32",
      Float32Array.from(soft, (t, i) => factor * Math.log(t) + (i < 6 ? 0 : shift)),
      [1, 2, 6],
    );
  const at = (factor: number, shift = 0) => evaluateWith(loss, logits(factor, shift), targets);
  const truth = at(1);
  expect(Math.max(...truth.gradient.map(Math.abs))).toBeLessThan(1e-7);
  for (const other of [at(0.7), at(1.4), at(1, 0.3), at(1, -0.3)])
    expect(other.terms.loss).toBeGreaterThan(truth.terms.loss!);
});

test("pixels of an ignored label are no boundary and count nowhere", async () => {
  const labels = tensor("int32", Int32Array.of(0, 0, 7, 7, 0, 0), [1, 6]);
  const { softLabels } = await proper({ scale: 5, ignore: 7 }).targets(labels, { classes: 2 });
  expect([...(softLabels!.data as Float32Array)]).toEqual([1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0]);
});

test("options of other presets are refused, and values out of range", () => {
  expect(() => proper({ sdfWeight: 1 })).toThrow(
    "signedDistanceCalibration (preset proper).sdfWeight: unknown option; known options: preset, dice, scale, floor, alpha, ignore",
  );
  expect(() => proper({ scale: -1 })).toThrow(
    "signedDistanceCalibration.scale: expected a finite number at least 0, got -1",
  );
  expect(() => proper({ floor: 1 })).toThrow("signedDistanceCalibration.floor: expected a finite number");
  expect(() => signedDistanceCalibration({ dice: 1 })).toThrow(
    "signedDistanceCalibration (preset reference).dice: unknown option",
  );
});

function softmax({ data, dims }: Tensor<"float32">): Float64Array {
  const [batch = 0, classes = 0, ...spatial] = dims;
  const pixels = spatial.reduce((a, b) => a * b, 1);
  const p = Float64Array.from(data, Math.exp);
  for (let n = 0; n < batch; n++) {
    for (let i = 0; i < pixels; i++) {
      const at = (c: number) => (n * classes + c) * pixels + i;
      let sum = 0;
      for (let c = 0; c < classes; c++) sum += p[at(c)]!;
      for (let c = 0; c < classes; c++) p[at(c)]! /= sum;
    }
  }
  return p;
}
