import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InvalidArgumentError, type Tensor, tensor } from "@pixelcal/core";
import { externalModel, Graph, ops, serializeModel, type Value, withMetadata } from "@pixelcal/graph";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { tileMetadata } from "../../model/carried-tile.js";
import { unet2d } from "../../model/unet2d.js";
import { normalizeImage } from "../../preparation/normalize.js";
import { preparationMetadata } from "../../preparation/preparation.js";
import { Network } from "../network.js";
import { type PredictOptions, predict } from "../predict.js";
import { predictCase } from "../predict-case.js";
import { Predictor, type PredictorOptions } from "./predictor.js";

const graph = unet2d({ classes: 3, base: 2, seed: 1 }).build([1, 1, 16, 16]);

const ramp = (dims: readonly number[]): Tensor<"float32"> => {
  const count = dims.reduce((a, b) => a * b, 1);
  return tensor(
    "float32",
    Float32Array.from({ length: count }, (_, i) => Math.sin(i * 0.3)),
    dims,
  );
};

/** Makes a model that is busy for a while: many products of large matrices. */
function heavy(rounds: number): Uint8Array {
  const model = new Graph("heavy");
  const image = model.input("image", "float32", [1, 2, 256, 256]);
  const product = (x: Value): Value => ops.Tanh(ops.MatMul(x, x));
  model.output(
    "logits",
    Array.from({ length: rounds }).reduce<Value>((x) => product(x), image),
  );
  return serializeModel(model);
}
const large = ramp([1, 2, 256, 256]);

async function withPredictor<T>(
  options: Partial<PredictorOptions>,
  use: (predictor: Predictor) => Promise<T>,
): Promise<T> {
  const predictor = await Predictor.open({ model: serializeModel(graph), threads: 1, ...options });
  try {
    return await use(predictor);
  } finally {
    await predictor.close({ drain: false });
  }
}

/** Lets the event loop go on until something holds. */
async function until(holds: () => boolean): Promise<number> {
  let turns = 0;
  for (; !holds(); turns++) await new Promise((resolve) => setImmediate(resolve));
  return turns;
}

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pixelcal-predictor-"));
});
afterAll(() => rm(folder, { recursive: true }));

describe("the preparation that a file carries", () => {
  const normalization = [{ scheme: "z-score" }] as const;
  const carrying = Buffer.concat(
    withMetadata(serializeModel(graph), { ...preparationMetadata({ normalization }) }),
  );
  const warnings = async (options: Partial<PredictorOptions>): Promise<string[]> => {
    const heard: string[] = [];
    const hear = ({ message, code }: Error & { code?: string }): void => {
      if (code === "PIXELCAL_UNPREPARED") heard.push(message);
    };
    process.on("warning", hear);
    await withPredictor(options, async () => undefined);
    await new Promise((resolve) => setImmediate(resolve));
    process.off("warning", hear);
    return heard;
  };

  it("is applied to each image by itself, unless asked not to", async () => {
    const images = tensor(
      "float32",
      ramp([2, 1, 16, 16]).data.map((value, i) => value * 100 + i),
      [2, 1, 16, 16],
    );
    const network = new Network({ model: graph, threads: 1 });
    const halves = [0, 1].map((n) =>
      tensor("float32", images.data.slice(n * 256, (n + 1) * 256), [1, 16, 16]),
    );
    const expected: number[] = [];
    for (const half of halves) {
      const { data } = await normalizeImage(half, normalization);
      expected.push(...(await network.predict(tensor("float32", data, [1, 1, 16, 16]))).data);
    }
    const plain = await network.predict(images);
    await network.close();
    await withPredictor({ model: carrying }, async (predictor) => {
      expect(Array.from((await predictor.predict(images)).data)).toEqual(expected);
    });
    await withPredictor({ model: carrying, preparation: "none" }, async (predictor) => {
      expect((await predictor.predict(images)).data).toEqual(plain.data);
    });
  });

  it("cuts and resamples each image, and gives probabilities of its own pixels, in the file's tiles", async () => {
    const preparation = { normalization, crop: true, spacing: [1, 1] } as const;
    const carried = { ...preparationMetadata(preparation), ...tileMetadata([16, 16]) };
    const model = Buffer.concat(withMetadata(serializeModel(graph), carried));
    // The second image is empty beyond 12 x 18 pixels.
    const images = ramp([2, 1, 20, 30]);
    images.data.forEach((_, i) => {
      const [y, x] = [Math.floor((i % 600) / 30), i % 30];
      if (i >= 600 && (y < 4 || y >= 16 || x < 6 || x >= 24)) images.data[i] = 0;
    });
    const network = new Network({ model: graph, threads: 1 });
    const expected = async (spacing: readonly number[], options: PredictOptions): Promise<number[]> => {
      const halves: number[] = [];
      for (const n of [0, 1]) {
        const image = tensor("float32", images.data.slice(n * 600, (n + 1) * 600), [1, 20, 30]);
        halves.push(
          ...(await predictCase([{ model: network, preparation }], { image, spacing }, options)).data,
        );
      }
      return halves;
    };
    await withPredictor({ model, batch: { size: 4 }, warmUp: [1, 1, 20, 30] }, async (predictor) => {
      const answers = await Promise.all([
        predictor.predict(images, { spacing: [2, 1] }),
        predictor.predict(images, { spacing: [1, 1.5], tile: [24, 24], overlap: 0.25 }),
      ]);
      for (const { dims } of answers) expect(dims).toEqual([2, 3, 20, 30]);
      expect(Array.from(answers[0].data)).toEqual(await expected([2, 1], { tile: [16, 16] }));
      expect(Array.from(answers[1].data)).toEqual(
        await expected([1, 1.5], { tile: [24, 24], overlap: 0.25 }),
      );
      expect(predictor.statistics()).toMatchObject({ completed: 2, runs: 2 });
      await expect(predictor.predict(images)).rejects.toThrow(
        "spacing: required by this model, whose file resamples images to a spacing of 1 x 1",
      );
      for (const spacing of [[1], [1, 0], [1, Number.NaN], "1" as never])
        await expect(predictor.predict(images, { spacing })).rejects.toThrow(
          "spacing: expected 2 positive numbers, one per spatial axis, got",
        );
    });
    await network.close();
  });

  it("leaves the tile where images are taken as they are, and needs no spacing then", async () => {
    const preparation = preparationMetadata({ normalization, crop: true, spacing: [1, 1] });
    const model = Buffer.concat(
      withMetadata(serializeModel(graph), { ...preparation, ...tileMetadata([16, 16]) }),
    );
    const images = ramp([1, 1, 20, 30]);
    const network = new Network({ model: graph, threads: 1 });
    const { data } = await predict(network, tensor("float32", images.data, [1, 20, 30]), { tile: [16, 16] });
    await network.close();
    await withPredictor({ model, preparation: "none" }, async (predictor) => {
      expect((await predictor.predict(images)).data).toEqual(data);
    });
  });

  it("is missed with a warning in a file, not in a graph or where none is wanted", async () => {
    expect(await warnings({})).toEqual([
      'the model carries no normalization, images are predicted as they are; preparation: "none" says so',
    ]);
    expect(await warnings({ preparation: "none" })).toEqual([]);
    expect(await warnings({ model: graph })).toEqual([]);
    expect(await warnings({ model: carrying })).toEqual([]);
  });
});

describe("Predictor", () => {
  it("gives what the model gives here: batches, tiles, mirror images", async () => {
    const here = new Network({ model: graph, threads: 1 });
    const images = ramp([2, 1, 24, 32]);
    const options = { tile: [16, 16], flips: [0, 1], overlap: 0.25, blending: "constant" } as const;
    await withPredictor({ warmUp: [1, 1, 16, 16] }, async (predictor) => {
      for (const given of [{}, options]) {
        const probs = await predictor.predict(images, given);
        expect(probs.dims).toEqual([2, 3, 24, 32]);
        for (const n of [0, 1]) {
          const image = tensor("float32", images.data.slice(n * 768, (n + 1) * 768), [1, 24, 32]);
          const expected = await predict(here, image, given);
          const difference = probs.data
            .subarray(n * 2304, (n + 1) * 2304)
            .reduce((most, value, i) => Math.max(most, Math.abs(value - expected.data[i]!)), 0);
          expect(difference).toBeLessThan(1e-6);
        }
      }
      expect(predictor.statistics()).toMatchObject({ completed: 2, failed: 0, restarts: 0 });
      expect(predictor.health()).toMatchObject({ state: "ready", queued: 0, queue: 16 });
    });
    await here.close();
  });

  it("gives the file's own sigmoids where its classes may overlap", async () => {
    const labels = new Graph("labels");
    const x = labels.input("x", "float32", [1, 1, 8, 8]);
    const weight = tensor("float32", Float32Array.of(2, 1.5, -1), [3, 1, 1, 1]);
    labels.output("probs", ops.Sigmoid(ops.Conv(x, labels.initializer("w", weight))));
    const images = ramp([1, 1, 8, 8]);
    await withPredictor({ model: labels }, async (predictor) => {
      const { data, dims } = await predictor.predict(images);
      expect(dims).toEqual([1, 3, 8, 8]);
      for (let i = 0; i < data.length; i++) {
        const logit = weight.data[Math.floor(i / 64)]! * images.data[i % 64]!;
        expect(data[i]).toBeCloseTo(1 / (1 + Math.exp(-logit)), 5);
      }
    });
  });

  it("takes a path, bytes or a graph, and weights in other files", async () => {
    const { model, data } = externalModel(graph, { location: "weights.bin", threshold: 64 });
    await writeFile(join(folder, "weights.bin"), Buffer.concat(data));
    await writeFile(join(folder, "model.onnx"), model);
    const results: Tensor<"float32">[] = [];
    for (const options of [
      { model: join(folder, "model.onnx") },
      { model, externalData: folder },
      { model: graph },
    ]) {
      results.push(await withPredictor(options, (predictor) => predictor.predict(ramp([1, 1, 16, 16]))));
    }
    expect(results[1]).toEqual(results[0]);
    expect(results[2]).toEqual(results[0]);
  });

  it("lives through its process being killed in the middle of a run, again and again", async () => {
    await withPredictor({ model: heavy(400) }, async (predictor) => {
      for (let kill = 1; kill <= 12; kill++) {
        const request = predictor.predict(large);
        const failed = expect(request).rejects.toMatchObject({
          name: "PredictorError",
          code: "ERR_PIXELCAL_PREDICTOR_CRASHED",
        });
        const [{ pid } = {}] = predictor.health().processes;
        await until(() => predictor.statistics().begun === kill);
        // This process goes on meanwhile: it gets its turns before the other one is killed.
        expect(await until(once(20))).toBe(20);
        process.kill(predictor.health().processes[0]!.pid!, "SIGKILL");
        await failed;
        expect(predictor.statistics()).toMatchObject({ failed: kill });
        expect(pid).toBeDefined();
      }
      expect((await predictor.predict(large)).dims).toEqual([1, 2, 256, 256]);
      const restarts = { restarts: 12, begun: 13, resent: 0 };
      expect(predictor.statistics()).toMatchObject({ completed: 1, failed: 12, ...restarts });
    });
  });

  it("ends a run that takes too long, and answers the next", async () => {
    await withPredictor({ model: heavy(400), timeout: 20 }, async (predictor) => {
      const [late, next] = [predictor.predict(large), predictor.predict(large, { timeout: 50_000 })];
      await expect(late).rejects.toMatchObject({
        code: "ERR_PIXELCAL_PREDICTOR_TIMEOUT",
        message: "the prediction took more than 20 ms",
      });
      expect((await next).dims).toEqual([1, 2, 256, 256]);
      expect(predictor.statistics()).toMatchObject({ timedOut: 1, failed: 1, completed: 1, restarts: 1 });
    });
  });

  it("refuses more than the queue holds, or lets them wait", async () => {
    await withPredictor({ model: heavy(4), queue: 2 }, async (predictor) => {
      const accepted = [0, 1, 2].map(() => predictor.predict(large));
      await expect(predictor.predict(large)).rejects.toMatchObject({
        code: "ERR_PIXELCAL_PREDICTOR_BUSY",
        message: "2 requests wait already, as many as the queue holds",
      });
      await Promise.all(accepted);
      expect((await predictor.predict(large)).dims).toEqual([1, 2, 256, 256]);
    });
    await withPredictor({ model: heavy(4), queue: 1, whenFull: "wait" }, async (predictor) => {
      const order: number[] = [];
      await Promise.all([0, 1, 2, 3].map((i) => predictor.predict(large).then(() => order.push(i))));
      expect(order).toEqual([0, 1, 2, 3]);
    });
  });

  it("takes requests back, waiting or running", async () => {
    await withPredictor({ model: heavy(400) }, async (predictor) => {
      const [first, second] = [new AbortController(), new AbortController()];
      const running = predictor.predict(large, { signal: first.signal });
      const waiting = predictor.predict(large, { signal: second.signal });
      second.abort();
      await expect(waiting).rejects.toMatchObject({ code: "ERR_PIXELCAL_PREDICTOR_ABORTED" });
      await until(() => predictor.health().processes[0]!.state === "busy");
      first.abort();
      await expect(running).rejects.toMatchObject({ code: "ERR_PIXELCAL_PREDICTOR_ABORTED" });
      await expect(predictor.predict(large, { signal: first.signal })).rejects.toMatchObject({
        code: "ERR_PIXELCAL_PREDICTOR_ABORTED",
      });
    });
  });

  it("answers what waits before it closes, or not, and nothing afterwards", async () => {
    const draining = await Predictor.open({ model: heavy(4), threads: 1 });
    const answered = [draining.predict(large), draining.predict(large)];
    await draining.close();
    await draining.close();
    expect((await Promise.all(answered)).map(({ dims }) => dims[1])).toEqual([2, 2]);
    await expect(draining.predict(large)).rejects.toMatchObject({ code: "ERR_PIXELCAL_PREDICTOR_CLOSED" });
    expect(draining.health().state).toBe("closed");

    const dropping = await Predictor.open({ model: heavy(400), threads: 1 });
    const dropped = [dropping.predict(large), dropping.predict(large)].map((request) =>
      expect(request).rejects.toMatchObject({ code: "ERR_PIXELCAL_PREDICTOR_CLOSED" }),
    );
    await dropping.close({ drain: false });
    await Promise.all(dropped);
  });

  it("says what is wrong with a model or an image, and goes on", async () => {
    const open = (model: PredictorOptions["model"], options = {}) => Predictor.open({ model, ...options });
    await expect(open(new Uint8Array(16), { warmUp: [1, 1, 8, 8] })).rejects.toMatchObject({
      code: "ERR_PIXELCAL_PREDICTOR_FAILED",
    });
    await expect(open(join(folder, "none.onnx"))).rejects.toThrow("no such file");
    await expect(open(graph, { queue: 0 })).rejects.toThrow(InvalidArgumentError);
    await expect(open(graph, { whenFull: "drop" })).rejects.toThrow(
      "whenFull: expected reject or wait, got drop",
    );
    await expect(open(graph, { timeout: 0 })).rejects.toThrow("timeout: expected milliseconds above 0");
    await withPredictor({}, async (predictor) => {
      await expect(predictor.predict(ramp([1, 2, 16, 16]))).rejects.toMatchObject({
        code: "ERR_PIXELCAL_PREDICTOR_FAILED",
      });
      await expect(predictor.predict(ramp([16, 16]))).rejects.toThrow("images: expected rank 3 to 5, got 2");
      await expect(predictor.predict(ramp([1, 1, 16, 16]), { tile: [4] })).rejects.toThrow(
        "tile: expected 2 sizes",
      );
      expect((await predictor.predict(ramp([1, 1, 16, 16]))).dims).toEqual([1, 3, 16, 16]);
      expect(predictor.statistics()).toMatchObject({ restarts: 0, completed: 1 });
    });
  });

  it("neither keeps its parent alive nor outlives it", async () => {
    await writeFile(join(folder, "plain.onnx"), serializeModel(graph));
    const index = new URL("../../../dist/index.js", import.meta.url).href;
    const script = `
      import { Predictor } from ${JSON.stringify(index)};
      const predictor = await Predictor.open({ model: ${JSON.stringify(join(folder, "plain.onnx"))}, preparation: "none" });
      console.log(predictor.health().processes[0].pid);
      const closed = await Predictor.open({ model: ${JSON.stringify(join(folder, "plain.onnx"))}, preparation: "none" });
      await closed.close();`;
    // Every process that leaves by process.exit says so on stderr, as the child does at its parent's end.
    const env = { ...process.env, NODE_OPTIONS: "--trace-exit" };
    const ran = spawnSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8", env });
    expect(ran).toMatchObject({ status: 0, stderr: "" });
    const pid = Number(ran.stdout);
    expect(pid).toBeGreaterThan(0);
    await until(() => !isRunning(pid));
  });
});

const once = (turns: number): (() => boolean) => {
  let count = 0;
  return () => count++ >= turns;
};

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
