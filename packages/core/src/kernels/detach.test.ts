import { Worker } from "node:worker_threads";
import { describe, expect, test } from "vitest";
import { type DataType, reshape, type Tensor, type TypedArrays, tensor, zeros } from "../tensor.js";
import { detach, detachSync } from "./detach.js";
import { distanceTransform } from "./distance.js";

/** Sends a tensor to another thread and returns what that thread sends back, transferred both ways. */
async function thereAndBack(sent: Tensor): Promise<Tensor> {
  const program = `
    const { parentPort } = require("node:worker_threads");
    parentPort.once("message", (tensor) => parentPort.postMessage(tensor, [tensor.data.buffer]));`;
  const worker = new Worker(program, { eval: true });
  try {
    return await new Promise((resolve, reject) => {
      worker.once("message", resolve).once("error", reject).once("messageerror", reject);
      worker.postMessage(sent, [sent.data.buffer as ArrayBuffer]);
    });
  } finally {
    await worker.terminate();
  }
}

describe("detach", () => {
  const mask = (count: number): Tensor<"uint8"> =>
    tensor(
      "uint8",
      Uint8Array.from({ length: count }, (_, i) => i % 7 && 1),
      [1, 1, count],
    );

  // Below and above the size from which results lie in the addon's memory.
  test.each([16, 70_000, 300_001])("a result of %i pixels moves to another thread", async (count) => {
    const result = await distanceTransform(mask(count));
    const expected = Buffer.from(new Uint8Array(result.data.buffer, result.data.byteOffset, 4 * count));
    for (const copy of [await detach(result), detachSync(result)]) {
      expect(copy).toMatchObject({ type: "float32", dims: [1, 1, count] });
      expect(copy.data.byteOffset).toBe(0);
      expect(copy.data.buffer.byteLength).toBe(4 * count);
      const back = await thereAndBack(copy);
      expect(copy.data.length).toBe(0);
      expect(back.dims).toEqual([1, 1, count]);
      expect(Buffer.compare(Buffer.from(back.data.buffer as ArrayBuffer), expected)).toBe(0);
    }
    expect(result.data.length).toBe(count);
  });

  test("every type, and a part of a larger array", async () => {
    const types: readonly DataType[] = ["float32", "float64", "float16", "int64", "uint64", "int32"];
    for (const type of [...types, "uint32", "int16", "uint16", "int8", "uint8", "bool"] as const) {
      const whole = zeros(type, [20_000]);
      new Uint8Array(whole.data.buffer).forEach((_, i, bytes) => void (bytes[i] = i % 2));
      for (const count of [3, 16_384]) {
        const data = whole.data.subarray(5, 5 + count) as TypedArrays[typeof type];
        const copy = await detach(tensor<DataType>(type, data, [count]));
        expect(copy).toMatchObject({ type, dims: [count] });
        expect(copy.data.constructor).toBe(data.constructor);
        expect(Buffer.from(copy.data.buffer as ArrayBuffer).equals(Buffer.from(data.slice().buffer))).toBe(
          true,
        );
        expect(copy.data.buffer.byteLength).toBe(data.byteLength);
        expect(copy.data.buffer).not.toBe(data.buffer);
      }
    }
    const pooled = Buffer.from("pixels");
    const { data } = await detach(tensor("uint8", pooled, [6]));
    expect(data).toEqual(Uint8Array.from(pooled));
    expect(data.buffer.byteLength).toBe(6);
  });

  test("refuses what is no tensor, and arrays that cannot be read beside a call", async () => {
    await expect(detach(undefined as never)).rejects.toThrow("source: expected a tensor, got undefined");
    await expect(detach({ type: "uint8", dims: [2], data: new Uint8Array(3) } as never)).rejects.toThrow(
      "data: expected 2 elements",
    );
    const shared = new Uint8Array(new SharedArrayBuffer(2 ** 17));
    await expect(detach(tensor("uint8", shared as never, [2 ** 17]))).rejects.toThrow(
      "source: expected an array on",
    );
  });
});

describe("reshape", () => {
  const source = tensor("int32", Int32Array.of(1, 2, 3, 4, 5, 6), [2, 3]);
  test("shares the data", () => {
    const flat = reshape(source, [6]);
    expect(flat).toEqual({ type: "int32", dims: [6], data: source.data });
    expect(flat.data).toBe(source.data);
    expect(reshape(source, [1, 3, 2, 1]).dims).toEqual([1, 3, 2, 1]);
  });

  test("does not follow changes of the list of dims", () => {
    const dims = [3, 2];
    const made = reshape(source, dims);
    dims[0] = 7;
    expect(made.dims).toEqual([3, 2]);
  });

  test("keeps the number of elements", () => {
    expect(() => reshape(source, [2, 2])).toThrow("dims: expected 6 elements, as [2, 3] has, got 4");
    expect(() => reshape(source, [-1])).toThrow("dims: expected whole numbers, got [-1]");
    expect(() => reshape(null as never, [6])).toThrow("source: expected a tensor, got null");
  });
});
