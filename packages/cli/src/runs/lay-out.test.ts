import { mkdir, readdir, writeFile } from "node:fs/promises";
import { tensor } from "@pixelcal/core";
import { Graph, ops, serializeModel, type Value } from "@pixelcal/graph";
import { writeNpz } from "@pixelcal/io";
import { beforeAll, describe, expect, test } from "vitest";
import { pixelcal, type Ran } from "../run.test.helper.js";
import { at, toyData, writeConfig } from "../toy.test.helper.js";

toyData();

async function writeCases(
  folder: string,
  sizes: Record<"train" | "val", readonly number[][]>,
): Promise<string> {
  for (const [split, shapes] of Object.entries(sizes)) {
    await mkdir(at(folder, split), { recursive: true });
    for (const [k, size] of shapes.entries()) {
      const pixels = size[0]! * size[1]!;
      const image = tensor(
        "float32",
        Float32Array.from({ length: pixels }, (_, i) => Math.sin(i + k)),
        [1, ...size],
      );
      const label = tensor(
        "uint8",
        Uint8Array.from({ length: pixels }, (_, i) => i % 2),
        size,
      );
      await writeNpz(at(folder, split, `c${k}.npz`), { image, label });
    }
  }
  return at(folder);
}

/** A network with a batch norm on the mean of each image, which a batch of one image cannot train. */
function pooledNetwork(): Uint8Array {
  const graph = new Graph("pooled");
  const weight = (name: string, dims: readonly number[], base = 0.5): Value => {
    const count = dims.reduce((a, b) => a * b, 1);
    const data = Float32Array.from({ length: count }, (_, i) => base + 0.1 * Math.sin(i));
    return graph.initializer(name, tensor("float32", data, dims));
  };
  const x = graph.input("x", "float32", [2, 1, 16, 16]);
  const features = ops.Conv(x, weight("a.weight", [4, 1, 3, 3]), undefined, { pads: [1, 1, 1, 1] });
  const mean = weight("n.mean", [4], 0);
  const pooled = ops.BatchNormalization(
    ops.GlobalAveragePool(features),
    weight("n.weight", [4], 1),
    weight("n.bias", [4], 0),
    mean,
    weight("n.var", [4], 1),
  );
  graph.output("logits", ops.Conv(ops.Add(features, pooled), weight("o.weight", [2, 4, 1, 1])));
  return serializeModel(graph);
}

/** A network with one pooling, which takes even sizes alone. */
function evenNetwork(): Uint8Array {
  const graph = new Graph("even");
  const x = graph.input("x", "float32", [1, 1, 16, 16]);
  const w = graph.initializer("w", tensor("float32", Float32Array.of(1, -1), [2, 1, 1, 1]));
  const features = ops.Conv(x, w);
  const pooled = ops.MaxPool(features, { kernel_shape: [2, 2], strides: [2, 2] });
  const scales = [1, 1, 2, 2];
  graph.output("logits", ops.Add(features, ops.Resize(pooled, { scales, mode: "nearest" })));
  return serializeModel(graph);
}

const square = (count: number): number[][] => Array.from({ length: count }, () => [16, 16]);

describe("five cases in batches of two, of which one alone cannot be trained", () => {
  let data: string;
  beforeAll(async () => {
    data = await writeCases("five", { train: square(5), val: square(1) });
    await writeFile(at("pooled.onnx"), pooledNetwork());
  });
  const trained = async (name: string, keys: object): Promise<Ran> => {
    const overrides = {
      run_name: name,
      dataset: { root: data },
      model: { onnx: at("pooled.onnx") },
      epochs: 2,
      ...keys,
    };
    const path = await writeConfig(`${name}.yaml`, overrides);
    return pixelcal(["train", "--config", path, "--out", at("runs")]);
  };

  test("the last batch is filled up, which is said", async () => {
    const { code, messages } = await trained("filled", {});
    expect(messages).toContain("the last batch of 1 cannot be trained: ");
    expect(messages).toContain("filled up to 2 from the epoch's first (remainder: wrap)");
    expect(code).toBe(0);
  });

  test("remainder: keep is refused before the first step, drop and wrap train without a word", async () => {
    const kept = await trained("kept", { remainder: "keep" });
    expect(kept.messages).toMatch(
      /error: remainder: the last batch of 1 cannot be trained: .*; use drop or wrap/,
    );
    expect(kept.code).toBe(2);
    expect(await readdir(at("runs"))).not.toContain("kept");
    for (const remainder of ["drop", "wrap"]) {
      const { code, messages } = await trained(remainder, { remainder });
      expect([code, messages.includes("cannot be trained")]).toEqual([0, false]);
    }
  });
});

describe("images that the run cannot take", () => {
  beforeAll(() => writeFile(at("even.onnx"), evenNetwork()));
  const refused = async (name: string, data: string, keys: object): Promise<Ran> => {
    const path = await writeConfig(`${name}.yaml`, {
      run_name: name,
      dataset: { root: data },
      model: { onnx: at("even.onnx") },
      ...keys,
    });
    const ran = await pixelcal(["train", "--config", path, "--out", at("runs")]);
    expect(ran.messages).not.toContain("epoch 1");
    return ran;
  };

  test("a shape of the training split is named before the first step", async () => {
    const data = await writeCases("narrow", {
      train: [
        [16, 16],
        [16, 17],
      ],
      val: square(1),
    });
    const { code, messages } = await refused("narrow", data, { batch_size: 1 });
    expect(messages).toMatch(/error: .*train.c1\.npz: image: .*17/);
    expect(code).toBe(1);
  });

  test("a shape of the validation split too", async () => {
    const data = await writeCases("odd", {
      train: square(2),
      val: [
        [16, 16],
        [16, 15],
      ],
    });
    expect((await refused("odd", data, {})).messages).toMatch(/error: .*val.c1\.npz: image: .*15/);
  });

  test("rotations of images that are not square", async () => {
    const data = await writeCases("wide", { train: [[16, 32]], val: square(1) });
    const { messages } = await refused("wide", data, { batch_size: 1, augment: { rotations: true } });
    expect(messages).toMatch(
      /error: augment\.rotations: expected images as wide as high, or patches, got .*c0\.npz is \[1,16,32\]/,
    );
  });
});
