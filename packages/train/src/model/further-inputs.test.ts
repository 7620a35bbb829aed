import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Tensor, tensor } from "@pixelcal/core";
import { type DeclaredValue, Graph, ops, parseModel, serializeModel, withMetadata } from "@pixelcal/graph";
import { crossEntropy } from "@pixelcal/losses";
import { afterAll, describe, expect, test } from "vitest";
import { exampleCalibrators } from "../calibrate/example-calibrators.test.helper.js";
import { fuseCalibrator } from "../calibrate/fuse.js";
import { checkModel } from "../check/check-model.js";
import { Network, type NetworkOptions } from "../predict/network.js";
import { Predictor } from "../predict/service/predictor.js";
import { createSession } from "../runtime/session.js";
import { Trainer } from "../trainer/trainer.js";
import { type FurtherInputs, furtherTensors, imageAmong } from "./further-inputs.js";
import { modelClasses } from "./source.js";

const folder = await mkdtemp(join(tmpdir(), "further-inputs-"));
afterAll(() => rm(folder, { recursive: true }));

const wave = (dims: readonly number[]): Tensor<"float32"> =>
  tensor(
    "float32",
    Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i)),
    dims,
  );

/** A network of an RGB image, the spacing of each sample and a step, which shift its logits. */
function network(batch: number, sizes: readonly number[] = [6, 5]): Graph {
  const graph = new Graph("conditioned");
  const step = graph.input("step", "int64", [batch]);
  const image = graph.input("image", "float32", [batch, 3, ...sizes]);
  const spacing = graph.input("spacing", "float32", [batch, 2]);
  const features = ops.Conv(image, graph.initializer("conv", wave([4, 3, 3, 3])), undefined, {
    pads: [1, 1, 1, 1],
  });
  const embedded = ops.MatMul(spacing, graph.initializer("embedding", wave([2, 4])));
  const shift = ops.Add(embedded, ops.Mul(ops.Reshape(ops.Cast(step, "float32"), [batch, 1]), 0.1));
  const mixed = ops.Relu(ops.Add(features, ops.Reshape(shift, [batch, 4, 1, 1])));
  graph.output("logits", ops.Conv(mixed, graph.initializer("head", wave([2, 4, 1, 1]))));
  return graph;
}

const open = {
  image: ["N", 3, "H", "W"],
  spacing: ["N", 2],
  step: ["N"],
  logits: ["N", 2, "H", "W"],
} as const;
const file = serializeModel(network(1), { dims: open });
const inputs: FurtherInputs = { step: 3, spacing: [1, 2.5] };
const feeds = {
  step: tensor("int64", BigInt64Array.of(3n, 3n), [2]),
  spacing: tensor("float32", Float32Array.of(1, 2.5, 1, 2.5), [2, 2]),
};

async function logits(options: NetworkOptions, images: Tensor<"float32">): Promise<Tensor<"float32">> {
  await using loaded = new Network(options);
  return await loaded.logits(images);
}

/** The obvious way: the runtime gets every input of the file. */
async function fed(images: Tensor<"float32">): Promise<Tensor> {
  await using session = await createSession(serializeModel(network(2)));
  return (await session.run({ ...feeds, image: images })).logits!;
}

describe("inputs beside the image", () => {
  test.each<[string, NetworkOptions["model"]]>([
    // Its Reshape nodes hold a batch of 1.
    ["a file with open sizes", file],
    ["a file", serializeModel(network(2))],
    ["a graph", network(2)],
  ])("have the values given, in %s", async (_, model) => {
    const images = wave([2, 3, 6, 5]);
    const expected = await fed(images);
    const found = await logits({ model, inputs }, images);
    expect(found.dims).toEqual([2, 2, 6, 5]);
    found.data.forEach((value, i) => void expect(value).toBeCloseTo(Number(expected.data[i]), 5));
  });

  test("have values of each sample", async () => {
    const images = wave([2, 3, 6, 5]);
    const all = { step: [3, 4], spacing: [1, 2.5, 2, 1] };
    const found = await logits({ model: network(2), inputs: all }, images);
    const half = { ...images, data: images.data.slice(90), dims: [1, 3, 6, 5] };
    const second = await logits({ model: network(1), inputs: { step: 4, spacing: [2, 1] } }, half);
    second.data.forEach((value, i) => void expect(found.data[60 + i]).toBeCloseTo(value, 5));
  });

  test("have one value for every element", async () => {
    const images = wave([1, 3, 6, 5]);
    const same = await logits({ model: file, inputs: { step: 0, spacing: 2 } }, images);
    expect(await logits({ model: file, inputs: { step: [0], spacing: [2, 2] } }, images)).toEqual(same);
  });

  test("are neither trained nor written", async () => {
    await using trainer = await Trainer.create({
      model: file,
      loss: crossEntropy(),
      inputs,
      batch: [2, 3, 6, 5],
    });
    expect(Object.keys(trainer.parameters)).toEqual(["conv", "embedding", "head"]);
    const labels = tensor(
      "uint8",
      Uint8Array.from({ length: 60 }, (_, i) => i % 2),
      [2, 6, 5],
    );
    const first = await trainer.step({ images: wave([2, 3, 6, 5]), labels });
    expect((await trainer.step({ images: wave([2, 3, 6, 5]), labels })).loss).toBeLessThan(first.loss);
    const written = trainer.exportModel();
    expect(written.length).toBe(file.length);
    const { inputs: kept } = parseModel(written, {
      shapes: { image: [1, 3, 6, 5], step: [1], spacing: [1, 2] },
    });
    expect(kept.map(({ name }) => name)).toEqual(["step", "image", "spacing"]);
  });

  test("travel with a trained file, whose values options override", async () => {
    const images = wave([2, 1, 6, 5]);
    const path = join(folder, "trained.onnx");
    const reading = { inputs, channels: "repeat" } as const;
    const options = { loss: crossEntropy(), batch: [2, 1, 6, 5] } as const;
    await using trainer = await Trainer.create({ ...options, model: file, ...reading });
    await trainer.writeModel(path);
    const written = await readFile(path);
    const expected = await logits({ model: file, ...reading }, images);
    expect(await logits({ model: written }, images)).toEqual(expected);
    expect(modelClasses(written, [1, 1, 6, 5])).toBe(2);
    // One input is given, the other is the file's.
    const other = { step: 7, spacing: inputs.spacing! };
    const overridden = await logits({ model: written, inputs: { step: 7 } }, images);
    expect(overridden).toEqual(await logits({ model: file, ...reading, inputs: other }, images));
    expect(overridden).not.toEqual(expected);
    const report = await checkModel(written, { dims: [1, 1, 6, 5], threads: 1 });
    expect([report.trainable, report.dims, report.carried]).toEqual([true, [1, 1, 6, 5], reading]);
    // Training it further takes the values, and hands on those that it was given.
    await using further = await Trainer.create({ ...options, model: written, inputs: { step: 7 } });
    const same = await further.logits(images);
    same.data.forEach((value, i) => void expect(value).toBeCloseTo(overridden.data[i]!, 5));
    await further.writeModel(path);
    expect(await logits({ model: await readFile(path) }, images)).toEqual(overridden);
    const calibrator = exampleCalibrators(2, 2).find(({ name }) => name === "temperature")!;
    await using calibrated = new Network({ model: fuseCalibrator(written, calibrator) });
    const [after, before] = [await calibrated.predict(images), await calibrator.apply(expected)];
    after.data.forEach((value, i) => void expect(value).toBeCloseTo(before.data[i]!, 5));
    await using plain = new Network({ model: file, ...reading, inputs: other, threads: 1 });
    await using predictor = await Predictor.open({ model: path, threads: 1, preparation: "none" });
    expect(await predictor.predict(images)).toEqual(await plain.predict(images));
  });

  test.each([
    ["{", "is not JSON"],
    ['{"inputs": {"step": "2"}}', "Invalid input"],
    ['{"channels": "mean"}', 'expected "repeat"'],
    ['{"step": 2}', "Unrecognized key"],
  ])("that a file carries are refused if they are damaged: %s", (text, message) => {
    const damaged = Buffer.concat(withMetadata(file, { "pixelcal.reading": text }));
    expect(() => new Network({ model: damaged })).toThrow(`model: pixelcal.reading: `);
    expect(() => new Network({ model: damaged })).toThrow(message);
  });

  test("are part of what check tries and a calibrator is fused to", async () => {
    const report = await checkModel(file, { inputs, dims: [1, 3, 6, 5], threads: 1 });
    expect([report.trainable, report.classes, report.dims]).toEqual([true, 2, [1, 3, 6, 5]]);
    const without = await checkModel(file);
    expect([without.trainable, without.problems]).toEqual([
      false,
      [
        "inputs: expected one input without a value, the image, got step int64 [N] and image float32 [N, 3, H, W] and spacing float32 [N, 2]",
      ],
    ]);
    const calibrator = exampleCalibrators(2, 2).find(({ name }) => name === "temperature")!;
    const fused = fuseCalibrator(file, calibrator, { inputs });
    const images = wave([1, 3, 6, 5]);
    const before = await logits({ model: file, inputs }, images);
    const expected = await calibrator.apply(before);
    await using calibrated = new Network({ model: fused, inputs });
    const after = await calibrated.predict(images);
    after.data.forEach((value, i) => void expect(value).toBeCloseTo(expected.data[i]!, 5));
  });

  test.each<[string, FurtherInputs, string]>([
    ["an unknown name", { stpe: 1 }, "inputs: expected names among step, image, spacing, got stpe"],
    [
      "one of two",
      { step: 1 },
      "inputs: expected one input without a value, the image, got image float32 [N, 3, H, W] and spacing float32 [N, 2]",
    ],
    [
      "the image, too",
      { step: 1, spacing: 1, image: 0 },
      "inputs: expected one input without a value, the image, got values for all 3",
    ],
    ["a fraction", { step: 0.5, spacing: 1 }, "inputs.step: expected int64 numbers, got 0.5"],
    ["NaN", { step: 0, spacing: [1, Number.NaN] }, "inputs.spacing: expected float32 numbers, got [1, NaN]"],
    ["no values", { step: 0, spacing: [] }, "inputs.spacing: expected float32 numbers, got []"],
    [
      "three values",
      { step: 0, spacing: [1, 2, 3] },
      "inputs.spacing: expected 1 value or 2, for dims [1, 2], got 3",
    ],
  ])("are refused: %s", (_, given, message) => {
    expect(() => modelClasses(file, [1, 3, 6, 5], { inputs: given })).toThrow(message);
  });
});

describe("sizes of further inputs", () => {
  const image: DeclaredValue = { name: "image", type: "float32", dims: ["N", 1, "H", "W"] };
  const made = (type: string, dims: readonly (number | string)[], given: number | readonly number[]) =>
    furtherTensors([image, { name: "x", type, dims }], { x: given }, [2, 1, 6, 5]).x!;

  test.each<[readonly (number | string)[], number | readonly number[], readonly number[]]>([
    [[], 7, []],
    [["batch"], 7, [2]],
    [
      ["batch", 3],
      [1, 2, 3],
      [2, 3],
    ],
    [["N", 1, "H", "W"], 1, [2, 1, 6, 5]],
    [
      ["N", "length"],
      [1, 2, 3, 4],
      [2, 2],
    ],
    [
      [1, "length"],
      [1, 2, 3],
      [1, 3],
    ],
  ])("%j with %j are %j", (dims, given, expected) => {
    expect(made("float32", dims, given).dims).toEqual(expected);
  });

  test("keep their type", () => {
    expect(made("bool", [1], 1)).toEqual(tensor("bool", Uint8Array.of(1), [1]));
    expect(made("uint8", [1], 255)).toEqual(tensor("uint8", Uint8Array.of(255), [1]));
    expect(made("float16", [1], 0.5)).toEqual(tensor("float32", Float32Array.of(0.5), [1]));
    expect(() => made("uint8", [1], 256)).toThrow("inputs.x: expected uint8 numbers, got 256");
    expect(() => made("bool", [1], 2)).toThrow("inputs.x: expected bool numbers, got 2");
    expect(() => made("unknown", [1], 2)).toThrow("inputs.x: unknown inputs cannot be given");
    expect(() => made("float32", ["a", "b", "c"], 2)).toThrow("as many values as [a, b, c] takes");
  });

  test("need an image", () => {
    expect(imageAmong([image])).toBe(image);
    expect(() => imageAmong([])).toThrow("got values for all 0");
  });
});

describe("images of one channel for a network of three", () => {
  const gray = wave([2, 1, 6, 5]);
  const size = 30;
  const rgb = tensor(
    "float32",
    Float32Array.from(
      { length: 6 * size },
      (_, i) => gray.data[Math.floor(i / (3 * size)) * size + (i % size)]!,
    ),
    [2, 3, 6, 5],
  );
  const last = new Graph("channels last");
  const image = last.input("image", "float32", [1, 6, 5, 3]);
  const first = ops.Conv(ops.Transpose(image, [0, 3, 1, 2]), last.initializer("conv", wave([2, 3, 1, 1])));
  last.output("logits", ops.Transpose(first, [0, 2, 3, 1]));

  test.each<[string, NetworkOptions]>([
    ["a file", { model: file, inputs }],
    ["a graph", { model: network(1), inputs }],
    ["channels last", { model: serializeModel(last), channelAxis: -1, classAxis: -1 }],
    ["a graph with channels last", { model: last, channelAxis: -1, classAxis: -1 }],
  ])("are repeated: %s", async (_, options) => {
    const expected = await logits(options, rgb);
    const repeated = await logits({ ...options, channels: "repeat" }, gray);
    expect(repeated.dims).toEqual(expected.dims);
    repeated.data.forEach((value, i) => void expect(value).toBeCloseTo(expected.data[i]!, 5));
    // Images that have all channels are taken as they are.
    expect(await logits({ ...options, channels: "repeat" }, rgb)).toEqual(expected);
    await expect(logits(options, gray)).rejects.toThrow();
  });

  test("train it, and check tries one channel", async () => {
    const report = await checkModel(file, { inputs, channels: "repeat", threads: 1 });
    expect([report.trainable, report.dims.slice(0, 2)]).toEqual([true, [1, 1]]);
  });

  test("are refused where the network leaves its channels open, and other modes", () => {
    const anyChannels = serializeModel(network(1), { dims: { ...open, image: ["N", "C", "H", "W"] } });
    const repeat = { inputs, channels: "repeat" } as const;
    expect(() => modelClasses(anyChannels, [1, 1, 6, 5], repeat)).toThrow(
      "channels: the network does not say how many image has",
    );
    expect(() => modelClasses(file, [1, 1, 6, 5], { inputs, channels: "mean" as "repeat" })).toThrow(
      "channels: expected repeat, got mean",
    );
  });
});
