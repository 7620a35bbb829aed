import { describe, expect, test } from "vitest";
import { InvalidArgumentError } from "../errors.js";
import { type DataType, type Tensor, tensor } from "../tensor.js";
import {
  type AsImageOptions,
  asImage,
  asImageSync,
  asProbabilities,
  asProbabilitiesSync,
} from "./as-image.js";
import { asLabels, asLabelsSync } from "./as-labels.js";
import type { ArraySource } from "./stored-array.js";

/** Returns an image's bytes one element at a time, behind `lead` other bytes. */
function written(type: DataType, values: readonly number[], big: boolean, lead: number): Uint8Array {
  const write: Partial<Record<DataType, [number, (view: DataView, at: number, value: number) => void]>> = {
    uint8: [1, (view, at, value) => view.setUint8(at, value)],
    int8: [1, (view, at, value) => view.setInt8(at, value)],
    uint16: [2, (view, at, value) => view.setUint16(at, value, !big)],
    int16: [2, (view, at, value) => view.setInt16(at, value, !big)],
    uint32: [4, (view, at, value) => view.setUint32(at, value, !big)],
    int32: [4, (view, at, value) => view.setInt32(at, value, !big)],
    float32: [4, (view, at, value) => view.setFloat32(at, value, !big)],
    float64: [8, (view, at, value) => view.setFloat64(at, value, !big)],
    int64: [8, (view, at, value) => view.setBigInt64(at, BigInt(value), !big)],
    uint64: [8, (view, at, value) => view.setBigUint64(at, BigInt(value), !big)],
  };
  const [size, put] = write[type]!;
  const view = new DataView(new ArrayBuffer(lead + size * values.length));
  values.forEach((value, i) => void put(view, lead + size * i, value));
  return new Uint8Array(view.buffer);
}

const types = [
  "uint8",
  "int8",
  "uint16",
  "int16",
  "uint32",
  "int32",
  "float32",
  "float64",
  "int64",
  "uint64",
] as const;

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Buffer =>
  Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);

const sameBytes = (a: ArrayBufferView, b: ArrayBufferView): boolean => bytesOf(a).equals(bytesOf(b));

/** Moves the channels one value at a time: the slow twin. */
function expectedImage(
  stored: readonly number[],
  [images, channels, pixels]: readonly [number, number, number],
  last: boolean,
  scale: readonly number[],
  shift: readonly number[],
): Float32Array {
  const out = new Float32Array(stored.length);
  for (let n = 0; n < images; n++)
    for (let c = 0; c < channels; c++)
      for (let p = 0; p < pixels; p++) {
        const from = last ? (n * pixels + p) * channels + c : (n * channels + c) * pixels + p;
        out[(n * channels + c) * pixels + p] = stored[from]! * scale[c]! + shift[c]!;
      }
  return out;
}

describe.each(types)("asImage of %s", (type) => {
  const [images, channels, height, width] = [2, 3, 67, 71];
  const pixels = height * width;
  const values = Array.from({ length: images * channels * pixels }, (_, i) => (i * 7919) % 120);

  test.each(["little", "big"] as const)("%s-endian bytes, channels first and last", async (byteOrder) => {
    for (const lead of [0, 1, 8]) {
      const bytes = Buffer.from(written(type, values, byteOrder === "big", lead));
      for (const place of ["first", "last"] as const)
        for (const scaled of [false, true]) {
          const scale = scaled ? [1 / 255, 0.5, 3] : [1, 1, 1];
          const shift = scaled ? [-0.485, 0.25, 0] : [0, 0, 0];
          const dims =
            place === "last" ? [images, height, width, channels] : [images, channels, height, width];
          const layout = { dims, type, byteOrder, byteOffset: lead, batch: true, channels: place };
          const options: AsImageOptions = scaled ? { ...layout, scale, shift } : layout;
          const result = await asImage(bytes, options);
          expect(result.dims).toEqual([images, channels, height, width]);
          const expected = expectedImage(values, [images, channels, pixels], place === "last", scale, shift);
          expect(sameBytes(result.data, expected)).toBe(true);
          expect(sameBytes(asImageSync(bytes, options).data, expected)).toBe(true);
        }
    }
  });

  test("labels of the same bytes", async () => {
    for (const byteOrder of ["little", "big"] as const)
      for (const lead of [0, 3]) {
        const bytes = written(type, values, byteOrder === "big", lead);
        const options = { dims: [values.length / 71, 71], type, byteOrder, byteOffset: lead };
        const labels = await asLabels(bytes, options);
        expect(labels.dims).toEqual([1, values.length / 71, 71]);
        const wide = Array.from(labels.data, Number);
        expect(wide.findIndex((label, i) => label !== values[i])).toBe(-1);
        expect(sameBytes(asLabelsSync(bytes, options).data, labels.data)).toBe(true);
      }
  });
});

describe("layouts", () => {
  const picture = Uint8Array.from({ length: 2 * 3 * 4 }, (_, i) => 10 * i); // 2 x 3 pixels, 4 channels

  test("a decoded picture: height, width, channels", async () => {
    const { dims, data } = await asImage(picture, { dims: [2, 3, 4], channels: "last" });
    expect(dims).toEqual([1, 4, 2, 3]);
    expect([...data.subarray(0, 6)]).toEqual([0, 40, 80, 120, 160, 200]);
  });

  test("no channel axis, clamped bytes, a volume", async () => {
    const grey = await asImage(Uint8ClampedArray.from(picture), {
      dims: [2, 3, 4],
      channels: "none",
      scale: 0.1,
    });
    expect(grey.dims).toEqual([1, 1, 2, 3, 4]);
    expect(grey.data[5]).toBe(5);
  });

  test("nested lists have a shape of their own", async () => {
    const lists = [
      [
        [0.25, 0.5],
        [0.75, 1],
      ],
      [
        [0.75, 0.5],
        [0.25, 0],
      ],
    ];
    const first = await asProbabilities(lists);
    expect(first).toEqual(
      tensor("float32", Float32Array.of(0.25, 0.5, 0.75, 1, 0.75, 0.5, 0.25, 0), [1, 2, 2, 2]),
    );
    const last = await asProbabilities(lists, { channels: "last" });
    expect([...last.data]).toEqual([0.25, 0.75, 0.75, 0.25, 0.5, 1, 0.5, 0]);
    expect(await asLabels([[0, 1, 2]])).toEqual(tensor("int32", Int32Array.of(0, 1, 2), [1, 1, 3]));
    expect((await asLabels([[0], [1]], { batch: true })).dims).toEqual([2, 1]);
  });

  test("tensors keep their dims", async () => {
    const halves = tensor("float16", new Uint16Array(8).fill(0x3800), [2, 2, 2]);
    const last = await asProbabilities(halves, { channels: "last" });
    expect(last).toEqual(tensor("float32", new Float32Array(8).fill(0.5), [1, 2, 2, 2]));
    expect((await asImage(tensor("int16", Int16Array.of(-5, 7), [1, 2]))).data).toEqual(
      Float32Array.of(-5, 7),
    );
  });

  test("bytes of any kind", async () => {
    const data = Float32Array.of(0.5, 0.25, 0.5, 0.75);
    const { buffer } = data;
    for (const source of [buffer, new DataView(buffer), Buffer.from(buffer), new Uint8Array(buffer)])
      expect((await asProbabilities(source, { dims: [2, 2], type: "float32" })).data).toEqual(data);
    expect((await asProbabilities(Uint16Array.of(0x3800), { dims: [1, 1], type: "float16" })).type).toBe(
      "float16",
    );
  });
});

describe("what needs no change is not copied", () => {
  const floats = new Float32Array(8).subarray(2, 8);
  test.each<[string, () => Promise<Tensor>, ArrayBufferView]>([
    ["float32 images", () => asImage(floats, { dims: [1, 2, 3] }), floats],
    ["one channel behind", () => asImage(floats, { dims: [2, 3, 1], channels: "last" }), floats],
    ["float32 probabilities", () => asProbabilities(floats, { dims: [1, 2, 1, 3], batch: true }), floats],
    [
      "aligned bytes",
      () => asImage(new Uint8Array(floats.buffer, 8), { dims: [1, 6], type: "float32" }),
      floats,
    ],
  ])("%s", async (_, made, { buffer, byteOffset }) => {
    const { data } = await made();
    expect([data.buffer, data.byteOffset]).toEqual([buffer, byteOffset]);
    expect(data.buffer).toBe(buffer);
  });

  test.each([
    ["uint8", new Uint8Array(4)],
    ["int32", new Int32Array(4)],
    ["int64", new BigInt64Array(4)],
  ] as const)("%s labels", async (type, data) => {
    const labels = await asLabels(data, { dims: [2, 2] });
    expect(labels).toEqual({ type, data, dims: [1, 2, 2] });
    expect(labels.data.buffer).toBe(data.buffer);
  });

  test("bool labels are uint8", async () => {
    const data = Uint8Array.of(0, 1);
    expect(await asLabels(tensor("bool", data, [2]))).toEqual({ type: "uint8", data, dims: [1, 2] });
  });
});

const bytes = new Uint8Array(12);
const image =
  (source: unknown, options: object = {}) =>
  () =>
    asImageSync(source as ArraySource, options);
const probs =
  (source: unknown, options: object = {}) =>
  () =>
    asProbabilitiesSync(source as ArraySource, options);
const labels =
  (source: unknown, options: object = {}) =>
  () =>
    asLabelsSync(source as ArraySource, options);
test.each<[string, () => unknown, string]>([
  ["no dims", image(bytes), "dims: required for typed arrays and bytes"],
  [
    "too few bytes",
    image(bytes, { dims: [2, 2, 4] }),
    "source: expected 16 bytes for dims [2, 2, 4] of uint8, got 12",
  ],
  [
    "bytes behind an offset",
    image(bytes, { dims: [1, 2], type: "float32", byteOffset: 2 }),
    "source: expected 8 bytes for dims [1, 2] of float32 from byteOffset on, got 10",
  ],
  [
    "an offset beyond the end",
    image(bytes, { dims: [1], byteOffset: 13 }),
    "byteOffset: expected an integer from 0 to 12",
  ],
  ["an unknown type", image(bytes, { dims: [12], type: "float128" }), "type: expected one of float32"],
  [
    "another type",
    image(new Int16Array(6), { dims: [1, 6], type: "float32" }),
    "type: expected int16, the array's own",
  ],
  [
    "an order of values",
    image(new Int16Array(6), { dims: [1, 6], byteOrder: "big" }),
    "byteOrder: only for bytes",
  ],
  [
    "an unknown order",
    image(bytes, { dims: [1, 12], byteOrder: "middle" }),
    "byteOrder: expected one of little, big",
  ],
  [
    "dims beside a tensor",
    image(tensor("uint8", bytes, [1, 12]), { dims: [12] }),
    "dims: leave it out, because the tensor",
  ],
  ["type beside lists", image([[1]], { type: "uint8" }), "type: leave it out, because the lists"],
  ["no spatial axis", image(bytes, { dims: [12] }), "dims: expected 1 to 3 spatial axes"],
  ["four spatial axes", labels(bytes, { dims: [1, 2, 2, 3] }), "dims: expected 1 to 3 spatial axes"],
  ["an empty axis", image(new Uint8Array(0), { dims: [3, 0] }), "dims: expected positive sizes"],
  ["ragged lists", image([[1, 2], [3]]), "source[1]: expected a list of 2, got 1"],
  ["a list of texts", image([["1"]]), "source[0][0]: expected a number, got 1"],
  ["deep lists", image([[[[[[1]]]]]]), "source: expected lists nested at most 5 deep"],
  ["a text", image("0101"), "source: expected a tensor, a typed array, bytes or nested lists of numbers"],
  [
    "an unknown option",
    image(bytes, { dims: [12], channel: "last" }),
    'unknown option (did you mean "channels"?)',
  ],
  ["an unknown option of labels", labels(bytes, { dim: [12] }), 'unknown option (did you mean "dims"?)'],
  [
    "another place",
    image(bytes, { dims: [12], channels: "middle" }),
    "channels: expected one of first, last, none",
  ],
  [
    "no class axis",
    probs(bytes, { dims: [12], channels: "none" }),
    "channels: expected one of first, last, got none",
  ],
  ["integers without scale", probs(bytes, { dims: [2, 6] }), "scale: required for uint8, such as 1 / 255"],
  ["scales of classes", probs(bytes, { dims: [2, 6], scale: [1, 2] }), "scale: expected a number"],
  [
    "too few scales",
    image(bytes, { dims: [3, 4], scale: [1, 2] }),
    "scale: expected a finite number, or 3 of them",
  ],
  ["an endless shift", image(bytes, { dims: [3, 4], shift: Number.NaN }), "shift: expected a finite number"],
  ["batch as text", image(bytes, { dims: [3, 4], batch: "yes" }), "batch: expected a boolean"],
  [
    "half a label",
    labels([1, 0.5, 0.5]),
    "source: expected whole numbers of 32 bits, got 0.5 at element 1 (2 such elements)",
  ],
  ["a large label", labels(new Float64Array([0, 2 ** 31]), { dims: [2] }), "got 2147483648 at element 1"],
  ["no label", labels(Float32Array.of(Number.NaN), { dims: [1] }), "got NaN at element 0"],
])("%s is refused", (_, call, message) => {
  expect(call).toThrow(InvalidArgumentError);
  expect(call).toThrow(message);
});

test("a rejection of the asynchronous functions is the same error", async () => {
  await expect(asImage(bytes)).rejects.toThrow("dims: required");
  await expect(asProbabilities(bytes, { dims: [2, 6] })).rejects.toThrow("scale: required");
  await expect(asLabels([0.5])).rejects.toThrow("whole numbers");
});
