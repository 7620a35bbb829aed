import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import native from "@pixelcal/native";
import { describe, expect, test } from "vitest";
import { call, callSync } from "./binding.js";
import { InvalidArgumentError } from "./errors.js";

// Calls the native side directly, with arguments the wrappers never pass: it has to refuse them itself.
const size = [4];
const transform = (options: object): Float32Array => native.distanceTransformSync(options as never);

function detached(): Uint8Array {
  const array = new Uint8Array(4);
  structuredClone(array, { transfer: [array.buffer] });
  return array;
}

describe("arrays", () => {
  test.each([
    ["of another type", new Float32Array(4), "mask: expected a Uint8Array, got Float32Array"],
    ["of a near type", new Uint8ClampedArray(4), "mask: expected a Uint8Array, got Uint8ClampedArray"],
    ["plain", [1, 0, 1, 1], "mask: expected a Uint8Array, got an array"],
    ["missing", undefined, "mask: expected a Uint8Array, got undefined"],
    ["detached", detached(), "mask: expected an attached array, got a detached one"],
    [
      "shared",
      new Uint8Array(new SharedArrayBuffer(4)),
      "mask: expected an array on an ordinary ArrayBuffer, got a SharedArrayBuffer",
    ],
    [
      "growable and shared",
      new Uint8Array(Reflect.construct(SharedArrayBuffer, [4, { maxByteLength: 8 }])),
      "got a SharedArrayBuffer",
    ],
    [
      "resizable",
      new Uint8Array(Reflect.construct(ArrayBuffer, [4, { maxByteLength: 8 }])),
      "mask: expected an array of fixed length, got a resizable ArrayBuffer",
    ],
    ["empty", new Uint8Array(0), "mask: expected 4 elements, got 0"],
  ])("%s", async (_, mask, message) => {
    expect(() => transform({ mask, size })).toThrow(message);
    await expect(native.distanceTransform({ mask: mask as Uint8Array, size })).rejects.toThrow(message);
  });

  test("byteOffset is respected, also when odd", () => {
    const mask = new Uint8Array(9).fill(1).subarray(3, 7);
    mask[1] = 0;
    const out = new Float32Array(10).subarray(3, 7);
    expect(transform({ mask, size, out })).toBe(out);
    expect([...new Float32Array(out.buffer)]).toEqual([0, 0, 0, 1, 0, 1, 2, 0, 0, 0]);
  });

  test("out must not share memory with an input", () => {
    const out = new Float32Array(4);
    const mask = new Uint8Array(out.buffer, 12, 4);
    expect(() => transform({ mask, size, out })).toThrow(
      "out: expected memory apart from mask, got an overlapping array",
    );
    const apart = new Uint8Array(new ArrayBuffer(20), 16, 4);
    expect(transform({ mask: apart, size, out: new Float32Array(apart.buffer, 0, 4) })[0]).toBe(0);
  });

  test("labels come in three types", () => {
    const labels = new Uint16Array(4);
    expect(() => native.signedDistanceSync({ labels: labels as never, size, classes: 2 })).toThrow(
      "labels: expected a Uint8Array, Int32Array or BigInt64Array, got Uint16Array",
    );
  });

  test("targets are arrays of their own", () => {
    const options = { labels: new Uint8Array(4), size, classes: 2, oneHot: true, signedDistance: true };
    expect(() => native.targetsSync({ ...options, out: new Float32Array(8) } as never)).toThrow(
      "out: not supported here, every target is an array of its own",
    );
  });

  test("lists name the entry", () => {
    const a = [new Float32Array(2), new Float32Array(3)];
    const options = { parameters: a, gradients: [a[0], new Float64Array(3)], learningRate: 1 };
    expect(() => native.sgdSync(options as never)).toThrow(
      "gradients[1]: expected a Float32Array, got Float64Array",
    );
    expect(() => native.sgdSync({ ...options, gradients: a[0] } as never)).toThrow(
      "gradients: expected an array of Float32Array, got Float32Array",
    );
  });
});

describe("other arguments", () => {
  const mask = new Uint8Array(4);
  test.each([
    [{ mask, size: 4 }, "size: expected an array of numbers, got 4"],
    [{ mask, size: ["4"] }, "size: expected numbers, got 4 at index 0"],
    [{ mask, size: [4.5] }, "size: expected positive integers, got 4.5"],
    [{ mask }, "size: expected 1 to 3 spatial dimensions, got 0"],
    [{ mask, size, batch: 0.5 }, "batch: expected an integer, got 0.5"],
    [{ mask, size, batch: 0 }, "batch: expected at least 1, got 0"],
    [{ mask, size, batch: "1" }, "batch: expected a number, got 1"],
    [{ mask, size: [2 ** 40, 2 ** 40] }, "size: expected at most 2^63 - 1 elements"],
    [{ mask, size, spacing: [Number.NaN] }, "spacing: expected positive finite numbers, got nan"],
    [{ mask, size, squared: "no" }, "squared: expected a boolean, got no"],
    [{ mask, size, noZero: 7 }, "noZero: expected one of infinity, reference, got 7"],
    [null, "options: expected an object, got null"],
    [undefined, "options: expected an object, got undefined"],
  ])("%j", (options, message) => {
    expect(() => transform(options as object)).toThrow(message);
    expect(() => callSync(() => transform(options as object))).toThrow(InvalidArgumentError);
  });

  test("integers are not cut off to fewer bits", () => {
    const window = { taps: [1], windowBorder: "zero", normalization: "window" } as const;
    const request = { labels: mask, size, classes: 2, aggregation: "weighted", ...window } as const;
    expect(() => native.softLabelsSync({ ...request, dimensions: 2 ** 32 + 1 })).toThrow(
      "dimensions: expected 1 to 1, got 4294967297",
    );
    const maps = { probs: new Float32Array(4), labels: mask, pixels: 4, classes: 2 ** 51 };
    expect(() => native.equalMassEdgesSync({ ...maps, of: "classes", closed: "left", bins: 65535 })).toThrow(
      "classes: expected 1 to 32767, got 2251799813685248",
    );
  });

  test("a rejection becomes an InvalidArgumentError that names its argument", async () => {
    const run = call(native.distanceTransform, { mask, size: [5] });
    await expect(run).rejects.toMatchObject({
      argument: "mask",
      message: "mask: expected 5 elements, got 4",
    });
    const other = new RangeError("not ours");
    await expect(call(() => Promise.reject(other), {})).rejects.toBe(other);
  });

  test.each([
    [new RangeError("out of memory"), "ERR_PIXELCAL_OUT_OF_MEMORY"],
    [new RangeError("cuda: out of device memory: wanted 8 bytes"), "ERR_PIXELCAL_OUT_OF_MEMORY"],
    [new Error("cuda: cudaMalloc failed: unknown error"), "ERR_PIXELCAL_CUDA"],
    [new Error("another"), undefined],
  ])("a failure keeps its class and gets a code: %s", async (error, code) => {
    const { name } = error;
    const fail = (): never => {
      throw error;
    };
    expect(() => callSync(fail)).toThrow(error);
    expect(error).toMatchObject({ name, ...(code === undefined ? {} : { code }) });
    expect("code" in error).toBe(code !== undefined);
    await expect(call(() => Promise.reject(error), {})).rejects.toBe(error);
  });

  test("a getter that throws is passed on", () => {
    const options = {
      get mask(): never {
        throw new RangeError("from the getter");
      },
    };
    expect(() => transform(options)).toThrow("from the getter");
  });
});

describe("worker threads", () => {
  const url = fileURLToPath(import.meta.resolve("@pixelcal/native"));
  const program = `
    const { parentPort } = require("node:worker_threads");
    import(${JSON.stringify(url)}).then(async ({ default: native }) => {
      const mask = new Uint8Array(64 * 300 * 300).fill(1);
      mask[0] = 0;
      const run = () => native.distanceTransform({ mask, size: [64, 300, 300] });
      const first = await run();
      parentPort.postMessage(first[first.length - 1]);
      if (process.argv[2] === "forever") for (;;) await Promise.all([run(), run()]);
    });`;
  const expected = Math.fround(Math.hypot(63, 299, 299));

  function started(argument: string): { worker: Worker; answer: Promise<unknown> } {
    const worker = new Worker(program, { eval: true, argv: [argument] });
    const answer = new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
    return { worker, answer };
  }

  test("load, run and end beside each other", async () => {
    for (let round = 0; round < 2; round++) {
      const workers = Array.from({ length: 3 }, () => started("once"));
      const ends = workers.map(({ worker }) => new Promise((resolve) => worker.once("exit", resolve)));
      expect(await Promise.all(workers.map(({ answer }) => answer))).toEqual([expected, expected, expected]);
      expect(await Promise.all(ends)).toEqual([0, 0, 0]);
    }
  });

  test("may be terminated in the middle of a call", async () => {
    const workers = Array.from({ length: 3 }, () => started("forever"));
    await Promise.all(workers.map(({ answer }) => answer));
    await Promise.all(workers.map(({ worker }) => worker.terminate()));
    const mask = Uint8Array.of(0, 1, 1, 1);
    expect([...transform({ mask, size })]).toEqual([0, 1, 2, 3]);
  });
});

describe("a plan of histograms", () => {
  const maps = {
    probs: Float32Array.of(0.9, 0.2, 0.1, 0.8),
    labels: Uint8Array.of(0, 1),
    classes: 2,
    pixels: 2,
  };
  const histograms = [
    { of: "classes", bins: 3, closed: "right", edges: Float64Array.of(0, 0.5, 0.8, 1) },
    { of: "top-label", bins: 7, closed: "left" },
  ] as const;

  test("stands for them, whatever becomes of their edges", () => {
    const expected = native.calibrationBinsSync({ ...maps, histograms });
    const edges = histograms[0].edges.slice();
    const plan = native.histogramPlanSync({ histograms: [{ ...histograms[0], edges }, histograms[1]] });
    edges.fill(7);
    structuredClone(edges, { transfer: [edges.buffer] });
    for (let i = 0; i < 2; i++)
      expect(native.calibrationBinsSync({ ...maps, histograms: plan })).toEqual(expected);
  });

  test("is made of valid histograms, and is no other object", () => {
    const wrong = [histograms[0], { ...histograms[1], bins: 0 }];
    expect(() => native.histogramPlanSync({ histograms: wrong })).toThrow(
      "histograms[1].bins: expected 1 to 65536, got 0",
    );
    for (const other of [{}, native.histogramPlan, 3])
      expect(() => native.calibrationBinsSync({ ...maps, histograms: other as never })).toThrow(
        "histograms: expected an array",
      );
  });
});
