import { ignoredInRegion, type Region, type Tensor, tensor } from "@pixelcal/core";
import { describe, expect, test } from "vitest";
import { crossEntropy } from "./cross-entropy.js";
import { dice } from "./dice.js";
import { evaluate, exampleOf, golden } from "./evaluate.test.helper.js";
import { oneVsRest } from "./one-vs-rest.js";
import { losses, lossFromConfig, type NamedLoss } from "./registry.js";

// Three classes, whose regions overlap; logits [2, 2, ...] of two heads.
const sheet = exampleOf(golden("sheet").fixture);
const regions: readonly Region[] = [
  { name: "whole", labels: [1, 2] },
  { name: "core", labels: [2] },
];
const [count = 0, , ...spatial] = sheet.logits.dims;
const pixels = spatial.reduce((a, b) => a * b, 1);
const headDims = [count, 2, ...spatial];
const heads = tensor("float32", sheet.logits.data.slice(0, count * 2 * pixels), headDims);
const example = { ...sheet, logits: heads };

/** The logits [N, 2, ...spatial] and the mask of one region, made pixel by pixel. */
function alone(head: number, ignore?: number): typeof sheet {
  const pair = new Float32Array(count * 2 * pixels);
  for (let n = 0; n < count; n++)
    for (let i = 0; i < pixels; i++)
      pair[(2 * n + 1) * pixels + i] = heads.data[(2 * n + head) * pixels + i]!;
  const mask = Uint8Array.from(sheet.labels.data as Uint8Array, (label) =>
    label === ignore ? ignoredInRegion : Number(regions[head]!.labels.includes(label)),
  );
  return {
    ...sheet,
    logits: tensor("float32", pair, headDims),
    labels: tensor("uint8", mask, sheet.labels.dims),
  };
}

// CPC compares pairs of classes, and of two there is one pair alone.
const forTwo = Object.entries(losses).filter(([name]) => name !== "cpc");
const every = forTwo.flatMap(([name, { presets }]) =>
  Object.entries(presets).map(([preset, options]): [string, NamedLoss, boolean] => {
    const key = name === "marginSvls" ? "variant" : "preset";
    return [`${name} ${preset}`, { name, [key]: preset }, "ignore" in options];
  }),
);

describe("the mean over regions of the loss of two classes", () => {
  test.each(every)("%s", async (_, config) => {
    const loss = oneVsRest(() => lossFromConfig(config), { regions, classes: 3 });
    const found = await evaluate(loss, example);
    const parts = await Promise.all([0, 1].map((head) => evaluate(lossFromConfig(config), alone(head))));
    expect(found.terms.loss).toBeCloseTo((parts[0]!.terms.loss! + parts[1]!.terms.loss!) / 2, 9);
    expect(found.terms.core).toBeCloseTo(parts[1]!.terms.loss!, 9);
    for (let n = 0; n < count; n++)
      for (let head = 0; head < 2; head++)
        for (let i = 0; i < pixels; i++)
          expect(found.gradient[(2 * n + head) * pixels + i]).toBeCloseTo(
            parts[head]!.gradient[(2 * n + 1) * pixels + i]! / 2,
            9,
          );
  });

  test.each(every.filter(([, , ignores]) => ignores))("%s leaves ignored pixels out", async (_, config) => {
    const ignore = 7;
    const labels = tensor(
      "uint8",
      Uint8Array.from(sheet.labels.data as Uint8Array, (label, i) => (i % 11 === 0 ? ignore : label)),
      sheet.labels.dims,
    );
    const create = () => lossFromConfig({ ...config, ignore: ignoredInRegion });
    const loss = oneVsRest(create, { regions, classes: 3, ignore });
    expect(loss.ignore).toBe(ignore);
    const { terms, gradient } = await evaluate(loss, { ...example, labels });
    const changed = heads.data.slice();
    const entries: number[] = [];
    labels.data.forEach((label, at) => {
      if (label !== ignore) return;
      const [n, i] = [Math.floor(at / pixels), at % pixels];
      for (let head = 0; head < 2; head++) entries.push((2 * n + head) * pixels + i);
    });
    for (const entry of entries) changed[entry] = 5;
    const after = await evaluate(loss, { ...example, logits: tensor("float32", changed, headDims), labels });
    expect(after.terms).toEqual(terms);
    expect(entries.every((entry) => gradient[entry] === 0)).toBe(true);
    expect(gradient.some((slope) => slope !== 0)).toBe(true);
  });
});

test("of a single region it is the loss of two classes", async () => {
  const head = tensor(
    "float32",
    Float32Array.from(
      { length: count * pixels },
      (_, at) => heads.data[(2 * Math.floor(at / pixels) + 1) * pixels + (at % pixels)]!,
    ),
    [count, 1, ...spatial],
  );
  for (const create of [crossEntropy, dice]) {
    const loss = oneVsRest(create, { regions: [regions[1]!], classes: 3 });
    const found = await evaluate(loss, { ...sheet, logits: head });
    const expected = await evaluate(create(), alone(1));
    expect(found.terms.loss).toBeCloseTo(expected.terms.loss!, 9);
  }
});

test("cross-entropy is the binary one of the sigmoids", async () => {
  const loss = oneVsRest(crossEntropy, { regions, classes: 3 });
  const { terms } = await evaluate(loss, example);
  let sum = 0;
  (sheet.labels.data as Uint8Array).forEach((label, at) => {
    const [n, i] = [Math.floor(at / pixels), at % pixels];
    regions.forEach((region, head) => {
      const p = 1 / (1 + Math.exp(-heads.data[(2 * n + head) * pixels + i]!));
      sum -= Math.log(region.labels.includes(label) ? p : 1 - p);
    });
  });
  expect(terms.loss).toBeCloseTo(sum / (2 * count * pixels), 9);
});

test("a pixel outside every region is outside each, and any label below classes is known", async () => {
  const labels = tensor("uint8", new Uint8Array(count * pixels).fill(3), sheet.labels.dims);
  const loss = oneVsRest(crossEntropy, { regions, classes: 4 });
  const targets = await loss.targets(labels, { classes: 2 });
  expect(Object.keys(targets)).toEqual(["whole.mask", "core.mask"]);
  for (const mask of Object.values<Tensor>(targets))
    expect(mask.data.every((value) => value === 0)).toBe(true);
});

test.each<[string, () => unknown]>([
  ["regions: expected at least 1 region, got ", () => oneVsRest(crossEntropy, { regions: [], classes: 3 })],
  [
    "regions: a is given twice",
    () =>
      oneVsRest(crossEntropy, {
        classes: 3,
        regions: [1, 2].map((label) => ({ name: "a", labels: [label] })),
      }),
  ],
  [
    "regions.whole: expected labels from 0 to 1, got 2",
    () => oneVsRest(crossEntropy, { regions, classes: 2 }),
  ],
  [
    "create: expected a loss that ignores 255, got one that ignores no label",
    () => oneVsRest(() => dice(), { regions, classes: 3, ignore: 7 }),
  ],
  [
    "create: expected a loss that ignores no label, got one that ignores 4",
    () => oneVsRest(() => dice({ ignore: 4 }), { regions, classes: 3 }),
  ],
])("refuses: %s", (message, make) => {
  expect(make).toThrow(message);
});

test("labels that are none and logits of other channels are refused by name", async () => {
  const loss = oneVsRest(crossEntropy, { regions, classes: 2 + 1 });
  const stray = tensor("uint8", new Uint8Array(count * pixels).fill(3), sheet.labels.dims);
  await expect(loss.targets(stray, { classes: 2 })).rejects.toThrow(
    "labels: expected classes 0 to 2, got 3 at pixel 0",
  );
  await expect(loss.targets(sheet.labels, { classes: 3 })).rejects.toThrow(
    "logits: expected 2 channels, one a region, got 3",
  );
});
