import { InvalidArgumentError, tensor, zeros } from "@pixelcal/core";
import { crossEntropy } from "@pixelcal/losses";
import { expect, test } from "vitest";
import * as train from "../index.js";

const model = train.unet2d({ classes: 2, base: 1 });
const loss = crossEntropy();
const graph = model.build([1, 1, 16, 16]);
const smallest = {};
const trainer = { model, loss, batch: [1, 1, 16, 16] };
const image = zeros("float32", [1, 16, 16]);
const logits = zeros("float32", [1, 2, 4]);
const labels = tensor("uint8", new Uint8Array(4), [1, 4]);
const dataset = {
  names: ["a"],
  classes: 2,
  channels: 1,
  rank: 2,
  read: () => Promise.reject(new Error("not to be read")),
  source: () => "a",
};
const predictor = new train.Network({ model });

// Every function with options: where its misspelt option is, and what is meant. None starts before it has
// checked them.
test.each<[string, (options: never) => unknown, object, string, string]>([
  ["adamW", (o) => train.adamW(o), {}, "learningrate", "learningRate"],
  ["sgd", (o) => train.sgd(o), {}, "momentun", "momentum"],
  ["constant", (o) => train.constant(o), {}, "warmUp", "warmup"],
  ["cosine", (o) => train.cosine(o), { epochs: 2 }, "minimun", "minimum"],
  ["unet2d", (o) => train.unet2d(o), { classes: 2 }, "bases", "base"],
  ["unet3d", (o) => train.unet3d(o), { classes: 2 }, "channel", "channels"],
  ["predict", (o) => train.predict(predictor, image, o), {}, "flip", "flips"],
  ["Network", (o) => new train.Network(o), { model }, "thread", "threads"],
  ["modelClasses", (o) => train.modelClasses(model, [1, 1, 16, 16], o), {}, "sead", "seed"],
  ["lossAndGradient", (o) => train.lossAndGradient(loss, logits, labels, o), {}, "spaceing", "spacing"],
  ["createSession", (o) => train.createSession(new Uint8Array(1), o), {}, "optimisation", "optimization"],
  ["Loader", (o) => new train.Loader(dataset, o), { batchSize: 1 }, "batchsize", "batchSize"],
  ["Loader", (o) => new train.Loader(dataset, { batchSize: 1, augment: o }), {}, "flip", "flips"],
  [
    "FileDataset.open",
    (o) => train.FileDataset.open("none", "train", o),
    { classes: 2 },
    "ignored",
    "ignore",
  ],
  ["fit", (o) => train.fit(undefined as never, o), { epochs: 1 }, "patient", "patience"],
  ["Trainer.create", (o) => train.Trainer.create(o), trainer, "optimiser", "optimizer"],
  [
    "Trainer.create",
    (o) => train.Trainer.create({ ...trainer, trainable: o }),
    {},
    "lastLayer",
    "lastLayers",
  ],
  [
    "Trainer.create",
    (o) => train.Trainer.create({ ...trainer, groups: [o] }),
    { match: ["*"], learningRate: 1 },
    "learningRates",
    "learningRate",
  ],
  ["Predictor.open", (o) => train.Predictor.open(o), { model: "none.onnx" }, "timeOut", "timeout"],
  ["checkModel", (o) => train.checkModel(new Uint8Array(1), o), {}, "dim", "dims"],
  ["parseConfig", (o) => train.parseConfig(smallest, o), {}, "runname", "runName"],
  ["buildInferenceGraph", (o) => train.buildInferenceGraph(graph, o), {}, "pack", "packs"],
  ["buildEvaluationGraph", (o) => train.buildEvaluationGraph(graph, loss, o), {}, "pack", "packs"],
  [
    "buildStepGraph",
    (o) => train.buildStepGraph(graph, o),
    { loss, trainable: [] },
    "batchnorm",
    "batchNorm",
  ],
])("%s refuses an option it does not know", async (_, run, valid, wrong, right) => {
  const attempt = async () => run({ ...valid, [wrong]: 1 } as never);
  await expect(attempt()).rejects.toThrow(InvalidArgumentError);
  const hint = right.includes(" ") ? right : `(did you mean "${right}"?)`;
  await expect(attempt()).rejects.toThrow(`.${wrong}: unknown option`);
  await expect(attempt()).rejects.toThrow(hint);
  await expect((async () => run(null as never))()).rejects.toThrow("expected an object, got null");
});

test("a trainer's calls and a session's runs refuse options they do not know", async () => {
  const tiny = await train.Trainer.create(trainer);
  try {
    const images = zeros("float32", trainer.batch);
    const wrong = { weight: "trained" } as never;
    const message = 'choice.weight: unknown option (did you mean "weights"?)';
    await expect(tiny.predict(images, wrong)).rejects.toThrow(message);
    expect(() => tiny.weights(wrong)).toThrow(message);
    expect(() => tiny.weights({ weights: "best" as never })).toThrow("weights: expected trained or averaged");
    expect(() => tiny.exportModel({ spatials: "open" } as never)).toThrow('did you mean "spatial"?');
    expect(() => tiny.exportModel({ spatial: "free" as never })).toThrow("spatial: expected fixed or open");
  } finally {
    await tiny.close();
  }
});
