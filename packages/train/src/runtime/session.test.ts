import { float16Bits, InvalidArgumentError, tensor } from "@pixelcal/core";
import { Graph, ops, serializeModel } from "@pixelcal/graph";
import { describe, expect, it } from "vitest";
import { createSession, DeviceError, runtimeVersion, type SessionOptions } from "./session.js";
import { SessionCache } from "./session-cache.js";

function scaled(): Graph {
  const graph = new Graph("scaled");
  const a = graph.input("a", "float32", [2, 3]);
  const b = graph.input("b", "float32", [2, 3]);
  graph.output("product", ops.Mul(a, b));
  graph.output("sum", ops.ReduceSum(ops.Add(a, b), undefined, { keepdims: 0 }));
  return graph;
}

const a = tensor("float32", Float32Array.of(1, 2, 3, 4, 5, 6), [2, 3]);

describe("createSession", () => {
  it("runs a graph or the bytes of a file", async () => {
    for (const model of [scaled(), serializeModel(scaled())]) {
      const session = await createSession(model, { threads: 1 });
      expect(session.inputs.map(({ name, type, dims }) => [name, type, dims])).toEqual([
        ["a", "float32", [2, 3]],
        ["b", "float32", [2, 3]],
      ]);
      const { product, sum } = await session.run({ a, b: a });
      expect([...product!.data]).toEqual([1, 4, 9, 16, 25, 36]);
      expect(sum!.dims).toEqual([]);
      expect(sum!.data[0]).toBe(42);
      await session.close();
    }
    expect(await runtimeVersion()).toMatch(/^\d+\.\d+\.\d+/);
  });

  it("writes into given tensors, views of larger buffers too, and gives the outputs asked for", async () => {
    const session = await createSession(scaled(), { threads: 1 });
    const buffer = new Float32Array(10).fill(-1);
    const product = tensor("float32", buffer.subarray(2, 8), [2, 3]);
    const shifted = tensor("float32", Float32Array.of(0, ...a.data).subarray(1), [2, 3]);
    const outputs = await session.run({ a: shifted, b: a }, { into: { product }, outputs: ["product"] });
    expect(Object.keys(outputs)).toEqual(["product"]);
    expect(outputs.product).toBe(product);
    expect([...buffer]).toEqual([-1, -1, 1, 4, 9, 16, 25, 36, -1, -1]);
    await session.close();
  });

  it("gives the bits of float16, and takes them or a Float16Array", async () => {
    const graph = new Graph("half");
    const half = graph.input("half", "float16", [3]);
    graph.output("single", ops.Cast(half, "float32"));
    graph.output("again", ops.Cast(ops.Cast(half, "float32"), "float16"));
    const session = await createSession(graph, { threads: 1 });
    const bits = Uint16Array.of(0x3c00, 0x3800, 0xc000);
    // Node has it from version 24 on.
    const { Float16Array } = globalThis as { Float16Array?: new (buffer: ArrayBufferLike) => Uint16Array };
    for (const data of [bits, ...(Float16Array === undefined ? [] : [new Float16Array(bits.buffer)])]) {
      const { single, again } = await session.run({ half: { type: "float16", dims: [3], data } });
      expect(single!.data).toEqual(Float32Array.of(1, 0.5, -2));
      expect(again).toEqual({ type: "float16", dims: [3], data: bits });
      const into = { again: { type: "float16", dims: [3], data: data.slice().fill(0) } as const };
      await session.run({ half: { type: "float16", dims: [3], data } }, { into });
      expect(float16Bits(into.again.data)).toEqual(bits);
    }
    await session.close();
  });

  it("refuses tensors that do not fit, and work after closing", async () => {
    const session = await createSession(scaled(), { threads: 1 });
    const bad: [Parameters<typeof session.run>, string][] = [
      [[{ a }], "b: missing; expected float32 [2, 3]"],
      [[{ a, b: a, c: a }], "feeds: expected a, b, got c"],
      [
        [{ a, b: tensor("int32", new Int32Array(6), [2, 3]) }],
        "b: expected float32 [2, 3], got int32 [2, 3]",
      ],
      [
        [{ a, b: tensor("float32", new Float32Array(6), [3, 2]) }],
        "b: expected float32 [2, 3], got float32 [3, 2]",
      ],
      [[{ a, b: a }, { into: { sum: a } }], "sum: expected float32 [], got float32 [2, 3]"],
      [[{ a, b: a }, { outputs: ["total"] }], "outputs: expected product, sum, got total"],
    ];
    for (const [call, message] of bad) {
      await expect(session.run(...call)).rejects.toThrow(InvalidArgumentError);
      await expect(session.run(...call)).rejects.toThrow(message);
    }
    await session[Symbol.asyncDispose]();
    await session.close();
    await expect(session.run({ a, b: a })).rejects.toThrow("session: closed");
  });

  it.each<[string, SessionOptions]>([
    ["device: expected cpu, webgpu, cuda, got tpu", { device: "tpu" as "cpu" }],
    ["threads: expected an integer of 1 to 1024, got 0", { threads: 0 }],
    ["threads: expected an integer of 1 to 1024, got 2000000", { threads: 2e6 }],
    ["threads: expected an integer of 1 to 1024, got 1.5", { threads: 1.5 }],
  ])("rejects options: %s", async (message, options) => {
    await expect(createSession(scaled(), options)).rejects.toThrow(InvalidArgumentError);
    await expect(createSession(scaled(), options)).rejects.toThrow(message);
  });

  it.each(["__proto__", "constructor", "toString"])(
    "refuses a value named %s, as the runtime does not",
    async (name) => {
      const image = new Graph("named");
      image.output("y", ops.Neg(image.input(name, "float32", [1])));
      const result = new Graph("named");
      result.output(name, ops.Neg(result.input("x", "float32", [1])));
      for (const graph of [image, result]) {
        await expect(createSession(graph, { threads: 1 })).rejects.toThrow(InvalidArgumentError);
        await expect(createSession(graph, { threads: 1 })).rejects.toThrow(
          `do not inherit; rename it, got ${name}`,
        );
      }
    },
  );

  it("says that bytes are no model", async () => {
    await expect(createSession(new Uint8Array(16))).rejects.toThrow("the model does not load");
  });

  it("never falls back from a device that is not there", async () => {
    const attempt = createSession(scaled(), { device: "cuda" }).then((session) => session.close());
    await attempt.catch((error: unknown) => {
      expect(error).toBeInstanceOf(DeviceError);
      expect(String(error)).toContain("device cuda: ");
    });
  });
});

describe("SessionCache", () => {
  it("opens each key once and closes what was used longest ago", async () => {
    const cache = new SessionCache({ count: 2 });
    let opened = 0;
    const open = (key: string): ReturnType<typeof createSession> =>
      cache.open(key, () => {
        opened += 1;
        return createSession(scaled(), { threads: 1 });
      });
    const first = await open("x");
    const second = await open("y");
    expect(await open("x")).toBe(first);
    await open("z");
    expect(opened).toBe(3);
    await expect(second.run({ a, b: a })).rejects.toThrow("closed");
    expect((await first.run({ a, b: a })).sum!.data[0]).toBe(42);
    await cache.close();
    await expect(first.run({ a, b: a })).rejects.toThrow("closed");
    await expect(open("x")).rejects.toThrow("closed");
  });

  it("keeps as many as fit in its memory, and the least number whatever they take", async () => {
    const cache = new SessionCache({ bytes: 10, least: 2 });
    const opened: string[] = [];
    const open = async (key: string, bytes: number): Promise<void> => {
      const create = (): ReturnType<typeof createSession> => {
        opened.push(key);
        return createSession(scaled(), { threads: 1 });
      };
      await cache.open(key, create, () => bytes);
    };
    for (const key of ["a", "b", "c", "a"]) await open(key, 3);
    expect(opened.join("")).toBe("abc");
    await open("d", 9);
    for (const key of ["a", "d", "b"]) await open(key, 3);
    expect(opened.join("")).toBe("abcdb");
    await cache.close();
  });

  it("forgets a key that failed", async () => {
    const cache = new SessionCache({ count: 1 });
    await expect(cache.open("x", () => Promise.reject(new Error("no")))).rejects.toThrow("no");
    await cache.open("x", () => createSession(scaled(), { threads: 1 }));
    await cache.close();
  });
});
