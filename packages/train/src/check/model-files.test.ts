import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Random, tensor } from "@pixelcal/core";
import { externalModel, Graph, ops, parseModel, type Value } from "@pixelcal/graph";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sgd } from "../optimizer/optimizer.js";
import { Network } from "../predict/network.js";
import { Trainer } from "../trainer/trainer.js";
import { greatest, smallUnet, squares, trainerWith } from "../trainer/training.test.helper.js";

const dims = smallUnet.batch;
const graph = smallUnet.model.build(dims);

const defaults = { ...smallUnet, model: graph };
const withTrainer = trainerWith(defaults);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pixelcal-model-files-"));
});
afterAll(() => rm(folder, { recursive: true }));

describe("a model that keeps weights in other files", () => {
  it("writes weights that lie in another file to that file's copy", async () => {
    const [source, target] = [join(folder, "source"), join(folder, "target")];
    const { model, data } = externalModel(graph, { location: "weights.bin", threshold: 64 });
    await mkdir(source);
    await writeFile(join(source, "weights.bin"), Buffer.concat(data));
    await expect(Trainer.create({ ...defaults, model })).rejects.toThrow("its data lies in another file");
    await withTrainer({ model, externalData: source }, async (trainer) => {
      await trainer.step(squares(1));
      expect(() => trainer.exportModel()).toThrow(
        "model: has weights in other files (weights.bin); use writeModel",
      );
      await trainer.writeModel(join(target, "tuned.onnx"));
      expect((await readdir(target)).sort()).toEqual(["tuned.onnx", "weights.bin"]);
      expect((await readFile(join(target, "weights.bin"))).length).toBe(Buffer.concat(data).length);
      expect((await readFile(join(source, "weights.bin"))).equals(Buffer.concat(data))).toBe(true);
      const back = parseModel(await readFile(join(target, "tuned.onnx")), { externalData: target });
      for (const [name, array] of Object.entries({ ...trainer.parameters, ...trainer.buffers })) {
        expect(back.initializers.get(name)!.data, name).toEqual(array.data);
      }
      await trainer.writeModel(join(source, "tuned.onnx"));
      expect(
        (await readFile(join(source, "weights.bin"))).equals(await readFile(join(target, "weights.bin"))),
      ).toBe(true);
    });
  });

  it("replaces none of its files where one of them cannot be written", async () => {
    const [source, target] = [join(folder, "halves"), join(folder, "halves-out")];
    const small = new Graph("halves");
    const names = ["first.bin", "other.bin"];
    const kernels = names.map((name) =>
      small.initializer(name, tensor("float32", Float32Array.of(1, 2), [2, 1, 1, 1])),
    );
    const x = small.input("image", "float32", dims);
    small.output(
      "logits",
      ops.Add(ops.Conv(x, kernels[0]!, undefined, {}), ops.Conv(x, kernels[1]!, undefined, {})),
    );
    const { model, data } = externalModel(small, { location: "first.bin", threshold: 0 });
    const bytes = Buffer.from(model);
    // The second array lies in another file, at the same place.
    bytes.write("other.bin", bytes.lastIndexOf("first.bin"));
    await mkdir(source);
    for (const name of names) await writeFile(join(source, name), Buffer.concat(data));
    await withTrainer({ model: bytes, externalData: source }, async (trainer) => {
      await trainer.writeModel(join(target, "tuned.onnx"));
      const files = [...names, "tuned.onnx"];
      expect((await readdir(target)).sort()).toEqual(files);
      const before = await Promise.all(files.map((file) => readFile(join(target, file))));
      await trainer.step(squares(1));
      await rm(join(source, "other.bin"));
      await expect(trainer.writeModel(join(target, "tuned.onnx"))).rejects.toThrow("other.bin");
      expect((await readdir(target)).sort()).toEqual(files);
      expect(await Promise.all(files.map((file) => readFile(join(target, file))))).toEqual(before);
    });
  });
});

describe("layers that share a weight", () => {
  const model = new Graph("shared");
  const image = model.input("image", "float32", dims);
  const kernel = (name: string, size: readonly number[]): Value => {
    const random = Random.fromSeed(size[0]!);
    const data = Float32Array.from({ length: size.reduce((a, b) => a * b) }, () => random.normal() / 4);
    return model.initializer(name, tensor("float32", data, size));
  };
  const pads = { pads: [1, 1, 1, 1] };
  const [stem, body, head] = [
    kernel("stem", [4, 1, 3, 3]),
    kernel("w", [5, 5, 3, 3]),
    kernel("head", [2, 5, 1, 1]),
  ];
  const wide = ops.Pad(ops.Conv(image, stem, undefined, pads), [0, 0, 0, 0, 0, 1, 0, 0]);
  const twice = ops.Conv(ops.Relu(ops.Conv(wide, body, undefined, pads)), body, undefined, pads);
  model.output("logits", ops.Conv(ops.Relu(twice), head, undefined, {}));
  const { model: bytes, data } = externalModel(model, { location: "weights.bin", threshold: 0 });
  const batch = squares(4);

  it.each(["named", "untie"] as const)(
    "%s: trains one or one each, and writes what it trained",
    async (tiedWeights) => {
      const [source, target] = [join(folder, `shared-${tiedWeights}`), join(folder, `parted-${tiedWeights}`)];
      await mkdir(source);
      await writeFile(join(source, "weights.bin"), Buffer.concat(data));
      const options = { model: bytes, externalData: source, optimizer: sgd({ learningRate: 0.1 }) };
      const tied = await withTrainer(options, (trainer) => trainer.gradients(batch));
      await withTrainer({ ...options, tiedWeights }, async (trainer) => {
        const untie = tiedWeights === "untie";
        expect(trainer.trainable).toEqual(untie ? ["stem", "w", "w.2", "head"] : ["stem", "w", "head"]);
        const gradients = await trainer.gradients(batch);
        tied.w!.data.forEach((value, i) => {
          expect(gradients.w!.data[i]! + (gradients["w.2"]?.data[i] ?? 0)).toBeCloseTo(value, 5);
        });
        for (let i = 0; i < 2; i++) await trainer.step(batch);
        const path = join(target, "tuned.onnx");
        await trainer.writeModel(path);
        // One file of the size it had; what parted is in the model itself.
        expect((await readFile(join(target, "weights.bin"))).length).toBe(Buffer.concat(data).length);
        const back = parseModel(await readFile(path), { externalData: target });
        expect([...back.initializers.keys()].sort()).toEqual(
          [
            ...trainer.trainable,
            ...[...model.initializers.keys()].filter((name) => !(name in trainer.parameters)),
          ].sort(),
        );
        for (const [name, array] of Object.entries(trainer.parameters))
          expect(back.initializers.get(name)!.data, name).toEqual(array.data);
        const predictor = new Network({
          model: await readFile(path),
          externalData: target,
          threads: 1,
        });
        try {
          const logits = await predictor.logits(batch.images);
          expect(greatest(await trainer.logits(batch.images), logits)).toBeLessThan(1e-6);
        } finally {
          await predictor.close();
        }
      });
    },
  );
});
