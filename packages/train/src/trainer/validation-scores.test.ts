import { type Labels, Random, type Tensor, tensor } from "@pixelcal/core";
import { describe, expect, test } from "vitest";
import { cut } from "../data/patches.js";
import { ValidationScores } from "./validation-scores.js";

const classes = 3;
const pixels = 60;

interface Image {
  readonly logits: Float32Array;
  readonly labels: Uint8Array;
}

function images(seed: number, count: number, absent = -1): Image[] {
  const random = Random.fromSeed(seed);
  return Array.from({ length: count }, () => ({
    logits: Float32Array.from({ length: classes * pixels }, (_, i) =>
      Math.floor(i / pixels) === absent ? -50 : 3 * random.normal(),
    ),
    labels: Uint8Array.from({ length: pixels }, (_, i) => {
      const label = random.integer(classes);
      return i % 9 === 0 ? 255 : label === absent ? 0 : label;
    }),
  }));
}

const batch = (all: readonly Image[]) => ({
  logits: tensor("float32", Float32Array.from(all.flatMap(({ logits }) => [...logits])), [
    all.length,
    classes,
    6,
    10,
  ]),
  labels: tensor("uint8", Uint8Array.from(all.flatMap(({ labels }) => [...labels])), [all.length, 6, 10]),
});

async function scoresOf(parts: readonly (readonly Image[])[]) {
  const scores = new ValidationScores(classes, 255);
  for (const [index, part] of parts.entries()) {
    const { logits, labels } = batch(part);
    await scores.add({ batch: index, loss: 0.25 }, logits, labels);
  }
  return scores.compute();
}

/** Scores pixel by pixel, in the words of the definitions. */
function twin(all: readonly Image[]) {
  const found = all.flatMap(({ logits, labels }) =>
    [...labels].flatMap((label, i) => {
      if (label === 255) return [];
      const z = Array.from({ length: classes }, (_, c) => Math.exp(logits[c * pixels + i]!));
      const sum = z.reduce((a, b) => a + b, 0);
      return [{ label, p: z.map((value) => value / sum) }];
    }),
  );
  const dice = Array.from({ length: classes }, (_, c) => {
    const predicted = found.filter(({ p }) => p.indexOf(Math.max(...p)) === c);
    const truth = found.filter(({ label }) => label === c);
    const both = predicted.filter(({ label }) => label === c);
    return (2 * both.length) / (predicted.length + truth.length);
  });
  const ece = Array.from({ length: classes }, (_, c) => {
    let error = 0;
    for (let bin = 0; bin < 10; bin++) {
      const inside = found.filter(({ p }) => Math.min(9, Math.floor(p[c]! * 10)) === bin);
      const gap = inside.reduce((sum, { label, p }) => sum + p[c]! - (label === c ? 1 : 0), 0);
      error += Math.abs(gap) / found.length;
    }
    return error;
  });
  return { dice, ece };
}

describe("ValidationScores", () => {
  const all = images(1, 5);

  test("scores the pixels of all images together, by class", async () => {
    const { dice, ece, classes: perClass } = await scoresOf([all.slice(0, 2), all.slice(2)]);
    const expected = twin(all);
    for (const [c, value] of expected.dice.entries()) expect(perClass.dice[c]).toBeCloseTo(value, 12);
    for (const [c, value] of expected.ece.entries()) expect(perClass.ece[c]).toBeCloseTo(value, 5);
    expect(dice).toBeCloseTo((expected.dice[1]! + expected.dice[2]!) / 2, 12);
    expect(ece).toBeCloseTo(expected.ece.reduce((a, b) => a + b, 0) / classes, 5);
    expect(perClass.pece.every((value) => value! > 0)).toBe(true);
  });

  test("gives the same bits whoever scored which batches", async () => {
    const parts = Array.from({ length: 3 }, () => new ValidationScores(classes, 255));
    const whole = new ValidationScores(classes, 255);
    for (const [index, one] of all.entries()) {
      const { logits, labels } = batch([one]);
      for (const scores of [whole, parts[index % 2]!])
        await scores.add({ batch: index, loss: Math.sin(index) }, logits, labels);
    }
    // The third has no batch. A part travels as JSON.
    const sent = parts.map((part) => JSON.parse(JSON.stringify(part.part())));
    const merged = whole.merged(sent).compute();
    expect(merged).toEqual(whole.compute());
    expect(merged.loss).toBeCloseTo(all.reduce((sum, _, i) => sum + Math.sin(i), 0) / all.length, 12);
  });

  test("gives the same bits however the images are batched", async () => {
    expect(await scoresOf(all.map((one) => [one]))).toEqual(await scoresOf([all]));
  });

  test("a class that neither labels nor predictions have does not count", async () => {
    const { dice, classes: perClass } = await scoresOf([images(2, 3, 2)]);
    expect(perClass.dice[2]).toBeNull();
    expect(dice).toBe(perClass.dice[1]);
  });

  test("swapped foreground classes score 0, a perfect prediction and no foreground at all 1", async () => {
    const labels = Uint8Array.from({ length: pixels }, (_, i) => i % classes);
    const hot = (order: readonly number[], of: Uint8Array) =>
      Float32Array.from({ length: classes * pixels }, (_, i) =>
        order[of[i % pixels]!] === Math.floor(i / pixels) ? 9 : 0,
      );
    expect((await scoresOf([[{ labels, logits: hot([0, 2, 1], labels) }]])).dice).toBe(0);
    expect((await scoresOf([[{ labels, logits: hot([0, 1, 2], labels) }]])).dice).toBe(1);
    const empty = new Uint8Array(pixels);
    expect((await scoresOf([[{ labels: empty, logits: hot([0, 1, 2], empty) }]])).dice).toBe(1);
  });

  test("pixels beyond the part that a case fills change nothing", async () => {
    const { logits, labels } = batch(all.slice(0, 2));
    const window = { origin: [2, 1], size: [3, 8] };
    const inside = async (scores: ValidationScores, filled?: readonly (typeof window)[]) => {
      const from = (of: Tensor) => (filled ? of : cut(of, window));
      await scores.add({ batch: 0, loss: 1, filled }, from(logits) as typeof logits, from(labels) as Labels);
      return scores.compute();
    };
    const found = await inside(new ValidationScores(classes, 255), [window, window]);
    expect(found).toEqual(await inside(new ValidationScores(classes, 255)));
  });

  test("an image in which every pixel is ignored changes nothing", async () => {
    const blank = { logits: all[0]!.logits, labels: new Uint8Array(pixels).fill(255) };
    expect(await scoresOf([[...all, blank]])).toEqual(await scoresOf([all]));
  });
});
