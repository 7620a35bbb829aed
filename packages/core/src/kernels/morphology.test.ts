import fc from "fast-check";
import { expect, test } from "vitest";
import { setThreadCount, threadCount } from "../device.js";
import { InvalidArgumentError } from "../errors.js";
import { golden } from "../fixture.test.helper.js";
import { type Tensor, tensor } from "../tensor.js";
import { type MorphologyOptions, morphology, morphologySync } from "./morphology.js";

interface Golden extends MorphologyOptions {
  readonly source: string;
  readonly dims: readonly number[];
  readonly mask: string;
  readonly expected: string;
}

const pixels = (text: string): Uint8Array => Uint8Array.from(text, Number);
const one = (data: Uint8Array, dims: readonly number[]): Tensor<"uint8"> =>
  tensor("uint8", data, [1, ...dims]);

test("morphology equals OpenCV, SciPy and scikit-image", () => {
  for (const { source, dims, mask, expected, ...options } of golden<{ cases: Golden[] }>("morphology")
    .cases) {
    const result = morphologySync(one(pixels(mask), dims), options);
    const name = `${source} ${JSON.stringify(options)} dims ${dims}`;
    expect(Array.from(result.data).join(""), name).toBe(expected);
  }
});

const cross = pixels("0000000000001000000000000");

test.each<[string, MorphologyOptions, string]>([
  ["a box", { op: "dilation" }, "0000001110011100111000000"],
  ["a cross", { op: "dilation", structure: "cross" }, "0000000100011100010000000"],
  ["a wide cross", { op: "dilation", structure: "cross", radius: 2 }, "0010000100111110010000100"],
  ["a diamond", { op: "dilation", structure: "cross", iterations: 2 }, "0010001110111110111000100"],
  ["radius 0", { op: "closing", radius: 0 }, "0000000000001000000000000"],
  ["ones outside", { op: "dilation", border: "one" }, "1111111111111111111111111"],
  ["row by row", { op: "dilation", dimensions: 1 }, "0000000000011100000000000"],
])("a single pixel under %s", async (_, options, expected) => {
  const result = await morphology(one(cross, [5, 5]), options);
  expect(Array.from(result.data).join("")).toBe(expected);
  expect(result).toEqual(morphologySync(one(cross, [5, 5]), options));
  expect(result.dims).toEqual([1, 5, 5]);
});

test("any nonzero value is set, bool masks and byte offsets are read, out is written", () => {
  const bytes = new Uint8Array(30);
  bytes[17] = 200;
  const mask: Tensor<"bool"> = { type: "bool", data: bytes.subarray(5), dims: [1, 5, 5] };
  const out = tensor("uint8", new Uint8Array(25), [1, 5, 5]);
  const result = morphologySync(mask, { op: "dilation", out });
  expect(result.data).toBe(out.data);
  expect(Array.from(out.data).join("")).toBe("0000001110011100111000000");
});

test("a volume slice by slice is each of its slices, and its batch each of its images", () => {
  const data = Uint8Array.from({ length: 2 * 3 * 4 * 5 }, (_, i) => ((i * i) % 11 === 5 ? 1 : 0));
  const volume = tensor("uint8", data, [2, 3, 4, 5]);
  for (const op of ["dilation", "closing", "gradient"] as const) {
    const sliced = morphologySync(volume, { op, dimensions: 2 });
    expect(sliced.data).toEqual(morphologySync(tensor("uint8", data, [6, 4, 5]), { op }).data);
    const whole = morphologySync(volume, { op }).data;
    const second = morphologySync(tensor("uint8", data.slice(60), [1, 3, 4, 5]), { op }).data;
    expect(whole.slice(60)).toEqual(second);
    expect(whole).not.toEqual(sliced.data);
  }
});

test("erosion is dilation of the complement; opening and closing are idempotent and ordered", () => {
  const shape = fc.record({ rows: fc.integer({ min: 1, max: 9 }), columns: fc.integer({ min: 1, max: 20 }) });
  const mask = shape.chain(({ rows, columns }) =>
    fc
      .array(fc.integer({ min: 0, max: 1 }), { minLength: rows * columns, maxLength: rows * columns })
      .map((data) => one(Uint8Array.from(data), [rows, columns])),
  );
  const structure = fc.constantFrom("box" as const, "cross" as const);
  const flip = (m: Tensor<"uint8">): Tensor<"uint8"> => ({ ...m, data: m.data.map((value) => 1 - value) });
  fc.assert(
    fc.property(mask, structure, fc.integer({ min: 0, max: 4 }), (m, structure, radius) => {
      const run = (op: MorphologyOptions["op"], on = m): Tensor<"uint8"> =>
        morphologySync(on, { op, structure, radius });
      expect(run("erosion").data).toEqual(flip(run("dilation", flip(m))).data);
      const [opened, closed] = [run("opening"), run("closing")];
      expect(run("opening", opened).data).toEqual(opened.data);
      expect(run("closing", closed).data).toEqual(closed.data);
      for (let i = 0; i < m.data.length; i++) {
        expect(opened.data[i]! <= m.data[i]! && m.data[i]! <= closed.data[i]!).toBe(true);
      }
    }),
  );
});

test("the same at any thread count", () => {
  const data = Uint8Array.from({ length: 300 * 400 }, (_, i) => ((i * 2654435761) % 7 < 4 ? 1 : 0));
  const before = threadCount();
  const results = [1, 3].map((threads) => {
    setThreadCount(threads);
    return morphologySync(one(data, [300, 400]), { op: "gradient", radius: 3 }).data;
  });
  setThreadCount(before);
  expect(results[0]).toEqual(results[1]);
});

const mask = one(cross, [5, 5]);
test.each<[string, () => unknown, string]>([
  ["no op", () => morphologySync(mask, {} as MorphologyOptions), "op: expected one of erosion, "],
  ["an op", () => morphologySync(mask, { op: "erode" } as never), "op: expected one of erosion, "],
  [
    "a structure",
    () => morphologySync(mask, { op: "erosion", structure: "disc" as never }),
    "structure: expected one of",
  ],
  [
    "a border",
    () => morphologySync(mask, { op: "erosion", border: "wrap" as never }),
    "border: expected one of",
  ],
  [
    "a radius",
    () => morphologySync(mask, { op: "erosion", radius: -1 }),
    "radius: expected an integer from 0",
  ],
  [
    "a fraction",
    () => morphologySync(mask, { op: "erosion", radius: 1.5 }),
    "radius: expected an integer from 0",
  ],
  [
    "iterations",
    () => morphologySync(mask, { op: "erosion", iterations: 0 }),
    "iterations: expected an integer from 1",
  ],
  [
    "dimensions",
    () => morphologySync(mask, { op: "erosion", dimensions: 4 as never }),
    "dimensions: expected an integer from 1 to 3, got 4",
  ],
  [
    "a flat mask",
    () => morphologySync(tensor("uint8", cross, [25]), { op: "erosion" }),
    "mask: expected rank 3 or 4, or the option dimensions",
  ],
  [
    "a type",
    () => morphologySync({ ...mask, type: "int32" } as never, { op: "erosion" }),
    "mask: expected type uint8 or bool, got int32",
  ],
  [
    "a device",
    () => morphologySync(mask, { op: "erosion", device: "tpu" as never }),
    "device: expected one of cpu",
  ],
  [
    "out",
    () => morphologySync(mask, { op: "erosion", out: tensor("uint8", new Uint8Array(5), [1, 1, 5]) }),
    "out: expected dims [1, 5, 5]",
  ],
  [
    "an overlap",
    () => morphologySync(mask, { op: "erosion", out: mask }),
    "out: expected memory apart from mask",
  ],
])("rejects %s", (_, run, message) => {
  expect(run).toThrow(InvalidArgumentError);
  expect(run).toThrow(message);
});

test("rejects through the promise", async () => {
  await expect(morphology(mask, { op: "erosion", out: mask })).rejects.toThrow(InvalidArgumentError);
});
