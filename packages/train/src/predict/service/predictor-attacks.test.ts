import { InvalidArgumentError, type Tensor, tensor } from "@pixelcal/core";
import { Graph, ops, serializeModel } from "@pixelcal/graph";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Predictor, type PredictorOptions, type RequestOptions } from "./predictor.js";
import { PredictorError } from "./predictor-error.js";

const dims = [1, 1, 8, 8];
const model = ((): Uint8Array => {
  const graph = new Graph("two classes");
  const image = graph.input("image", "float32", dims);
  graph.output("logits", ops.Concat([image, ops.Neg(image)], 1));
  return serializeModel(graph);
})();

const image = (value: number): Tensor<"float32"> => tensor("float32", new Float32Array(64).fill(value), dims);

/** Returns the probability of the first class of logits v and -v. */
const sigmoid = (value: number): number => 1 / (1 + Math.exp(-2 * value));

describe("a Predictor under attack", () => {
  let predictor: Predictor;
  beforeAll(async () => {
    predictor = await Predictor.open({ model, threads: 1 });
  });
  afterAll(() => predictor.close());

  const right = async (value: number): Promise<void> => {
    const { data } = await predictor.predict(image(value));
    expect(data[0]).toBeCloseTo(sigmoid(value), 6);
    expect(data[63]).toBeCloseTo(sigmoid(value), 6);
  };

  const wrongImages: readonly [string, unknown, string][] = [
    [
      "no numbers",
      { ...image(0), data: new Float32Array(0) },
      "images: expected 64 elements for dims [1, 1, 8, 8], got 0",
    ],
    ["too few", { ...image(0), data: new Float32Array(63) }, "images: expected 64 elements"],
    ["too many", { ...image(0), data: new Float32Array(65) }, "images: expected 64 elements"],
    ["another array", { ...image(0), data: new Float64Array(64) }, "images: expected data of type float32"],
    ["a list", { ...image(0), data: new Array(64).fill(0) }, "images: expected data of type float32, got [0"],
    ["no data", { type: "float32", dims }, "images: expected data of type float32, got undefined"],
    [
      "another type",
      { ...image(0), type: "float64" },
      "images: expected type float32 or float16 or uint8, got float64",
    ],
    ["no dims", { ...image(0), dims: undefined }, "images: expected a tensor"],
    ["an empty axis", { ...image(0), dims: [1, 1, 0, 8] }, "images: expected positive dimensions"],
    ["half an axis", { ...image(0), dims: [1, 1, 0.5, 128] }, "positive dimensions"],
    ["text as an axis", { ...image(0), dims: [1, 1, "8", 8] }, "images: expected positive dimensions"],
    ["a huge axis", { ...image(0), dims: [1, 1, 2 ** 52, 2 ** 52] }, "expected at most 2^53 - 1 elements"],
    ["one axis", { ...image(0), dims: [64] }, "images: expected rank 3 to 5, got 1"],
    ["null", null, "images: expected a tensor, got null"],
    ["text", "image", "images: expected a tensor, got image"],
  ];

  it.each(wrongImages)(
    "refuses images of %s, and shows nothing of the last ones",
    async (_, images, message) => {
      await right(3);
      const refused = predictor.predict(images as Tensor<"float32">);
      await expect(refused).rejects.toThrow(InvalidArgumentError);
      await expect(refused).rejects.toThrow(message);
      await right(-0.5);
    },
  );

  it("refuses images that were transferred while they waited", async () => {
    const first = predictor.predict(image(1));
    const stolen = image(2);
    const second = predictor.predict(stolen);
    structuredClone(stolen.data.buffer, { transfer: [stolen.data.buffer as ArrayBuffer] });
    await expect(second).rejects.toThrow("images: expected 64 elements for dims [1, 1, 8, 8], got 0");
    expect((await first).data[0]).toBeCloseTo(sigmoid(1), 6);
    await right(0.25);
  });

  const wrongRequests: readonly [unknown, string][] = [
    [null, "options: expected an object, got null"],
    [{ timout: 3 }, 'options.timout: unknown option (did you mean "timeout"?)'],
    [{ scaling: { factor: 1 } }, "scaling: only for uint8 images, got float32"],
    [{ scaling: 2 }, "scaling: expected an object, got 2"],
    [{ scaling: {} }, "scaling.factor: expected a finite number, or one per channel, got undefined"],
    [{ timeout: 0 }, "timeout: expected milliseconds above 0, got 0"],
    [{ timeout: "9" }, "timeout: expected milliseconds above 0, got 9"],
    [{ signal: {} }, "signal: expected an AbortSignal, got Object"],
    [{ tile: 8 }, "tile: expected 2 sizes of 1 or more, got 8"],
    [{ tile: [8] }, "tile: expected 2 sizes of 1 or more, got [8]"],
    [{ tile: [2 ** 20, 2 ** 20] }, "tile: expected at most 2^32 pixels"],
    [{ tile: [8, 8], overlap: 1 }, "overlap: expected 0 to below 1, got 1"],
    [{ tile: [8, 8], blending: "mean" }, "blending: expected gaussian or constant, got mean"],
    [{ flips: 0 }, "flips: expected different axes from 0 to 1, got 0"],
    [{ flips: [2] }, "flips: expected different axes from 0 to 1, got [2]"],
  ];
  it.each(wrongRequests)("refuses the request's options %j", async (options, message) => {
    const refused = predictor.predict(image(1), options as RequestOptions);
    await expect(refused).rejects.toThrow(InvalidArgumentError);
    await expect(refused).rejects.toThrow(message);
  });

  const wrongOptions: readonly [unknown, string][] = [
    [undefined, "options: expected an object, got undefined"],
    [{}, "model: expected the path or the bytes of an ONNX file, or a Graph, got undefined"],
    [{ model: "" }, "model: expected the path"],
    [{ model: new ArrayBuffer(8) }, "got ArrayBuffer"],
    [{ model, externalData: 1 }, "externalData: expected the path of a folder, got 1"],
    [{ model, device: "tpu" }, "device: expected cpu, webgpu, cuda, got tpu"],
    [{ model, threads: 0 }, "threads: expected an integer of 1 or more, got 0"],
    [{ model, processes: 0 }, "processes: expected an integer from 1 to 256, got 0"],
    [{ model, batch: 4 }, "batch: expected an object, got 4"],
    [{ model, batch: {} }, "batch.size: expected an integer of 1 or more, got undefined"],
    [{ model, batch: { size: 4, wait: -1 } }, "batch.wait: expected milliseconds of 0 or more, got -1"],
    [{ model, batch: { sizes: 4 } }, 'batch.sizes: unknown option (did you mean "size"?)'],
    [{ model, scaling: { factor: Number.NaN } }, "scaling.factor: expected a finite number"],
    [{ model, scaling: { factor: 1, offset: [] } }, "scaling.offset: expected a finite number"],
    [{ model, queue: 1.5 }, "queue: expected an integer of 1 or more, got 1.5"],
    [{ model, whenFull: "drop" }, "whenFull: expected reject or wait, got drop"],
    [{ model, timeout: Number.NaN }, "timeout: expected milliseconds above 0"],
    [{ model, stderr: "pipe" }, "stderr: expected inherit or ignore, got pipe"],
    [{ model, outputs: "logits" }, "outputs: expected names of the model's outputs, got logits"],
    [{ model, classAxis: "1" }, "classAxis: expected an axis of 1 or more, or -1, got 1"],
    [{ model, warmUp: 8 }, "warmUp: expected dims of images [N, C, ...spatial], got 8"],
    [{ model, warmUp: [1, 1, 2 ** 20, 2 ** 20] }, "warmUp: expected at most 2^32 numbers"],
    [{ model, warmUp: [1, 1, 8, 8], tile: [8] }, "tile: expected 2 sizes of 1 or more, got [8]"],
    [{ model, whenfull: "wait" }, 'options.whenfull: unknown option (did you mean "whenFull"?)'],
  ];
  it.each(wrongOptions)("refuses to open %#", async (options, message) => {
    const refused = Predictor.open(options as PredictorOptions);
    await expect(refused).rejects.toThrow(InvalidArgumentError);
    await expect(refused).rejects.toThrow(message);
  });

  it("refuses wrong arguments of close, and stays open", async () => {
    await expect(predictor.close(null as never)).rejects.toThrow(InvalidArgumentError);
    await expect(predictor.close({ drain: 1 } as never)).rejects.toThrow(
      "drain: expected true or false, got 1",
    );
    await right(0.125);
  });

  it("loses no request when its idle process was killed", async () => {
    const before = predictor.statistics();
    for (let kill = 1; kill <= 6; kill++) {
      process.kill(predictor.health().processes[0]!.pid!, "SIGKILL");
      // At once: this process has not heard of the end. The next is sent to a process that may be known to
      // have ended.
      await Promise.all([right(kill / 8), right(-kill / 8)]);
    }
    const { failed, restarts, completed } = predictor.statistics();
    expect({ failed, restarts, completed }).toEqual({
      failed: before.failed,
      restarts: before.restarts + 6,
      completed: before.completed + 12,
    });
  });

  it("gives up a request whose processes are killed twice, and goes on", async () => {
    process.kill(predictor.health().processes[0]!.pid!, "SIGKILL");
    const request = predictor.predict(image(1));
    const failed = expect(request).rejects.toMatchObject({
      name: "PredictorError",
      code: "ERR_PIXELCAL_PREDICTOR_CRASHED",
    });
    const killed = new Set<number | undefined>([predictor.health().processes[0]!.pid]);
    for (let ended = false; !ended; ) {
      const { pid, state } = predictor.health().processes[0]!;
      if (state === "starting" && pid !== undefined && !killed.has(pid)) {
        process.kill(pid, "SIGKILL");
        killed.add(pid);
      }
      ended = await Promise.race([
        request.then(
          () => true,
          () => true,
        ),
        new Promise<false>((resolve) => setImmediate(() => resolve(false))),
      ]);
    }
    await failed;
    await right(0.75);
  });

  it("takes a request back while its process starts, which then serves the next", async () => {
    process.kill(predictor.health().processes[0]!.pid!, "SIGKILL");
    const controller = new AbortController();
    const request = predictor.predict(image(1), { signal: controller.signal });
    const aborted = expect(request).rejects.toMatchObject({ code: "ERR_PIXELCAL_PREDICTOR_ABORTED" });
    while (predictor.health().processes[0]!.state !== "starting") await new Promise(setImmediate);
    controller.abort();
    await aborted;
    expect(predictor.health().processes[0]!.state).toBe("starting");
    await right(0.5);
  });

  it("closes while a process starts", async () => {
    const closing = await Predictor.open({ model, threads: 1 });
    process.kill(closing.health().processes[0]!.pid!, "SIGKILL");
    const requests = [closing.predict(image(1)), closing.predict(image(2))].map((request) =>
      request.then(
        () => "answered",
        (error: unknown) => (error instanceof PredictorError ? error.code : error),
      ),
    );
    while (closing.health().processes[0]!.state !== "starting") await new Promise(setImmediate);
    const [{ pid } = {}] = closing.health().processes;
    await Promise.all([closing.close(), closing.close({ drain: false })]);
    expect(await Promise.all(requests)).toEqual(
      ["CLOSED", "CLOSED"].map((end) => `ERR_PIXELCAL_PREDICTOR_${end}`),
    );
    expect(closing.health().state).toBe("closed");
    expect(() => process.kill(pid!, 0)).toThrow("ESRCH");
  });
});
