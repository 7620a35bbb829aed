import { spawnSync } from "node:child_process";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import native from "@pixelcal/native";
import { describe, expect, test } from "vitest";
import { InvalidArgumentError } from "./errors.js";
import { distanceTransform } from "./kernels/distance.js";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

const side = 384;
const size = [side, side];

function scene(): { mask: Uint8Array; out: Float32Array } {
  const mask = new Uint8Array(side * side).fill(1);
  mask[0] = 0;
  return { mask, out: new Float32Array(side * side) };
}

const lost = (name: string): string =>
  `${name}: must stay attached until the call ends, but was transferred while it ran`;

/** The ways in which JavaScript can take an array's memory away at once. */
const thefts: readonly [string, (array: ArrayBufferView) => unknown][] = [
  ["structuredClone", ({ buffer }) => structuredClone(buffer, { transfer: [buffer as ArrayBuffer] })],
  [
    "postMessage",
    ({ buffer }) => {
      const { port1 } = new MessageChannel();
      port1.postMessage(buffer, [buffer as ArrayBuffer]);
      port1.close();
    },
  ],
  ...("transfer" in ArrayBuffer.prototype
    ? [
        [
          "ArrayBuffer.prototype.transfer",
          ({ buffer }: ArrayBufferView) => (buffer as ArrayBuffer & { transfer(): unknown }).transfer(),
        ] as [string, (array: ArrayBufferView) => unknown],
      ]
    : []),
];

describe.each(thefts)("arrays taken away by %s while a kernel runs", (_, take) => {
  test.each(["mask", "out"] as const)("%s", async (name) => {
    for (let round = 0; round < 4; round++) {
      const arrays = scene();
      const run = native.distanceTransform({ ...arrays, size });
      take(arrays[name]);
      collect();
      // The allocator may put these where the array was.
      const others = Array.from({ length: 8 }, () => new Float32Array(side * side).fill(7));
      await expect(run).rejects.toMatchObject({ code: "INVALID_ARGUMENT", message: lost(name) });
      for (const other of others) expect(other.every((value) => value === 7)).toBe(true);
    }
  });

  test("parameters that are updated in place", async () => {
    const count = 1 << 18;
    const zeros = (): Float32Array => new Float32Array(count);
    const [parameters, gradients, averages, squares] = [[zeros()], [zeros()], [zeros()], [zeros()]];
    const run = native.adamw({ parameters, gradients, averages, squares, learningRate: 0.1, step: 1 });
    take(squares[0]!);
    collect();
    await expect(run).rejects.toThrow(lost("squares[0]"));
  });

  test("a histogram's edges", async () => {
    const pixels = 1 << 16;
    const [probs, labels] = [new Float32Array(2 * pixels).fill(0.5), new Uint8Array(pixels)];
    const edges = Float64Array.of(0, 0.5, 1);
    const histograms = [{ of: "classes", closed: "left", bins: 2, edges }] as const;
    const run = native.calibrationBins({ probs, labels, classes: 2, pixels, histograms });
    take(edges);
    await expect(run).rejects.toThrow(lost("edges"));
  });

  test("in core it is an InvalidArgumentError", async () => {
    const { mask, out } = scene();
    const run = distanceTransform(
      { type: "uint8", dims: [1, side, side], data: mask },
      { out: { type: "float32", dims: [1, side, side], data: out } },
    );
    take(out);
    await expect(run).rejects.toThrow(InvalidArgumentError);
  });
});

/** TypeScript declares WebAssembly with the browser's types, which this project does not load. */
const wasm = (globalThis as unknown as { WebAssembly: { Memory: new (sizes: object) => GrowingMemory } })
  .WebAssembly;
interface GrowingMemory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): void;
}

test("a WebAssembly memory that grows takes its arrays away too", async () => {
  const memory = new wasm.Memory({ initial: 4, maximum: 64 });
  const mask = new Uint8Array(memory.buffer, 0, side * side);
  const run = native.distanceTransform({ mask, size });
  memory.grow(32);
  await expect(run).rejects.toThrow(lost("mask"));
});

test("results of a call that was disturbed no more are right again", async () => {
  const { mask, out } = scene();
  expect(await native.distanceTransform({ mask, size, out })).toBe(out);
  expect(out[side * side - 1]).toBe(Math.fround(Math.hypot(side - 1, side - 1)));
});

describe("getters of the options that take an earlier argument away", () => {
  test.each(["mask", "out"] as const)("%s", async (name) => {
    const options = (): never => {
      const arrays = scene();
      const { buffer } = arrays[name];
      const stealing = {
        ...arrays,
        get noZero() {
          structuredClone(buffer, { transfer: [buffer as ArrayBuffer] });
          return "infinity";
        },
        size,
      };
      return stealing as never;
    };
    const message = new RegExp(`^${name}: .*detached`);
    expect(() => native.distanceTransformSync(options())).toThrow(message);
    await expect(native.distanceTransform(options())).rejects.toThrow(message);
  });
});

test("where memory cannot be held, asynchronous kernels work on copies", () => {
  const program = `
    import assert from "node:assert/strict";
    const { default: native } = await import(${JSON.stringify(import.meta.resolve("@pixelcal/native"))});
    const size = [64, 64];
    const mask = new Uint8Array(4096).fill(1);
    mask[0] = 0;
    const expected = native.distanceTransformSync({ mask, size });
    const out = new Float32Array(4100).subarray(2, 4098);
    assert.equal(await native.distanceTransform({ mask, size, out }), out);
    assert.deepEqual(out, expected);
    assert.deepEqual([...new Float32Array(out.buffer, 0, 2), ...new Float32Array(out.buffer, 4 * 4098)], [0, 0, 0, 0]);
    await assert.rejects(native.distanceTransform({ mask, size, out: out.subarray(1) }), /out: expected 4096 elements/);
    await assert.rejects(
      native.distanceTransform({ mask: new Uint8Array(out.buffer, 0, 4096), size, out }),
      /apart from mask/,
    );
    const model = () => ({
      parameters: [Float32Array.of(1, 2)], gradients: [Float32Array.of(3, 4)],
      averages: [Float32Array.of(5, 6)], squares: [Float32Array.of(7, 8)], learningRate: 0.1, step: 2,
    });
    const [sync, async] = [model(), model()];
    native.adamwSync(sync);
    await native.adamw(async);
    assert.deepEqual(async, sync);
    const run = native.distanceTransform({ mask, size, out });
    const moved = new Float32Array(structuredClone(out.buffer, { transfer: [out.buffer] })).fill(7);
    await assert.rejects(run, /out: must stay attached/);
    assert.ok(moved.every((value) => value === 7));`;
  const env = { ...process.env, PIXELCAL_COPY_ARRAYS: "1" };
  const run = spawnSync(process.execPath, ["--input-type=module", "-e", program], { env, encoding: "utf8" });
  expect(run).toMatchObject({ status: 0, stderr: "" });
});
