import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";

// Large results come from a pool of the process. Each test runs in its own process, which can collect
// garbage.
const prelude = `
  import native from ${JSON.stringify(fileURLToPath(import.meta.resolve("@pixelcal/native")))};
  import { Worker } from "node:worker_threads";
  const size = [1025, 1026], count = 1025 * 1026;
  const labels = Uint8Array.from({ length: count }, (_, i) => (i >> 4) % 3);
  const bytes = (array) => Buffer.from(array.buffer, array.byteOffset, array.byteLength);
  // Waits until the collector and the event loop have returned the dropped results.
  async function settle(done = () => native.resultMemory().lent === 0) {
    for (let i = 0; i < 200 && !done(); i++) {
      gc();
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }
  const answer = (value) => console.log(JSON.stringify(value));
`;

async function inProcess(body: string): Promise<unknown> {
  const args = ["--expose-gc", "--input-type=module", "-e", prelude + body];
  return JSON.parse((await promisify(execFile)(process.execPath, args)).stdout);
}

describe("results without out", () => {
  test("are apart from each other, and small ones are ordinary", async () => {
    const body = `
      const run = () => native.distanceTransformSync({ mask: labels, size });
      const [first, second] = [run(), run()];
      const before = Buffer.from(bytes(second));
      first.fill(-1);
      const untouched = before.equals(bytes(second)) && first.every((value) => value === -1);
      const { lent } = native.resultMemory();
      const small = native.distanceTransformSync({ mask: labels.subarray(0, 999), size: [999] });
      answer({ untouched, lent: lent >= 8 * count, same: native.resultMemory().lent === lent, length: small.length });`;
    expect(await inProcess(body)).toEqual({ untouched: true, lent: true, same: true, length: 999 });
  });

  test("use memory again and show nothing of what it held", async () => {
    const body = `
      const values = Float32Array.from({ length: 3 * count }, (_, i) => ((i * 7919) % 1000) / 1000);
      const soft = { labels, size, classes: 3, taps: [1, 1, 1], divisor: 9, windowBorder: "replicate" };
      const maps = { labels, classes: 3, pixels: count };
      const cases = {
        distanceTransform: { mask: labels, size },
        distanceTransformFull: { mask: labels.map(() => 1), size },
        signedDistance: { labels, size, classes: 4 },
        signedDistanceFar: { labels, size, classes: 4, absent: "far", normalize: "truncate" },
        boundarySoftLabels: { labels, size, classes: 4, ignore: 2 },
        borderLevels: { labels, size, classes: 4, ignore: 3, form: "scaled-border", absent: "far", normalize: "none" },
        borderDistances: { labels, size, classes: 4, ignore: 3 },
        ringTargets: { labels, size, classes: 4, inner: 0.9, outer: 0.1, ignore: 3 },
        mixedPixels: { soft: values, size, classes: 3, limit: 0.7 },
        morphology: { mask: labels, size, op: "gradient" },
        morphologyWide: { mask: labels, size, op: "opening", radius: 600 },
        softLabels: { ...soft, aggregation: "weighted", normalization: "window" },
        softLabelsIgnored: { ...soft, ignore: 2, aggregation: "mode", normalization: "window" },
        softLabelsAdapted: { ...soft, op: "erosion", aggregation: "weighted", normalization: "classes" },
        softLabelsBand: { ...soft, op: "gradient", band: true, aggregation: "weighted", normalization: "window" },
        softLabelsImage: { ...soft, windowBorder: "background", image: values.subarray(0, count), aggregation: "image-l1", normalization: "window" },
        argMax: { values, classes: 3, pixels: count },
        confusionCounts: { predicted: labels, labels: labels.map((c) => 399 - c), classes: 400, pixels: count },
        equalMassEdges: { ...maps, probs: values, of: "classes", closed: "right", bins: 60000 },
      };
      const wrong = [], fresh = [];
      for (const [name, options] of Object.entries(cases)) {
        const kernel = native[Object.keys(native).find((key) => name.startsWith(key) && key + "Sync" in native) + "Sync"];
        let result = kernel(options);
        const out = new result.constructor(result.length);
        bytes(out).fill(0x5a);
        kernel({ ...options, out });
        bytes(result).fill(0xa5);
        result = undefined;
        await settle();
        const { kept } = native.resultMemory();
        result = kernel(options);
        if (native.resultMemory().kept >= kept) fresh.push(name);
        if (!bytes(out).equals(bytes(result))) wrong.push(name);
        result = undefined;
        await settle();
      }
      answer({ wrong, fresh });`;
    expect(await inProcess(body)).toEqual({ wrong: [], fresh: [] });
  });

  test.each([
    ["awaited", "await native.morphology({ mask, size: [1024, 2048], op: 'erosion' })"],
    [
      "on the calling thread, without a turn of the event loop",
      "native.morphologySync({ mask, size: [1024, 2048], op: 'erosion' })",
    ],
  ])("stay bounded over 1000 calls, %s", async (_, call) => {
    const body = `
      const mask = new Uint8Array(2 << 20).fill(1);
      let most = 0, wrong = 0;
      const start = process.memoryUsage.rss();
      const once = async () => {
        const result = ${call};
        if (result[0] !== 1 || result[result.length - 1] !== 1) wrong++;
        result.fill(7);
        most = Math.max(most, native.resultMemory().lent + native.resultMemory().kept);
      };
      for (let i = 0; i < 1000; i++) await once();
      const grown = process.memoryUsage.rss() - start;
      await settle();
      answer({ wrong, bounded: most <= 256 << 20, grown: grown < 450 << 20, lent: native.resultMemory().lent });`;
    expect(await inProcess(body)).toEqual({ wrong: 0, bounded: true, grown: true, lent: 0 });
  });

  test("beyond what the pool lends are ordinary arrays, and too large ones a RangeError", async () => {
    const body = `
      const mask = new Uint8Array(24 << 20);
      const held = Array.from({ length: 12 }, () => native.morphologySync({ mask, size: [2048, 12288], op: "erosion" }));
      const { lent } = native.resultMemory();
      let error;
      try {
        native.signedDistanceSync({ labels: mask, size: [mask.length], classes: 32767 });
      } catch ({ name }) {
        error = name;
      }
      answer({ lent: lent <= 256 << 20, length: held.at(-1).length, error });`;
    expect(await inProcess(body)).toEqual({ lent: true, length: 24 << 20, error: "RangeError" });
  });

  test("are copied, moved or refused by a transfer, never shared with a later result", async () => {
    const body = `
      const run = () => native.distanceTransformSync({ mask: labels, size });
      const expected = Buffer.from(bytes(run()));
      let moved = run();
      let kind = "moved";
      try {
        moved = structuredClone(moved, { transfer: [moved.buffer] });
      } catch (error) {
        kind = error.name;
      }
      let second = run();
      if (second.buffer.transfer) second = new Float32Array(second.buffer.transfer());
      for (let i = 0; i < 30; i++) {
        gc();
        await new Promise((resolve) => setTimeout(resolve, 1));
        run().fill(-1);
      }
      const right = expected.equals(bytes(moved)) && expected.equals(bytes(second));
      answer({ right, kind: ["moved", "DataCloneError"].includes(kind) });`;
    expect(await inProcess(body)).toEqual({ right: true, kind: true });
  });

  test("go back from worker threads, whether they end or are terminated, also in the middle of a call", async () => {
    const body = `
      const program = \`
        const { parentPort, workerData } = require("node:worker_threads");
        import(workerData.url).then(async ({ default: native }) => {
          const { labels, size } = workerData;
          const run = () => native.signedDistance({ labels, size, classes: 3 });
          parentPort.postMessage(await run());
          if (workerData.forever) for (;;) await Promise.all([run(), run()]);
        });\`;
      const url = ${JSON.stringify(import.meta.resolve("@pixelcal/native"))};
      let expected = native.signedDistanceSync({ labels, size, classes: 3 });
      let wrong = 0;
      for (const forever of [false, true, false]) {
        const workers = [1, 2, 3].map(() => new Worker(program, { eval: true, execArgv: [], workerData: { url, labels, size, forever } }));
        await Promise.all(
          workers.map(async (worker) => {
            const exit = new Promise((resolve) => worker.once("exit", resolve));
            const result = await new Promise((resolve) => worker.once("message", resolve));
            if (forever) await worker.terminate();
            await exit;
            const own = await native.signedDistance({ labels, size, classes: 3 });
            if (!bytes(expected).equals(bytes(result)) || !bytes(expected).equals(bytes(own))) wrong++;
          }),
        );
      }
      expected = undefined;
      await settle();
      answer({ wrong, lent: native.resultMemory().lent });`;
    expect(await inProcess(body)).toEqual({ wrong: 0, lent: 0 });
  });
});
