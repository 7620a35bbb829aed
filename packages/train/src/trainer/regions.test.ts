import { Random, type Region, tensor } from "@pixelcal/core";
import { modelMetadata, OnnxFile, withMetadata } from "@pixelcal/graph";
import { crossEntropy, oneVsRest } from "@pixelcal/losses";
import { describe, expect, test } from "vitest";
import { regionHeadsOf } from "../model/region-heads.js";
import { unet2d } from "../model/unet2d.js";
import { Network } from "../predict/network.js";
import { regionLabels } from "../predict/region-labels.js";
import { RegionScores } from "./region-scores.js";
import { Trainer } from "./trainer.js";
import { smallUnet, squares } from "./training.test.helper.js";

const regions: readonly Region[] = [
  { name: "square", labels: [1, 2] },
  { name: "top", labels: [2] },
];
const loss = oneVsRest(crossEntropy, { regions, classes: 3 });

/** Squares whose upper rows, of the image's upper half, have the label 2. */
function nested(seed: number) {
  const batch = squares(seed);
  const labels = Uint8Array.from(batch.labels.data as Uint8Array, (label, i) =>
    label === 1 && i % 256 < 128 ? 2 : label,
  );
  return { ...batch, labels: tensor("uint8", labels, batch.labels.dims) };
}

describe("a network of sigmoid heads", () => {
  test("learns overlapping regions, and its file predicts the same probabilities", async () => {
    const trainer = await Trainer.create({ ...smallUnet, loss, seed: 3 });
    try {
      const first = (await trainer.step(nested(0))).loss;
      let last = first;
      for (let step = 1; step < 80; step++) last = (await trainer.step(nested(step))).loss;
      expect(last).toBeLessThan(first / 2);
      const { images, labels } = nested(99);
      const probs = await trainer.predict(images);
      // Sigmoids: the probabilities of overlapping regions may sum to more than 1.
      expect(Math.max(...probs.data.slice(0, 256).map((p, i) => p + probs.data[256 + i]!))).toBeGreaterThan(
        1.2,
      );
      const wrong = [...(labels.data as Uint8Array)].filter((label, at) => {
        const [n, i] = [Math.floor(at / 256), at % 256];
        return regions.some(
          (region, head) => region.labels.includes(label) !== probs.data[(2 * n + head) * 256 + i]! > 0.5,
        );
      });
      expect(wrong.length / labels.data.length).toBeLessThan(0.1);

      const file = trainer.exportModel();
      const network = new Network({ model: file });
      const own = await network.predict(images);
      expect(network.activation).toBe("sigmoid");
      for (const [i, p] of own.data.entries()) expect(p).toBeCloseTo(probs.data[i]!, 5);
      await network.close();
    } finally {
      await trainer.close();
    }
  });

  test("needs a channel for each region, and no softmax", async () => {
    await expect(
      Trainer.create({ ...smallUnet, loss, model: unet2d({ classes: 3, base: 2 }) }),
    ).rejects.toThrow("model: expected 2 channels, one a region, got 3");
    const plain = await Trainer.create(smallUnet);
    const logits = new OnnxFile(plain.exportModel());
    await plain.close();
    const heads = await Trainer.create({ ...smallUnet, model: logits, loss });
    await heads.close();
  });
});

test("a file of logits that carries regions is predicted with sigmoids; damaged ones are refused", async () => {
  const plain = await Trainer.create(smallUnet);
  const bytes = plain.exportModel();
  const { images } = squares(1);
  const logits = await plain.logits(images);
  await plain.close();
  const carrying = (text: string) => Buffer.concat(withMetadata(bytes, { "pixelcal.regions": text }));
  const network = new Network({ model: carrying(JSON.stringify({ regions, classOrder: [1, 2] })) });
  const probs = await network.predict(images);
  for (const [i, p] of probs.data.entries()) expect(p).toBeCloseTo(1 / (1 + Math.exp(-logits.data[i]!)), 5);
  expect(network.regions).toEqual({ regions, classOrder: [1, 2] });
  await network.close();
  expect(regionHeadsOf(bytes)).toBeUndefined();
  expect(modelMetadata(bytes)).not.toHaveProperty("pixelcal.regions");
  for (const [text, message] of [
    ["{", "model: pixelcal.regions: is not JSON"],
    [JSON.stringify({ regions: [] }), "model: pixelcal.regions: Too small"],
    [JSON.stringify({ regions, classOrder: [1] }), "classOrder: expected 2 labels, one a region, got 1"],
  ] as const)
    expect(() => new Network({ model: carrying(text) })).toThrow(message);
  const three = [...regions, { name: "more", labels: [1] }];
  const misfit = new Network({ model: carrying(JSON.stringify({ regions: three })) });
  await expect(misfit.predict(images)).rejects.toThrow("model: expected 3 channels, one a region, got 2");
  await misfit.close();
});

test("validation scores every region as two classes, without ignored pixels", async () => {
  const random = Random.fromSeed(4);
  const [images, pixels] = [3, 50];
  const batch = () => ({
    logits: tensor(
      "float32",
      Float32Array.from({ length: images * 2 * pixels }, () => 2 * random.normal()),
      [images, 2, 5, 10],
    ),
    labels: tensor(
      "uint8",
      Uint8Array.from({ length: images * pixels }, (_, i) => (i % 7 === 0 ? 9 : random.integer(3))),
      [images, 5, 10],
    ),
  });
  const batches = [batch(), batch()];
  const scores = new RegionScores(regions, 9);
  const parts = batches.map(() => new RegionScores(regions, 9));
  for (const [i, { logits, labels }] of batches.entries()) {
    await scores.add({ batch: i, loss: i }, logits, labels);
    await parts[i]!.add({ batch: i, loss: i }, logits, labels);
  }
  const found = scores.compute();
  // The slow twin: pixel by pixel.
  const nlls: number[] = [];
  const dice = regions.map((region, head) => {
    let [both, either] = [0, 0];
    for (const { logits, labels } of batches)
      for (let n = 0; n < images; n++) {
        let [sum, counted] = [0, 0];
        for (let i = 0; i < pixels; i++) {
          const label = labels.data[n * pixels + i]!;
          if (label === 9) continue;
          const z = logits.data[(2 * n + head) * pixels + i]!;
          const inside = region.labels.includes(label);
          sum += Math.log(1 + Math.exp(inside ? -z : z));
          counted += 1;
          either += Number(inside) + Number(z > 0);
          both += Number(inside && z > 0);
        }
        nlls.push(sum / counted);
      }
    return (2 * both) / either;
  });
  for (const [r, value] of dice.entries()) expect(found.classes.dice[r]).toBeCloseTo(value, 12);
  expect(found.dice).toBeCloseTo((dice[0]! + dice[1]!) / 2, 12);
  expect(found.nll).toBeCloseTo(nlls.reduce((a, b) => a + b, 0) / nlls.length, 6);
  expect(found.loss).toBe(0.5);
  const sent = JSON.parse(JSON.stringify(parts.map((part) => part.part())));
  expect(new RegionScores(regions, 9).merged(sent).compute()).toEqual(found);
});

describe("regionLabels", () => {
  test("later heads write over earlier ones", async () => {
    const probs = tensor("float32", Float32Array.of(0.9, 0.6, 0.5, 0.2, 0.1, 0.8, 0.6, 0.5), [2, 2, 2]);
    expect(await regionLabels(probs, [3, 1])).toEqual(tensor("uint8", Uint8Array.of(3, 1, 1, 0), [2, 2]));
    expect((await regionLabels(probs, [300, 1])).data).toEqual(Uint16Array.of(300, 1, 1, 0));
  });

  test("refuses an order of another length", async () => {
    const probs = tensor("float32", new Float32Array(8), [2, 2, 2]);
    await expect(regionLabels(probs, [1])).rejects.toThrow(
      "classOrder: expected 2 labels, one a region, got 1",
    );
  });
});
