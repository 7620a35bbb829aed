import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Tensor, tensor } from "@pixelcal/core";
import { OnnxFile, withOutput } from "@pixelcal/graph";
import { onnxModel } from "@pixelcal/graph/testing";
import { crossEntropy } from "@pixelcal/losses";
import { describe, expect, test } from "vitest";
import { calibrateModel } from "../calibrate/calibrate-model.js";
import { exampleCalibrators } from "../calibrate/example-calibrators.test.helper.js";
import { fuseCalibrator, withoutCalibrator } from "../calibrate/fuse.js";
import { checkModel } from "../check/check-model.js";
import type { Dataset } from "../data/dataset-case.js";
import { Network, type NetworkOptions } from "../predict/network.js";
import { Predictor } from "../predict/service/predictor.js";
import { createSession } from "../runtime/session.js";
import { Trainer } from "../trainer/trainer.js";
import { passThrough } from "./pass-through.js";
import { modelClasses } from "./source.js";

const folder = fileURLToPath(new URL("../../test/golden/quantised/", import.meta.url));
const quantised = async (name: string): Promise<Uint8Array> => readFile(join(folder, `${name}.onnx`));

const wave = (dims: readonly number[]): Tensor<"float32"> =>
  tensor(
    "float32",
    Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => 2 * Math.sin(i * i)),
    dims,
  );
const images = wave([2, 1, 10, 12]);
const numbersOf = (values: Tensor): number[] => Array.from(values.data as Float32Array);

/** Returns the output y of a file as the runtime itself makes it. */
async function stored(
  file: Uint8Array,
  feeds: Record<string, Tensor> = { image: images },
): Promise<number[]> {
  await using session = await createSession(file);
  return numbersOf((await session.run(feeds)).y!);
}

async function predicted(
  options: NetworkOptions,
  kind: "predict" | "logits" = "predict",
  given = images,
): Promise<Tensor<"float32">> {
  await using network = new Network(options);
  return await network[kind](given);
}

/** Applies `per` to the values of each pixel along the channels, the slow obvious way. */
function byPixel(values: readonly number[], channels: number, per: (pixel: number[]) => number[]): number[] {
  const size = values.length / 2 / channels;
  const made = new Array<number>(values.length);
  for (let n = 0; n < 2; n++)
    for (let i = 0; i < size; i++) {
      const at = (c: number): number => (n * channels + c) * size + i;
      per(Array.from({ length: channels }, (_, c) => values[at(c)]!)).forEach((value, c) => {
        made[at(c)] = value;
      });
    }
  return made;
}
const softmax = (z: number[]): number[] => {
  const powers = z.map((value) => Math.exp(value - Math.max(...z)));
  return powers.map((value) => value / powers.reduce((a, b) => a + b));
};
const shares = (p: number[]): number[] => p.map((value) => value / p.reduce((a, b) => a + b));

function expectClose(got: Tensor, expected: readonly number[]): void {
  expect(got.data.length).toBe(expected.length);
  numbersOf(got).forEach((value, i) => void expect(value).toBeCloseTo(expected[i]!, 5));
}

describe("a file of operators that cannot be read", () => {
  test.each([
    ["logits_qdq", (y: number[]) => byPixel(y, 3, softmax)],
    ["softmax_qdq", (y: number[]) => byPixel(y, 3, shares)],
    ["softmax_operators", (y: number[]) => byPixel(y, 3, shares)],
    ["softmax_dynamic", (y: number[]) => y],
    ["sigmoid_qdq", (y: number[]) => y],
  ])("is predicted with as the runtime runs it: %s", async (name, meaning) => {
    const model = await quantised(name);
    const network = new Network({ model });
    expect(network.passThrough).toMatch(/^unsupported operators: .*QuantizeLinear/);
    expect(network.activation).toBe(name.startsWith("sigmoid") ? "sigmoid" : "softmax");
    const probs = await network.predict(images);
    expect(probs.dims).toEqual([2, 3, 10, 12]);
    expectClose(probs, meaning(await stored(model)));
    const into = tensor("float32", new Float32Array(probs.data.length), probs.dims);
    expect((await network.predictInto(images, into)).data).toBe(into.data);
    expect(into).toEqual(probs);
    await network.close();
  });

  test("has its logits before the softmax", async () => {
    const model = await quantised("softmax_qdq");
    const place = passThrough(new OnnxFile(model))!.logits!;
    expect(place).not.toBe("y");
    await using session = await createSession(Buffer.concat(withOutput(model, place, 1)));
    const expected = numbersOf((await session.run({ image: images }))[place]!);
    const found = await predicted({ model }, "logits");
    expectClose(found, expected);
    await expect(predicted({ model: await quantised("softmax_operators") }, "logits")).rejects.toThrow(
      "outputs: the logits of y are of 8 bits",
    );
  });

  test("is tried by check, which says why it is not trained", async () => {
    const report = await checkModel(await quantised("softmax_qdq"), { dims: [1, 1, 10, 12] });
    expect(report).toMatchObject({
      trainable: false,
      passThrough: true,
      classes: 3,
      unsupported: ["DequantizeLinear", "QuantizeLinear"],
      problems: ["unsupported operators: DequantizeLinear, QuantizeLinear"],
      providers: [{ device: "cpu", predicts: true, trains: false }],
      logits: [{ output: "y", activation: "softmax", multiLabel: false }],
    });
    await expect(
      Trainer.create({ model: await quantised("softmax_qdq"), loss: crossEntropy(), batch: [1, 1, 10, 12] }),
    ).rejects.toThrow("unsupported operators: DequantizeLinear, QuantizeLinear");
  });

  test("is served by a predictor", async () => {
    const model = await quantised("softmax_dynamic");
    await using predictor = await Predictor.open({ model, preparation: "none" });
    expect(await predictor.predict(images)).toEqual(await predicted({ model }));
  });

  test("is calibrated behind its logits", async () => {
    const model = await quantised("softmax_qdq");
    const calibrator = exampleCalibrators(3, 2).find(({ name }) => name === "distance-temperature")!;
    const fused = fuseCalibrator(model, calibrator, { dims: [2, 1, 10, 12] });
    await using session = await createSession(fused);
    const expected = await calibrator.apply(await predicted({ model }, "logits"));
    const made = byPixel(numbersOf(await predicted({ model: fused }, "logits")), 3, softmax);
    made.forEach((value, i) => void expect(value).toBeCloseTo(expected.data[i]!, 4));
    // The file rounds probabilities to 8 bits behind the calibrator, too.
    const { y } = await session.run({ image: images });
    numbersOf(y!).forEach((value, i) => void expect(Math.abs(value - made[i]!)).toBeLessThan(1 / 256));
    expect(Buffer.compare(withoutCalibrator(fused), model)).toBe(0);
  });

  test("is calibrated on cases", async () => {
    const root = await mkdtemp(join(tmpdir(), "pixelcal-pass-through-"));
    try {
      const model = await quantised("logits_qdq");
      const item = (index: number) => ({
        image: wave([1, 10, 12]),
        labels: tensor(
          "uint8",
          Uint8Array.from({ length: 120 }, (_, i) => (i + index) % 3),
          [10, 12],
        ),
        extras: {},
      });
      const dataset = {
        names: ["a", "b", "c"],
        classes: 3,
        labelRange: { least: 0, most: 2 },
        read: async (index: number) => item(index),
      } as unknown as Dataset;
      const cache = join(root, "logits");
      const { model: fused, fits } = await calibrateModel({ model, dataset, cache, method: "temperature" });
      const { calibrator } = fits[0]!;
      const expected = await calibrator.apply(await predicted({ model }, "logits"));
      expectClose(await predicted({ model: fused }), numbersOf(expected));
      const narrow = await quantised("softmax_operators");
      await expect(calibrateModel({ model: narrow, dataset, cache })).rejects.toThrow(
        "output: the logits of y cannot be reached in a file with unsupported operators: DequantizeLinear, QLinearConv, QuantizeLinear, com.microsoft.QLinearSoftmax; expected a float value of its main graph",
      );
    } finally {
      await rm(root, { recursive: true });
    }
  });

  test("keeps classes that may overlap apart from those that do not", async () => {
    const model = await quantised("sigmoid_qdq");
    expect(() => modelClasses(model, [1, 1, 10, 12])).toThrow("multi-label outputs");
    expect(modelClasses(await quantised("softmax_qdq"), [1, 1, 10, 12])).toBe(3);
    const regions = {
      regions: [
        { name: "a", labels: [1, 2] },
        { name: "b", labels: [2] },
      ],
    };
    await expect(predicted({ model, regions })).rejects.toThrow("expected 2 channels, one a region, got 3");
    const softmaxed = await quantised("softmax_qdq");
    expect(() => new Network({ model: softmaxed, regions })).toThrow(
      "outputs: expected logits or sigmoids, one channel a region, got softmax",
    );
    expect(() => new Network({ model, arrays: {} })).toThrow("arrays: the file cannot take weights");
  });
});

describe("a made file of operators that cannot be read", () => {
  const scale = tensor("float32", Float32Array.of(0.05), []);
  const zero = tensor("uint8", Uint8Array.of(128), []);
  /** Rounds the image, and whatever follows makes y of it. */
  const made = (nodes: Parameters<typeof onnxModel>[1], dims: readonly number[], more = {}): Uint8Array =>
    onnxModel(
      18,
      [
        { op: "QuantizeLinear", inputs: ["image", "scale", "zero"], outputs: ["q"] },
        { op: "DequantizeLinear", inputs: ["q", "scale", "zero"], outputs: ["x"] },
        ...nodes,
      ],
      { image: dims },
      { scale, zero, ...more },
    );
  const two = tensor("float32", Float32Array.of(1, -2), [2, 1, 1, 1]);
  const declared = { y: [2, 2, 10, 12] };

  test("takes channels last, one channel repeated, batches of the file's own size", async () => {
    const rgb = tensor("float32", wave([2, 3, 1, 1]).data, [2, 3, 1, 1]);
    const model = made(
      [
        { op: "Transpose", inputs: ["x"], outputs: ["first"], attributes: { perm: [0, 3, 1, 2] } },
        { op: "Conv", inputs: ["first", "w"], outputs: ["z"] },
        { op: "Transpose", inputs: ["z"], attributes: { perm: [0, 2, 3, 1] } },
      ],
      [1, 10, 12, 3],
      { w: rgb },
    );
    const options = { model, channelAxis: -1, classAxis: -1, channels: "repeat" } as const;
    const found = await predicted(options);
    expect(found.dims).toEqual([2, 2, 10, 12]);
    const perImage = [0, 1].map(async (n) => {
      const pixels = images.data.slice(n * 120, (n + 1) * 120);
      const last = Float32Array.from({ length: 360 }, (_, i) => pixels[Math.floor(i / 3)]!);
      const y = await stored(model, { image: tensor("float32", last, [1, 10, 12, 3]) });
      return Array.from({ length: 240 }, (_, i) => y[(i % 120) * 2 + Math.floor(i / 120)]!);
    });
    expectClose(found, byPixel((await Promise.all(perImage)).flat(), 2, softmax));
    await expect(predicted(options, "predict", wave([2, 1, 9, 12]))).rejects.toThrow(
      "image: the model cannot take",
    );
  });

  test("takes one channel for two classes, of its sigmoid or its logits", async () => {
    const sigmoid = made([{ op: "Sigmoid", inputs: ["x"] }], [2, 1, 10, 12]);
    const p = await stored(sigmoid);
    const both = (values: readonly number[]) =>
      [0, 1].flatMap((n) => {
        const own = values.slice(n * 120, (n + 1) * 120);
        return [...own.map((value) => 1 - value), ...own];
      });
    const sizes = { y: [2, 1, 10, 12] };
    expect(sizes.y).toEqual(images.dims);
    expectClose(await predicted({ model: withDeclared(sigmoid, sizes.y) }), both(p));
    const logits = made([{ op: "Mul", inputs: ["x", "scale"] }], [2, 1, 10, 12]);
    const z = await stored(logits);
    expectClose(
      await predicted({ model: withDeclared(logits, sizes.y) }),
      both(z.map((value) => 1 / (1 + Math.exp(-value)))),
    );
  });

  /** Declares the dims of the output y. */
  function withDeclared(file: Uint8Array, dims: readonly number[]): OnnxFile {
    const read = new OnnxFile(file);
    const [y] = read.proto.graph!.outputs!;
    Object.assign(y!.type!.tensor!, { shape: { dims: dims.map((value) => ({ value })) } });
    return read;
  }

  test.each<[string, Parameters<typeof onnxModel>[1], string]>([
    [
      "a resized softmax",
      [
        { op: "Softmax", inputs: ["x"], outputs: ["p"], attributes: { axis: 1 } },
        { op: "Clip", inputs: ["p"] },
      ],
      "got Clip of a softmax in y: name an output before it",
    ],
    ["class indices", [{ op: "ArgMax", inputs: ["x"], attributes: { axis: 1 } }], "got ArgMax in y"],
    [
      "a softmax over rows",
      [{ op: "Softmax", inputs: ["x"], attributes: { axis: 2 } }],
      "classAxis: expected 2, over which y has its softmax, got 1",
    ],
  ])("is refused for %s", (_, nodes, message) => {
    const file = withDeclared(made(nodes, [2, 1, 10, 12], { w: two }), declared.y);
    expect(() => new Network({ model: file })).toThrow(message);
  });

  test("is refused for images and outputs that the file does not describe", async () => {
    const open = made([{ op: "Sigmoid", inputs: ["x"] }], [2, 1, 10, 12]);
    expect(() => new Network({ model: open })).toThrow(
      "outputs: expected an output that declares its classes, got y [any rank]",
    );
    expect(() => new Network({ model: open, outputs: ["z"] })).toThrow("outputs: expected one of y, got z");
  });
});
