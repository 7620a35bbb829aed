import { InvalidArgumentError, type Labels, type Tensor, tensor } from "@pixelcal/core";
import { Graph, ops } from "@pixelcal/graph";
import { crossEntropy } from "@pixelcal/losses";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { stack } from "../data/batch.js";
import { identity } from "../data/transforms.js";
import { Network } from "../predict/network.js";
import { predict, predictBatch } from "../predict/predict.js";
import { createSession, type Session } from "../runtime/session.js";
import { lossAndGradient } from "./loss-and-gradient.js";
import { Trainer } from "./trainer.js";
import { smallUnet, squares } from "./training.test.helper.js";

// Whatever takes a tensor compares its numbers with its dims before any work: what is missing would be filled
// with whatever lay in memory before.
const { images, labels } = squares(1);
const floats = images.data.length;

const wrong = <T extends Tensor>(whole: T): readonly [string, T][] => {
  const { data, dims } = whole;
  const cases: readonly [string, unknown][] = [
    ["empty", { ...whole, data: data.subarray(0, 0) }],
    ["short", { ...whole, data: data.subarray(1) }],
    ["long", { ...whole, dims: [1, ...dims.slice(1)] }],
    ["of another array", { ...whole, data: new Float64Array(data.length) }],
    ["a list", { ...whole, data: [...data] }],
    ["without data", { ...whole, data: undefined }],
    ["without dims", { ...whole, dims: undefined }],
    ["null", null],
    ["text", "tensor"],
  ];
  return cases as readonly [string, T][];
};

let trainer: Trainer;
let model: Network;
let session: Session;
beforeAll(async () => {
  trainer = await Trainer.create(smallUnet);
  model = new Network({ model: smallUnet.model.build([2, 1, 16, 16]), threads: 1 });
  const graph = new Graph("twice");
  const image = graph.input("image", "float32", images.dims);
  graph.output("twice", ops.Add(image, image));
  session = await createSession(graph, { threads: 1 });
});
afterAll(() => Promise.all([trainer.close(), model.close(), session.close()]));

type Door = (images: Tensor<"float32">, labels: Labels) => Promise<unknown>;

const imageDoors: readonly [string, Door][] = [
  ["Session.run", (image) => session.run({ image })],
  ["Session.run into", (twice) => session.run({ image: images }, { into: { twice } })],
  ["Trainer.step", (wrongImages) => trainer.step({ images: wrongImages, labels })],
  ["Trainer.gradients", (wrongImages) => trainer.gradients({ images: wrongImages, labels })],
  ["Trainer.evaluateLoss", (wrongImages) => trainer.evaluateLoss({ images: wrongImages, labels })],
  ["Trainer.targets", (wrongImages) => trainer.targets({ images: wrongImages, labels })],
  ["Trainer.predict", (wrongImages) => trainer.predict(wrongImages)],
  ["Trainer.logits", (wrongImages) => trainer.logits(wrongImages)],
  ["Network.predict", (wrongImages) => model.predict(wrongImages)],
  ["Network.logits", (wrongImages) => model.logits(wrongImages)],
  ["predictBatch", (wrongImages) => predictBatch(model, wrongImages).next()],
  ["lossAndGradient", (logits) => lossAndGradient(crossEntropy(), logits, labels)],
];

describe.each(imageDoors)("%s refuses images", (_, door) => {
  it.each(wrong(images))("%s", async (_, bad) => {
    await expect((async () => door(bad, labels))()).rejects.toThrow(InvalidArgumentError);
  });
});

const labelDoors: readonly [string, Door][] = [
  ["Trainer.step", (_, bad) => trainer.step({ images, labels: bad })],
  ["Trainer.gradients", (_, bad) => trainer.gradients({ images, labels: bad })],
  ["Trainer.evaluateLoss", (_, bad) => trainer.evaluateLoss({ images, labels: bad })],
  [
    "lossAndGradient",
    (_, bad) =>
      lossAndGradient(crossEntropy(), tensor("float32", new Float32Array(2 * floats), [2, 2, 16, 16]), bad),
  ],
];

describe.each(labelDoors)("%s refuses labels", (_, door) => {
  it.each(wrong(labels as Labels))("%s", async (_, bad) => {
    await expect((async () => door(images, bad))()).rejects.toThrow(InvalidArgumentError);
  });
});

it("one image is refused as a batch is", async () => {
  for (const [, bad] of wrong(tensor("float32", images.data.subarray(0, 256), [1, 16, 16]))) {
    if (bad?.data instanceof Float32Array && bad.data.length === 256 && bad.dims !== undefined) continue;
    await expect(predict(model, bad)).rejects.toThrow(InvalidArgumentError);
  }
});

it("targets of a loss are whole", () => {
  const part = tensor("float32", new Float32Array(8), [2, 4]);
  const short = { ...part, data: new Float32Array(7) };
  expect(() => stack([part, short], [4], [identity(1), identity(1)])).toThrow(
    "batch: expected 8 elements for dims [2, 4], got 7",
  );
  expect(() => stack([short, part], [4], [identity(1), identity(1)])).toThrow(InvalidArgumentError);
});
