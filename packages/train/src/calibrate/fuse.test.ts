import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Calibrator, elementCount, type Tensor, tensor } from "@pixelcal/core";
import {
  externalModel,
  fromNumbers,
  Graph,
  inspectModel,
  modelMetadata,
  ops,
  serializeModel,
  toNumbers,
  type Value,
} from "@pixelcal/graph";
import { onnxModel } from "@pixelcal/graph/testing";
import { describe, expect, test } from "vitest";
import { checkModel } from "../check/check-model.js";
import { Network } from "../predict/network.js";
import { createSession } from "../runtime/session.js";
import { exampleCalibrators } from "./example-calibrators.test.helper.js";
import { fuseCalibrator, fusedCalibrator, withoutCalibrator } from "./fuse.js";
import { writeCalibrated } from "./write-calibrated.js";

const size = [2, 1, 11, 14];
const weight = (rows: number): Tensor<"float32"> =>
  tensor(
    "float32",
    Float32Array.from({ length: rows * 9 }, (_, i) => 2 * Math.sin(i)),
    [rows, 1, 3, 3],
  );

const pads = { pads: [1, 1, 1, 1] };

/** The bytes of a network of one convolution, of any batch and size, and what follows it. */
function network(rows: number, outputs: (z: Value) => Readonly<Record<string, Value>>): Uint8Array {
  const graph = new Graph("network");
  const image = graph.input("image", "float32", size);
  const z = ops.Conv(image, graph.initializer("w", weight(rows)), undefined, pads);
  const ends = outputs(z);
  for (const [name, value] of Object.entries(ends)) graph.output(name, value);
  const open = (dims: readonly number[]): (number | string)[] =>
    dims.map((n, axis) => (n === 11 ? "H" : n === 14 ? "W" : axis === 0 ? "N" : n));
  const dims = Object.fromEntries(
    [image, ...graph.outputs.values()].map((value) => [value.name, open(value.dims)]),
  );
  return serializeModel(graph, { dims });
}

const image = tensor(
  "float32",
  Float32Array.from({ length: elementCount(size) }, (_, i) => Math.sin(i * i)),
  size,
);

async function run(
  model: Uint8Array,
  feeds: Record<string, Tensor> = { image },
): Promise<Record<string, Tensor>> {
  const session = await createSession(model, { threads: 1 });
  try {
    return await session.run(feeds);
  } finally {
    await session.close();
  }
}

const numbersOf = ({ data }: Tensor): number[] => Array.from(data as Float32Array);
function expectClose(got: Tensor, expected: ArrayLike<number>, within = 1e-5): void {
  expect(got.data.length).toBe(expected.length);
  const far = numbersOf(got).findIndex((value, i) => !(Math.abs(value - expected[i]!) <= within));
  expect(far < 0 ? "" : `${far}: ${got.data[far]} for ${expected[far]}`).toBe("");
}

const named = (name: string, classes: number): Calibrator =>
  exampleCalibrators(classes, 2).find((each) => each.name === name)!;
const distance = named("distance-temperature", 3);

/** Calibrated probabilities of logits, as the calibrator itself gives them. */
const probabilities = async (calibrator: Calibrator, logits: Tensor): Promise<Tensor<"float32">> =>
  calibrator.apply(logits as Tensor<"float32">);

describe("a calibrator in a file", () => {
  const logits = network(3, (z) => ({ logits: z }));

  test("calibrates logits, and keeps name, type, shape and open sizes", async () => {
    const fused = fuseCalibrator(logits, distance);
    expect(inspectModel(fused).outputs).toEqual(inspectModel(logits).outputs);
    expect(inspectModel(fused).opsets).toEqual(inspectModel(logits).opsets);
    const before = (await run(logits)).logits!;
    const expected = await distance.apply(before as Tensor<"float32">, { output: "logits" });
    const { logits: after } = await run(fused);
    const softmaxed = network(3, (z) => ({ probs: ops.Softmax(z, 1) }));
    const { probs } = await run(fuseCalibrator(softmaxed, distance));
    expectClose(probs!, (await probabilities(distance, before)).data);
    expect(after!.dims).toEqual(expected.dims);
    const larger = tensor(
      "float32",
      new Float32Array(5 * 7 * 9).map((_, i) => Math.cos(i)),
      [5, 1, 7, 9],
    );
    expect((await run(fused, { image: larger })).logits!.dims).toEqual([5, 3, 7, 9]);
  });

  test("keeps the logits as they were on demand", async () => {
    const softmaxed = network(3, (z) => ({ probs: ops.Softmax(z, 1) }));
    const results = await run(fuseCalibrator(softmaxed, distance, { keepLogits: true }));
    expect(Object.keys(results)).toEqual(["probs", "probs_uncalibrated"]);
    expectClose(results.probs_uncalibrated!, numbersOf((await run(logits)).logits!), 0);
  });

  test("is described by the metadata, replaced by the next and taken out again", () => {
    const about = { data: "abc", version: "1.2.3" };
    const fused = fuseCalibrator(logits, distance, about);
    expect(fusedCalibrator(fused)).toEqual({
      method: "distance-temperature",
      output: "logits",
      ...about,
      calibrators: [distance.toJSON()],
    });
    const plain = named("temperature", 3);
    const twice = fuseCalibrator(fused, plain);
    expect(Buffer.compare(twice, fuseCalibrator(logits, plain))).toBe(0);
    expect(Buffer.compare(withoutCalibrator(twice), logits)).toBe(0);
    expect(withoutCalibrator(logits)).toBe(logits);
    expect(fusedCalibrator(logits)).toBe(undefined);
    expect(Object.keys(modelMetadata(fused)).every((key) => key.startsWith("pixelcal_calibrator."))).toBe(
      true,
    );
  });

  test("is shown by check, and leaves the model trainable", async () => {
    const report = await checkModel(fuseCalibrator(logits, distance), { dims: size, threads: 1 });
    expect(report.calibrator).toMatchObject({ method: "distance-temperature", output: "logits" });
    expect(report.problems).toEqual([]);
    expect(report.trainable).toBe(true);
  });
});

describe("a volume", () => {
  test.each([1, 3])("a batch of %i of odd sizes is calibrated by each method", async (batch) => {
    const dims = [batch, 1, 5, 9, 7];
    const graph = new Graph("volumes");
    const kernel = tensor(
      "float32",
      Float32Array.from({ length: 81 }, (_, i) => Math.sin(i)),
      [3, 1, 3, 3, 3],
    );
    const z = ops.Conv(graph.input("image", "float32", dims), graph.initializer("w", kernel), undefined, {
      pads: [1, 1, 1, 1, 1, 1],
    });
    graph.output("probs", ops.Softmax(z, 1));
    graph.output("logits", z);
    const model = serializeModel(graph);
    const data = Float32Array.from({ length: elementCount(dims) }, (_, i) => Math.sin(i * i));
    const feeds = { image: tensor("float32", data, dims) };
    const { logits } = await run(model, feeds);
    for (const calibrator of exampleCalibrators(3, 3)) {
      const { probs } = await run(fuseCalibrator(model, calibrator, { output: "probs" }), feeds);
      expectClose(probs!, (await probabilities(calibrator, logits!)).data);
    }
  });
});

describe("the places of logits", () => {
  const before = async (rows: number): Promise<Tensor> => (await run(network(rows, (z) => ({ z })))).z!;

  test.each<[string, (z: Value) => Value]>([
    ["a softmax", (z) => ops.Softmax(z, 1)],
    ["a softmax in several operators", (z) => ops.Div(ops.Exp(z), ops.ReduceSum(ops.Exp(z), [1]))],
    ["a softmax of a copy", (z) => ops.Softmax(ops.Identity(z), 1)],
  ])("before %s", async (_, end) => {
    const expected = await probabilities(distance, await before(3));
    const { probs } = await run(
      fuseCalibrator(
        network(3, (z) => ({ probs: end(z) })),
        distance,
      ),
    );
    expectClose(probs!, expected.data);
  });

  test("before a sigmoid of one channel, and one channel of logits", async () => {
    const calibrator = named("distance-affine", 2);
    const z = await before(1);
    const pixels = z.data.length / 2;
    const two = new Float32Array(4 * pixels);
    for (const n of [0, 1]) two.set(numbersOf(z).slice(n * pixels, (n + 1) * pixels), (2 * n + 1) * pixels);
    const both = await calibrator.apply(tensor("float32", two, [2, 2, 11, 14]));
    const expected = [0, 1].flatMap((n) => numbersOf(both).slice((2 * n + 1) * pixels, (2 * n + 2) * pixels));
    const { probs } = await run(
      fuseCalibrator(
        network(1, (each) => ({ probs: ops.Sigmoid(each) })),
        calibrator,
      ),
    );
    expectClose(probs!, expected);
    const { logit } = await run(
      fuseCalibrator(
        network(1, (each) => ({ logit: each })),
        calibrator,
      ),
    );
    expectClose(
      logit!,
      expected.map((p) => Math.log(p / (1 - p))),
      1e-3,
    );
  });

  test("before sigmoids of several channels, each of its own calibrator", async () => {
    const heads = network(3, (z) => ({ probs: ops.Sigmoid(z) }));
    const calibrators = ["temperature", "distance-temperature", "distance-affine"].map((name) =>
      named(name, 2),
    );
    const z = await before(3);
    const { probs } = await run(fuseCalibrator(heads, calibrators));
    const pixels = 11 * 14;
    for (const [c, calibrator] of calibrators.entries()) {
      const two = new Float32Array(4 * pixels);
      for (const n of [0, 1])
        two.set(numbersOf(z).slice((3 * n + c) * pixels, (3 * n + c + 1) * pixels), (2 * n + 1) * pixels);
      const both = await calibrator.apply(tensor("float32", two, [2, 2, 11, 14]));
      for (const n of [0, 1]) {
        const own = numbersOf(probs!).slice((3 * n + c) * pixels, (3 * n + c + 1) * pixels);
        const expected = numbersOf(both).slice((2 * n + 1) * pixels, (2 * n + 2) * pixels);
        expectClose(tensor("float32", Float32Array.from(own), [own.length]), expected);
      }
    }
    expect(() => fuseCalibrator(heads, calibrators[0]!)).toThrow(
      "calibrators: expected 3 for the channels of probs",
    );
  });

  test("with channels last, and moved behind the softmax", async () => {
    const expected = await probabilities(distance, await before(3));
    const last = (z: Value): Value => ops.Softmax(ops.Transpose(z, [0, 2, 3, 1]), 3);
    const moved = network(3, (z) => ({ probs: ops.Transpose(last(z), [0, 3, 1, 2]) }));
    expectClose((await run(fuseCalibrator(moved, distance))).probs!, expected.data);
    const stays = network(3, (z) => ({ probs: last(z) }));
    const { probs } = await run(fuseCalibrator(stays, distance, { classAxis: -1 }));
    expect(probs!.dims).toEqual([2, 11, 14, 3]);
    const back = network(3, (z) => ({ probs: ops.Transpose(z, [0, 2, 3, 1]) }));
    expect(() => fuseCalibrator(back, distance)).toThrow("calibrators: expected 128 classes");
    const values = numbersOf(probs!);
    const pixels = 11 * 14;
    const turned = expected.data.map((_, i) => {
      const [n, c, pixel] = [Math.floor(i / (3 * pixels)), Math.floor(i / pixels) % 3, i % pixels];
      return values[(n * pixels + pixel) * 3 + c]!;
    });
    expectClose(expected, turned);
  });

  test("of one output among several, whose others stay", async () => {
    const two = network(3, (z) => ({ main: ops.Identity(z), other: ops.Mul(z, 2) }));
    const [plain, fused] = [await run(two), await run(fuseCalibrator(two, distance, { output: "other" }))];
    expectClose(fused.main!, numbersOf(plain.main!), 0);
    expect(numbersOf(fused.other!)).not.toEqual(numbersOf(plain.other!));
    expect(fusedCalibrator(fuseCalibrator(two, distance))!.output).toBe("main");
    expect(() => fuseCalibrator(two, distance, { output: "third" })).toThrow(
      "output: expected one of main, other",
    );
  });

  test("of another size take methods that interpolation does not change", async () => {
    const half = network(3, (z) => ({
      logits: ops.AveragePool(z, { kernel_shape: [2, 2], strides: [2, 2] }),
    }));
    expect(() => fuseCalibrator(half, distance)).toThrow(
      "calibrators: distance-temperature cannot calibrate logits, which has another size than the image; expected one of none, temperature, vector, matrix",
    );
    const scale = named("temperature", 3);
    const [plain, fused] = [await run(half), await run(fuseCalibrator(half, scale))];
    expectClose(
      fused.logits!,
      numbersOf(plain.logits!).map((z) => 0.6 * z),
    );
  });

  test("are refused where an output has none", () => {
    const labels = network(3, (z) => ({ labels: ops.Cast(ops.ArgMax(z, 1), "float32") }));
    expect(() => fuseCalibrator(labels, named("temperature", 2))).toThrow("outputs: expected logits");
  });
});

describe("files of other kinds", () => {
  test.each([9, 10, 11, 12, 13, 17])("operator set %i", async (opset) => {
    const model = onnxModel(
      opset,
      [{ op: "Conv", inputs: ["image", "w"], attributes: { pads: [1, 1, 1, 1] } }],
      { image: size },
      { w: weight(3) },
    );
    const { y } = await run(model);
    for (const calibrator of exampleCalibrators(3, 2)) {
      const fused = fuseCalibrator(model, calibrator);
      expect(inspectModel(fused).opsets).toEqual({ "": opset });
      const { y: after } = await run(fused);
      const expected = await calibrator.apply(y as Tensor<"float32">);
      const softmaxed = new Graph("softmax");
      softmaxed.output("p", ops.Softmax(softmaxed.input("z", "float32", y!.dims), 1));
      const { p } = await run(serializeModel(softmaxed), { z: after! });
      expectClose(p!, expected.data);
    }
  });

  test("weights in another file, which is copied where the model goes", async () => {
    const folder = await mkdtemp(join(tmpdir(), "pixelcal-fuse-"));
    try {
      const graph = new Graph("network");
      const z = ops.Conv(
        graph.input("image", "float32", size),
        graph.initializer("w", weight(3)),
        undefined,
        pads,
      );
      graph.output("logits", z);
      const { model, data } = externalModel(graph, { location: "weights.bin", threshold: 0 });
      await writeFile(join(folder, "weights.bin"), Buffer.concat(data));
      await writeFile(join(folder, "m.onnx"), model);
      const fused = fuseCalibrator(model, distance, { externalData: folder });
      await mkdir(join(folder, "out"));
      await writeCalibrated(join(folder, "out", "c.onnx"), fused, folder);
      expect(await readFile(join(folder, "out", "weights.bin"))).toEqual(Buffer.concat(data));
      await writeCalibrated(join(folder, "c.onnx"), fused, folder);
      expect(Buffer.compare(await readFile(join(folder, "c.onnx")), fused)).toBe(0);
      await using before = new Network({ model, externalData: folder, threads: 1 });
      await using after = new Network({ model: fused, externalData: join(folder, "out"), threads: 1 });
      expectClose(
        await after.predict(image),
        (await probabilities(distance, await before.logits(image))).data,
      );
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test("logits of 16 bits", async () => {
    const graph = new Graph("halves");
    const half = ops.Cast(graph.input("image", "float32", [1, 2, 5, 6]), "float16");
    graph.output("logits", half);
    const model = serializeModel(graph);
    const calibrator = named("temperature", 2);
    const fused = fuseCalibrator(model, calibrator, { keepLogits: true });
    expect(inspectModel(fused).outputs.map(({ type }) => type)).toEqual(["float16", "float16"]);
    const z = tensor(
      "float32",
      Float32Array.from({ length: 60 }, (_, i) => i / 8),
      [1, 2, 5, 6],
    );
    const { logits } = await run(fused, { image: z });
    const expected = fromNumbers(
      "float16",
      numbersOf(z).map((each) => each * 0.6),
      z.dims,
    );
    expect(logits!.data.length).toBe(expected.data.length);
  });

  test("labels of 16-bit logits stay where these are equal but for rounding", async () => {
    const graph = new Graph("halves");
    const dims = [1, 3, 5, 6];
    graph.output("logits", ops.Cast(graph.input("image", "float32", dims), "float16"));
    const data = Float32Array.from({ length: 90 }, (_, i) => {
      const top = ((i % 30) - 15) / 4;
      return Math.floor(i / 30) === i % 3
        ? top
        : top * (1 + ((i % 2) - 0.5) * 2 ** -9) - (i % 5 === 0 ? 0 : 1e-3);
    });
    const feeds = { image: tensor("float32", data, dims) };
    const labelsOf = (values: ArrayLike<number>): number[] =>
      Array.from({ length: 30 }, (_, i) => {
        const all = [values[i]!, values[30 + i]!, values[60 + i]!];
        return all.indexOf(Math.max(...all));
      });
    const model = serializeModel(graph);
    const plain = await run(model, feeds);
    for (const name of ["temperature", "distance-temperature", "entropy-temperature"]) {
      const fused = await run(fuseCalibrator(model, named(name, 3)), feeds);
      expect(labelsOf(toNumbers(fused.logits!))).toEqual(labelsOf(toNumbers(plain.logits!)));
    }
  });
});
