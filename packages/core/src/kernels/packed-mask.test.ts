import { expect, test } from "vitest";
import { InvalidArgumentError } from "../errors.js";
import { type Tensor, tensor } from "../tensor.js";
import { morphology, morphologyOps, morphologySync } from "./morphology.js";
import { packMask, packMaskSync, unpackMask, unpackMaskSync } from "./packed-mask.js";

function mask(dims: readonly number[]): Tensor<"uint8"> {
  const count = dims.reduce((product, dim) => product * dim, 1);
  return tensor(
    "uint8",
    Uint8Array.from({ length: count }, (_, i) => ((i * 7919) % 101 > 30 ? 200 : 0)),
    dims,
  );
}

test("the bits of a row", () => {
  const row = new Uint8Array(66);
  row[0] = row[63] = row[65] = 9;
  const packed = packMaskSync(tensor("uint8", row, [1, 66]));
  expect(packed).toEqual({ words: BigUint64Array.of(0x8000000000000001n, 2n), dims: [1, 66] });
});

test.each([[[5]], [[1, 63]], [[2, 3, 64]], [[2, 5, 65]], [[1, 3, 4, 130]]])(
  "%j there and back",
  async (dims) => {
    const bytes = mask(dims);
    const packed = await packMask(bytes);
    expect(packed).toEqual(packMaskSync(bytes));
    const back = await unpackMask(packed);
    expect(back).toEqual(unpackMaskSync(packed));
    expect(back).toEqual({ ...bytes, data: bytes.data.map((value) => (value === 0 ? 0 : 1)) });
  },
);

test("morphology of a packed mask is that of its pixels", async () => {
  for (const dims of [
    [2, 9, 130],
    [1, 4, 5, 64],
  ]) {
    const bytes = mask(dims);
    const packed = packMaskSync(bytes);
    for (const op of morphologyOps) {
      for (const border of ["neutral", "zero", "one"] as const) {
        const options = { op, border, radius: 2 };
        const result = await morphology(packed, options);
        expect(unpackMaskSync(result)).toEqual(morphologySync(bytes, options));
        expect(result).toEqual(packMaskSync(morphologySync(bytes, options)));
        expect(result).toEqual(morphologySync(packed, options));
      }
    }
    const sliced = { op: "closing", dimensions: 2 } as const;
    expect(unpackMaskSync(morphologySync(packed, sliced))).toEqual(morphologySync(bytes, sliced));
  }
});

test("out is written", () => {
  const bytes = mask([1, 3, 70]);
  const packed = { words: new BigUint64Array(6), dims: [1, 3, 70] };
  expect(packMaskSync(bytes, { out: packed }).words).toBe(packed.words);
  const eroded = { words: new BigUint64Array(6).fill(7n), dims: [1, 3, 70] };
  expect(morphologySync(packed, { op: "erosion", out: eroded }).words).toBe(eroded.words);
  const out = tensor("uint8", new Uint8Array(210).fill(7), [1, 3, 70]);
  expect(unpackMaskSync(eroded, { out }).data).toBe(out.data);
  expect(out).toEqual(morphologySync(bytes, { op: "erosion" }));
});

const packed = packMaskSync(mask([1, 2, 70]));
const erosion = { op: "erosion" } as const;
test.each<[string, () => unknown, string]>([
  [
    "a type",
    () => packMaskSync({ ...mask([1, 3]), type: "int8" } as never),
    "mask: expected type uint8 or bool",
  ],
  ["no mask", () => unpackMaskSync({ dims: [1, 2] } as never), "mask: expected a packed mask"],
  [
    "words",
    () => unpackMaskSync({ ...packed, words: new Uint8Array(4) } as never),
    "mask.words: expected a BigUint64Array",
  ],
  [
    "few words",
    () => morphologySync({ ...packed, words: new BigUint64Array(2) }, erosion),
    "mask.words: expected 4 words for dims [1, 2, 70], got 2",
  ],
  ["no dims", () => unpackMaskSync({ words: packed.words, dims: [] }), "mask.dims: expected 1 to 8"],
  [
    "out in bytes",
    () => morphologySync(packed, { op: "erosion", out: mask([1, 2, 70]) as never }),
    "out: expected a packed mask",
  ],
  [
    "a packed out for bytes",
    () => morphologySync(mask([1, 2, 70]), { op: "erosion", out: packed as never }),
    "out: expected type uint8",
  ],
  [
    "other dims",
    () => packMaskSync(mask([1, 2, 70]), { out: { words: new BigUint64Array(4), dims: [2, 1, 70] } }),
    "out: expected dims [1, 2, 70]",
  ],
  [
    "an overlap",
    () => morphologySync(packed, { op: "erosion", out: packed }),
    "out: expected memory apart from",
  ],
  ["a device", () => packMaskSync(mask([1, 3]), { device: "tpu" as never }), "device: expected one of cpu"],
])("rejects %s", (_, run, message) => {
  expect(run).toThrow(InvalidArgumentError);
  expect(run).toThrow(message);
});
