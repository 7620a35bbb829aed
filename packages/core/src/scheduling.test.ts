import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test } from "vitest";
import { InvalidArgumentError } from "./errors.js";
import { distanceTransform } from "./kernels/distance.js";
import { holdQueue } from "./long-call.test.helper.js";
import { queueState, setConcurrency } from "./scheduling.js";
import { type Tensor, zeros } from "./tensor.js";

afterEach(() => setConcurrency(2));

/** Makes a mask whose distance transform takes a few milliseconds. */
function large(): Tensor<"uint8"> {
  const mask = zeros("uint8", [1, 32, 256, 256]);
  mask.data.fill(1, 1);
  return mask;
}

const small = zeros("uint8", [1, 4, 4]);

describe("the queue of calls", () => {
  test("counts what waits and what runs", async () => {
    expect(queueState()).toEqual({ waiting: 0, running: 0, concurrency: 2 });
    setConcurrency(1);
    const release = await holdQueue();
    const calls = Array.from({ length: 4 }, () => distanceTransform(small));
    expect(queueState()).toEqual({ waiting: 4, running: 1, concurrency: 1 });
    await Promise.all([release(), ...calls]);
    expect(queueState()).toEqual({ waiting: 0, running: 0, concurrency: 1 });
  });

  test("runs small calls first", async () => {
    setConcurrency(1);
    const order: string[] = [];
    const done = (name: string) => () => order.push(name);
    const release = await holdQueue();
    const calls = [
      distanceTransform(large()).then(done("large")),
      distanceTransform(small).then(done("small")),
    ];
    await Promise.all([release(), ...calls]);
    expect(order).toEqual(["small", "large"]);
  });

  test("gives the same results whatever runs beside it", async () => {
    const mask = large();
    const bytes = ({ data }: Tensor) => Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    const alone = await distanceTransform(mask);
    for (const count of [1, 2, 5]) {
      setConcurrency(count);
      const together = await Promise.all(Array.from({ length: 6 }, () => distanceTransform(mask)));
      for (const each of together) expect(bytes(each).equals(bytes(alone))).toBe(true);
    }
  });

  test.each([0, 65, 1.5, "2", undefined])("refuses to run %s calls at once", (count) => {
    expect(() => setConcurrency(count as number)).toThrow(InvalidArgumentError);
    expect(() => setConcurrency(count as number)).toThrow("count: expected an integer from 1 to 64");
  });
});

/** Runs a program with `native` and `run`, a call of many milliseconds. */
function child(program: string, env: Record<string, string> = {}): { status: number | null; stdout: string } {
  const prelude = `
    const { default: native } = await import(${JSON.stringify(import.meta.resolve("@pixelcal/native"))});
    const labels = new Uint8Array(32 * 256 * 256);
    labels.fill(1, 1000, 2000);
    const run = () => native.signedDistance({ labels, size: [32, 256, 256], classes: 5 });`;
  const source = `${prelude} const prelude = ${JSON.stringify(prelude)}; ${program}`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", source], {
    encoding: "utf8",
    env: { ...process.env, ...env },
  });
  expect(stderr).toBe("");
  return { status, stdout };
}

describe("a process", () => {
  test("stays while calls are pending", () => {
    const program = "for (let i = 0; i < 3; i++) run().then(({ length }) => console.log(length));";
    expect(child(program)).toEqual({ status: 0, stdout: `${5 * 32 * 256 * 256}\n`.repeat(3) });
  });

  test("ends when none is", () => {
    expect(child("await run(); console.log('done');")).toEqual({ status: 0, stdout: "done\n" });
  });

  test("may exit in the middle of calls", () => {
    const program = "for (let i = 0; i < 6; i++) run(); setTimeout(() => process.exit(7), 5);";
    expect(child(program)).toEqual({ status: 7, stdout: "" });
  });

  test("may end its worker threads in the middle of calls, whatever the others do", () => {
    const program = `
      const { Worker } = await import("node:worker_threads");
      const eternal = \`
        const { parentPort } = await import("node:worker_threads");
        \${prelude}
        for (let i = 0; i < 8; i++) run();
        parentPort.postMessage(0);\`;
      const module = "data:text/javascript," + encodeURIComponent(eternal);
      const pending = run();
      const workers = [0, 1, 2].map(() => new Worker(new URL(module)));
      await Promise.all(workers.map((worker) => new Promise((resolve) => worker.once("message", resolve))));
      await Promise.all(workers.map((worker) => worker.terminate()));
      await pending;
      console.log(JSON.stringify(native.queueState()));`;
    expect(child(program)).toEqual({ status: 0, stdout: '{"waiting":0,"running":0,"concurrency":2}\n' });
  });

  test("reads files while kernels run, even with one thread for files", () => {
    const program = `
      const { readFile } = await import("node:fs/promises");
      const n = 4096, square = new Float64Array(n * n);
      let ended = 0;
      const seconds = () => native.weightedSums({ values: square, weights: square, draws: n, groups: n, width: n });
      for (let i = 0; i < 2; i++) seconds().then(() => ended++);
      await readFile(${JSON.stringify(fileURLToPath(import.meta.url))});
      console.log(ended);
      process.exit();`;
    expect(child(program, { UV_THREADPOOL_SIZE: "1" })).toEqual({ status: 0, stdout: "0\n" });
  });
});
