import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { type Tensor, tensor } from "@pixelcal/core";
import { Graph, ops, serializeModel, type Value } from "@pixelcal/graph";
import { float16ToFloat32 } from "@pixelcal/io";
import { describe, expect, it } from "vitest";
import { unet2d } from "../../model/unet2d.js";
import type { PredictorImages } from "./images.js";
import { Predictor, type PredictorOptions } from "./predictor.js";

const small = serializeModel(unet2d({ classes: 3, base: 2, seed: 1 }).build([1, 1, 16, 16]));

/** Makes a model that is busy for a while: many products of large matrices. */
const busy = ((): Uint8Array => {
  const model = new Graph("busy");
  const image = model.input("image", "float32", [1, 2, 192, 192]);
  const product = (x: Value): Value => ops.Tanh(ops.MatMul(x, x));
  model.output(
    "logits",
    Array.from({ length: 400 }).reduce<Value>((x) => product(x), image),
  );
  return serializeModel(model);
})();

const image = (k: number, dims: readonly number[] = [1, 1, 16, 16]): Tensor<"float32"> => {
  const length = dims.reduce((a, b) => a * b, 1);
  return tensor(
    "float32",
    Float32Array.from({ length }, (_, i) => Math.sin(i * 0.3 + k)),
    dims,
  );
};
const long = image(0, [1, 2, 192, 192]);

async function withPredictor(
  options: Partial<PredictorOptions>,
  use: (predictor: Predictor) => Promise<void>,
): Promise<void> {
  const predictor = await Predictor.open({ model: small, threads: 1, ...options });
  try {
    await use(predictor);
  } finally {
    await predictor.close({ drain: false });
  }
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

describe("a Predictor of several processes", () => {
  it("runs as many requests at once, and gives what one process gives", async () => {
    const images = Array.from({ length: 12 }, (_, k) => image(k));
    const expected: Tensor<"float32">[] = [];
    await withPredictor({}, async (predictor) => {
      for (const each of images) expected.push(await predictor.predict(each));
    });
    await withPredictor({ processes: 3 }, async (predictor) => {
      const { state, processes } = predictor.health();
      expect(state).toBe("ready");
      expect(new Set(processes.map(({ pid }) => pid)).size).toBe(3);
      const answers = images.map((each) => predictor.predict(each));
      expect(predictor.health()).toMatchObject({ state: "ready", queued: 9, queue: 16 });
      expect(predictor.health().processes.map((process) => process.state)).toEqual(["busy", "busy", "busy"]);
      expect(await Promise.all(answers)).toEqual(expected);
      expect(predictor.health().processes).toMatchObject(
        processes.map(({ pid }) => ({ pid, state: "idle", busy: 0, running: 0, restarts: 0 })),
      );
    });
  });

  it("gives requests that come one by one to each process in turn", async () => {
    await withPredictor({ processes: 3 }, async (predictor) => {
      const worked: number[] = [];
      for (let k = 0; k < 6; k++) {
        const answer = predictor.predict(image(k));
        worked.push(predictor.health().processes.findIndex(({ state }) => state === "busy"));
        await answer;
      }
      expect(worked).toEqual([0, 1, 2, 0, 1, 2]);
    });
  });

  it("loses only the request whose process is killed, and says so", async () => {
    const restarts: unknown[] = [];
    const listen = (message: unknown): void => void restarts.push(message);
    subscribe("pixelcal:predictor:restart", listen);
    try {
      await withPredictor({ model: busy, processes: 2 }, async (predictor) => {
        const [kept, lost] = [predictor.predict(long), predictor.predict(long)];
        const failed = expect(lost).rejects.toMatchObject({ code: "ERR_PIXELCAL_PREDICTOR_CRASHED" });
        await until(() => predictor.statistics().begun === 2);
        const { processes } = predictor.health();
        expect(processes.map(({ busy, running }) => [busy, running > 0])).toEqual([
          [1, true],
          [1, true],
        ]);
        process.kill(processes[1]!.pid!, "SIGKILL");
        await failed;
        expect(predictor.health()).toMatchObject({
          state: "degraded",
          processes: [{ state: "busy" }, { pid: undefined, state: "stopped" }],
        });
        // The next request starts another process: the first is still at work.
        const next = predictor.predict(long);
        expect(predictor.health().processes[1]).toMatchObject({ state: "starting", restarts: 1 });
        expect((await Promise.all([kept, next])).map(({ dims }) => dims[1])).toEqual([2, 2]);
        expect(predictor.health().state).toBe("ready");
        expect(predictor.statistics()).toMatchObject({ completed: 2, failed: 1, restarts: 1 });
        expect(restarts).toEqual([
          { pid: processes[1]!.pid, reason: expect.stringContaining("ended (SIGKILL)"), restarts: 1 },
        ]);
      });
    } finally {
      unsubscribe("pixelcal:predictor:restart", listen);
    }
  });

  it("says when a run takes too long", async () => {
    const timeouts: unknown[] = [];
    const listen = (message: unknown): void => void timeouts.push(message);
    subscribe("pixelcal:predictor:timeout", listen);
    try {
      await withPredictor({ model: busy, timeout: 20 }, async (predictor) => {
        const { pid } = predictor.health().processes[0]!;
        await expect(predictor.predict(long)).rejects.toMatchObject({
          code: "ERR_PIXELCAL_PREDICTOR_TIMEOUT",
        });
        expect(timeouts).toEqual([{ pid, timeout: 20, requests: 1 }]);
      });
    } finally {
      unsubscribe("pixelcal:predictor:timeout", listen);
    }
  });

  it("closes at the end of an `await using` block", async () => {
    const predictor = await Predictor.open({ model: small, processes: 2, threads: 1 });
    const answer = predictor.predict(image(1));
    await predictor[Symbol.asyncDispose]();
    expect((await answer).dims).toEqual([1, 3, 16, 16]);
    expect(predictor.health().state).toBe("closed");
    await expect(predictor.predict(image(1))).rejects.toMatchObject({
      code: "ERR_PIXELCAL_PREDICTOR_CLOSED",
    });
  });

  it("leaves no process behind when the model does not load in one", async () => {
    await expect(
      Predictor.open({ model: new Uint8Array(16), processes: 2, warmUp: [1, 1, 8, 8] }),
    ).rejects.toMatchObject({ code: "ERR_PIXELCAL_PREDICTOR_FAILED" });
  });
});

describe("joined requests", () => {
  const images = Array.from({ length: 9 }, (_, k) => image(k));

  it("give to the bit what they give alone", async () => {
    await withPredictor({ batch: { size: 8 }, warmUp: [1, 1, 16, 16] }, async (predictor) => {
      const alone: Tensor<"float32">[] = [];
      for (const each of images) alone.push(await predictor.predict(each));
      const answers = images.map((each) => predictor.predict(each));
      expect(await Promise.all(answers)).toEqual(alone);
      // The first begins at once, alone; the others wait for it and are one run.
      expect(predictor.statistics()).toMatchObject({ begun: 18, completed: 18, resent: 0, runs: 9 + 2 });
    });
  });

  it("wait for one another", async () => {
    await withPredictor({ batch: { size: 4, wait: 60_000 } }, async (predictor) => {
      const first = images.slice(0, 3).map((each) => predictor.predict(each));
      expect(predictor.health()).toMatchObject({ queued: 3, processes: [{ state: "idle" }] });
      const all = [...first, predictor.predict(images[3]!)];
      expect(predictor.health()).toMatchObject({ queued: 0, processes: [{ state: "busy" }] });
      await Promise.all(all);
      // Closing waits for nobody.
      const last = predictor.predict(images[4]!);
      await predictor.close();
      expect((await last).dims).toEqual([1, 3, 16, 16]);
    });
    await withPredictor({ batch: { size: 4, wait: 5 } }, async (predictor) => {
      expect((await predictor.predict(images[0]!)).dims).toEqual([1, 3, 16, 16]);
    });
  });

  it("answer for themselves when their run fails, each alone", async () => {
    // A model of one image: two do not fit its Reshape, and have no mean without an axis each.
    const single = new Graph("single");
    const x = single.input("x", "float32", [1, 2, 8, 8]);
    const joined = ops.Reshape(x, [1, 128]);
    const mean = ops.ReduceMean(joined, undefined, { keepdims: 0 });
    single.output("y", ops.Reshape(ops.Sub(joined, mean), [1, 2, 8, 8]));
    const two = [0, 1].map((k) => image(k, [1, 2, 8, 8]));
    await withPredictor({ model: single, batch: { size: 2, wait: 60_000 } }, async (predictor) => {
      const answers = await Promise.all(two.map((each) => predictor.predict(each)));
      for (const [k, { data }] of answers.entries()) {
        const logits = two[k]!.data;
        expect(data[0]).toBeCloseTo(1 / (1 + Math.exp(logits[64]! - logits[0]!)), 5);
      }
      expect(predictor.statistics()).toMatchObject({ completed: 2, failed: 0, resent: 2 });
    });
  });

  it("that lost their process run again, and one that is aborted costs the others nothing", async () => {
    await withPredictor({ model: busy, batch: { size: 2, wait: 60_000 } }, async (predictor) => {
      const controller = new AbortController();
      const kept = predictor.predict(long);
      const dropped = predictor.predict(long, { signal: controller.signal });
      const why = new Error("gone");
      const failed = expect(dropped).rejects.toMatchObject({
        code: "ERR_PIXELCAL_PREDICTOR_ABORTED",
        cause: why,
      });
      await until(() => predictor.statistics().begun === 2);
      controller.abort(why);
      await failed;
      expect((await kept).dims).toEqual([1, 2, 192, 192]);
      expect(predictor.statistics()).toMatchObject({ restarts: 0, completed: 1, failed: 1 });

      const both = [predictor.predict(long), predictor.predict(long)];
      await until(() => predictor.statistics().begun === 4);
      process.kill(predictor.health().processes[0]!.pid!, "SIGKILL");
      await Promise.all(both);
      expect(predictor.statistics()).toMatchObject({ restarts: 1, completed: 3, failed: 1, resent: 2 });
    });
  });

  it("one whose array was transferred fails alone", async () => {
    await withPredictor({ model: busy, batch: { size: 2 } }, async (predictor) => {
      const first = predictor.predict(long);
      const stolen = image(1, [1, 2, 192, 192]);
      const [lost, kept] = [predictor.predict(stolen), predictor.predict(long)];
      structuredClone(stolen.data.buffer, { transfer: [stolen.data.buffer as ArrayBuffer] });
      await expect(lost).rejects.toThrow("images: expected 73728 elements");
      expect(await kept).toEqual(await first);
    });
  });
});

describe("images of fewer bytes", () => {
  const pixels = tensor(
    "uint8",
    Uint8Array.from({ length: 256 }, (_, i) => (i * 7) % 256),
    [1, 1, 16, 16],
  );
  const bits = Uint16Array.from({ length: 256 }, (_, i) => 0x3000 + i);

  it.each<[string, PredictorImages, Float32Array]>([
    ["uint8", pixels, Float32Array.from(pixels.data, (pixel) => pixel / 127.5 - 1)],
    ["float16", tensor("float16", bits, [1, 1, 16, 16]), float16ToFloat32(bits)],
  ])("%s gives what the same values give as float32", async (_, images, values) => {
    await withPredictor({ scaling: { factor: 1 / 127.5, offset: -1 } }, async (predictor) => {
      const expected = await predictor.predict(tensor("float32", values, [1, 1, 16, 16]));
      const { data } = await predictor.predict(images);
      for (let i = 0; i < data.length; i++) expect(data[i]).toBeCloseTo(expected.data[i]!, 6);
    });
  });

  it("a request's own scaling comes first, and uint8 without any is refused", async () => {
    await withPredictor({}, async (predictor) => {
      await expect(predictor.predict(pixels)).rejects.toThrow("scaling: required by uint8 images");
      const plain = await predictor.predict(pixels, { scaling: { factor: 1 } });
      const values = Float32Array.from(pixels.data);
      expect(plain).toEqual(await predictor.predict(tensor("float32", values, [1, 1, 16, 16])));
    });
  });
});
