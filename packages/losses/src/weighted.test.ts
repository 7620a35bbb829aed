import { expect, test } from "vitest";
import { crossEntropy } from "./cross-entropy.js";
import { dice } from "./dice.js";
import { evaluate, exampleOf, golden } from "./evaluate.test.helper.js";
import { nacl } from "./nacl.js";
import { svls } from "./svls.js";
import { weighted } from "./weighted.js";

const example = exampleOf(golden("sheet").fixture);

test("values and gradients add up; each loss and each of its terms has a name", async () => {
  const parts = [
    { weight: 0.5, loss: nacl() },
    { weight: 2, loss: nacl({ kernel: "mode", of: "probs" }) },
    { weight: -1, loss: dice() },
  ];
  const sum = await evaluate(weighted(parts), example);
  const alone = await Promise.all(parts.map(({ loss }) => evaluate(loss, example)));
  const total = (pick: (part: (typeof alone)[number]) => number) =>
    alone.reduce((value, part, index) => value + parts[index]!.weight * pick(part), 0);
  expect(sum.terms.loss).toBeCloseTo(
    total(({ terms }) => terms.loss!),
    12,
  );
  sum.gradient.forEach((g, index) => {
    expect(g).toBeCloseTo(
      total(({ gradient }) => gradient[index]!),
      12,
    );
  });
  expect(sum.terms["nacl2.localCalibration"]).toBeCloseTo(alone[1]!.terms.localCalibration!, 12);
  expect(Object.keys(sum.terms).sort()).toEqual([
    "dice",
    "dice.dice",
    "loss",
    "nacl",
    "nacl.crossEntropy",
    "nacl.localCalibration",
    "nacl2",
    "nacl2.crossEntropy",
    "nacl2.localCalibration",
  ]);
});

test("parts share the labels and keep their own targets", () => {
  const loss = weighted([
    { weight: 1, loss: crossEntropy() },
    { weight: 1, loss: svls() },
    { weight: 1, loss: nacl({ kernel: "image-l1" }) },
  ]);
  expect(Object.keys(loss.targetSpecs)).toEqual(["labels", "svls.softLabels", "nacl.softLabels"]);
  expect(loss.needsImage).toBe(true);
  expect(loss.preset).toBe("original");
});

test("what every part ignores counts in nothing", () => {
  const sum = (...labels: (number | undefined)[]) =>
    weighted(labels.map((ignore) => ({ weight: 1, loss: dice({ ignore }) }))).ignore;
  expect(sum(255, 255)).toBe(255);
  expect(sum(255, undefined)).toBeUndefined();
  expect(sum(255, 254)).toBeUndefined();
  expect(sum(undefined)).toBeUndefined();
});
