import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Tensor } from "@pixelcal/core";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { decodeNpy, encodeNpy, FormatError, readNpy, writeNpy } from "./index.js";

/** Writes an NPY file by hand: `head` is the dict, `data` the bytes after it. */
function npy(head: string, data: readonly number[] = [], version = 1): Buffer {
  const text = Buffer.from(head, version === 3 ? "utf8" : "latin1");
  const start = Buffer.from(`\x93NUMPY${String.fromCharCode(version)}\x00`, "latin1");
  const length = Buffer.alloc(version === 1 ? 2 : 4);
  if (version === 1) length.writeUInt16LE(text.length);
  else length.writeUInt32LE(text.length);
  return Buffer.concat([start, length, text, Buffer.from(data)]);
}
const dict = (descr: string, shape: string, fortran = "False"): string =>
  `{'descr': '${descr}', 'fortran_order': ${fortran}, 'shape': ${shape}, }`;
const decode = (bytes: Uint8Array): Tensor => decodeNpy(bytes, { path: "x.npy" });

const samples: readonly Tensor[] = [
  {
    type: "float32",
    dims: [2, 3],
    data: Float32Array.of(1, -2.5, 3, Number.NaN, -0, Number.POSITIVE_INFINITY),
  },
  { type: "float64", dims: [1], data: Float64Array.of(Math.PI) },
  { type: "float16", dims: [2], data: Uint16Array.of(0x3c00, 0xc000) },
  { type: "int64", dims: [2, 1], data: BigInt64Array.of(-(2n ** 63n), 7n) },
  { type: "int32", dims: [3], data: Int32Array.of(-1, 0, 1) },
  { type: "int16", dims: [2], data: Int16Array.of(-300, 300) },
  { type: "int8", dims: [2], data: Int8Array.of(-3, 3) },
  { type: "uint64", dims: [1], data: BigUint64Array.of(2n ** 64n - 1n) },
  { type: "uint32", dims: [1], data: Uint32Array.of(2 ** 32 - 1) },
  { type: "uint16", dims: [1], data: Uint16Array.of(65535) },
  { type: "uint8", dims: [], data: Uint8Array.of(200) },
  { type: "bool", dims: [2, 0], data: new Uint8Array(0) },
];

describe("round trip", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "npy-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  test.each(samples)("$type $dims", async (tensor) => {
    const path = join(folder, "a.npy");
    // Float16, uint16 and bool share JavaScript array classes, so only the written type tells them apart.
    await writeNpy(path, tensor);
    expect(await readNpy(path)).toEqual(tensor);
    const bytes = Buffer.concat(encodeNpy(tensor));
    expect(bytes.length - tensor.data.byteLength).toBe(128);
    // Data at an odd offset cannot be viewed in place.
    const shifted = Buffer.concat([Buffer.from([0]), bytes]).subarray(1);
    expect(decode(shifted)).toEqual(tensor);
  });

  test("a missing file is named", async () => {
    await expect(readNpy(join(folder, "none.npy"))).rejects.toThrow(/none\.npy: no such file/);
  });
});

describe("forms other writers use", () => {
  const cases: readonly [string, Buffer, number[], number[]][] = [
    ["big-endian", npy(dict(">i2", "(2,)"), [0, 1, 0xff, 0xfe]), [2], [1, -2]],
    ["fortran order", npy(dict("|u1", "(2, 3)", "True"), [1, 4, 2, 5, 3, 6]), [2, 3], [1, 2, 3, 4, 5, 6]],
    ["fortran order, 3 axes", npy(dict("|u1", "(2, 1, 2)", "True"), [1, 3, 2, 4]), [2, 1, 2], [1, 2, 3, 4]],
    ["Python 2 long", npy(dict("|i1", "(2L, 1L)"), [1, 255]), [2, 1], [1, -1]],
    ["version 2", npy(dict("|u1", "(1,)"), [9], 2), [1], [9]],
    ["version 3", npy(dict("|u1", "(1,)"), [9], 3), [1], [9]],
    [
      "double quotes, other order",
      npy(`{"shape": (1,), "descr": "|u1", "fortran_order": False}`, [9]),
      [1],
      [9],
    ],
    ["no comma after one key", npy(dict("|u1", "()"), [9]), [], [9]],
    ["native mark", npy(dict("=u2", "(1,)"), [9, 1]), [1], [265]],
  ];
  test.each(cases)("%s", (_, bytes, dims, values) => {
    const tensor = decode(bytes);
    expect(tensor.dims).toEqual(dims);
    expect(Array.from(tensor.data, Number)).toEqual(values);
  });
});

describe("lies are refused", () => {
  const huge = 2 ** 32;
  const cases: readonly [string, Buffer, RegExp][] = [
    ["empty", Buffer.alloc(0), /not an NPY array/],
    ["other magic", Buffer.from("PK\x03\x04aaaaaaaaaa"), /not an NPY array/],
    ["version 9", npy(dict("|u1", "(1,)"), [1], 9), /unsupported NPY version 9/],
    ["header past the end", npy(dict("|u1", "(1,)")).subarray(0, 30), /truncated header/],
    [
      "header_len 0xfffffff0",
      Buffer.from("\x93NUMPY\x02\x00\xf0\xff\xff\xff", "latin1"),
      /exceeds the limit/,
    ],
    ["negative dim", npy(dict("|u1", "(-3, 4)"), [1]), /malformed/],
    ["huge dim", npy(dict("|u1", `(${huge},)`), [1]), /exceeds the limit/],
    ["overflowing product", npy(dict("<f4", "(65536, 65536, 65536, 65536)"), [1]), /exceeds the limit/],
    ["huge beside zero", npy(dict("<f4", "(0, 9999999999999999)"), []), /whole number|exceeds the limit/],
    ["digits without end", npy(dict("<f4", `(${"9".repeat(400)},)`), []), /malformed shape/],
    ["too many axes", npy(dict("|u1", "(1, 1, 1, 1, 1, 1, 1, 1, 1)"), [1]), /rank 9 exceeds/],
    ["no tuple", npy(dict("|u1", "(1)"), [1]), /malformed shape/],
    ["short data", npy(dict("<f4", "(2,)"), [0, 0, 0, 0]), /needs 8 bytes, found 4/],
    ["trailing data", npy(dict("|u1", "(1,)"), [1, 2]), /needs 1 bytes, found 2/],
    ["object array", npy(dict("|O", "(1,)"), [0x80, 3]), /pickled/],
    ["structured", npy(`{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }`), /structured/],
    ["string", npy(dict("<U4", "(1,)"), []), /unsupported element type/],
    ["complex", npy(dict("<c8", "(1,)"), []), /unsupported element type/],
    ["f1", npy(dict("<f1", "(1,)"), [1]), /unsupported element type/],
    [
      "code",
      npy(`{'descr': '|u1', 'fortran_order': False, 'shape': (__import__('os'),), }`),
      /malformed header/,
    ],
    ["missing key", npy(`{'descr': '|u1', 'shape': (1,), }`, [1]), /header needs/],
    [
      "repeated key",
      npy(`{'descr': '|u1', 'descr': '|u1', 'fortran_order': False, 'shape': (1,), }`),
      /repeated/,
    ],
    ["no dict", npy("[1, 2]"), /not a dict/],
    ["number for descr", npy(`{'descr': (1,), 'fortran_order': False, 'shape': (1,), }`), /malformed/],
  ];
  test.each(cases)("%s", (_, bytes, message) => {
    expect(() => decode(bytes)).toThrow(FormatError);
    expect(() => decode(bytes)).toThrow(message);
  });

  test("any mutation decodes or is a FormatError", () => {
    const seed = Buffer.concat(encodeNpy(samples[0]!));
    const edits = fc.array(fc.tuple(fc.nat(seed.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(edits, fc.nat(seed.length), (changes, length) => {
        const bytes = Buffer.from(seed);
        for (const [at, value] of changes) bytes[at] = value;
        try {
          decode(bytes.subarray(0, length));
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError);
        }
      }),
      { numRuns: 2000, seed: 1 },
    );
  });
});
