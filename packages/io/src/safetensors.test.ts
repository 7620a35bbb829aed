import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Tensor } from "@pixelcal/core";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  decodeSafetensors,
  encodeSafetensors,
  FormatError,
  readSafetensors,
  type Safetensors,
  writeSafetensors,
} from "./index.js";

const content: Safetensors = {
  tensors: {
    "enc1.0.weight": { type: "float32", dims: [1, 2], data: Float32Array.of(1.5, -2) },
    "enc1.0.bias": { type: "float32", dims: [1], data: Float32Array.of(0) },
    "7": { type: "uint8", dims: [3], data: Uint8Array.of(1, 2, 3) },
    step: { type: "int64", dims: [], data: BigInt64Array.of(-5n) },
    none: { type: "float64", dims: [0], data: new Float64Array(0) },
  },
  metadata: { config: '{"a": "ä"}', "10": "x", "9": "y" },
};
const file = (header: string, data = 0): Buffer => {
  const text = Buffer.from(header);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, Buffer.alloc(data)]);
};
const u8 = (begin: number, end: number, shape = `[${end - begin}]`): string =>
  `{"dtype":"U8","shape":${shape},"data_offsets":[${begin},${end}]}`;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "safetensors-"));
});
afterAll(() => rm(folder, { recursive: true }));

test("round trip; the order of the entries does not show in the bytes", async () => {
  const path = join(folder, "a.safetensors");
  await writeSafetensors(path, content);
  const read = await readSafetensors(path);
  expect(read.tensors).toEqual(content.tensors);
  expect(read.metadata).toEqual(content.metadata);
  const reversed = Object.fromEntries(Object.entries(content.tensors).reverse());
  const bytes = Buffer.concat(encodeSafetensors({ ...content, tensors: reversed }));
  expect(bytes.equals(readFileSync(path))).toBe(true);
  const shifted = Buffer.concat([Buffer.alloc(1), bytes]).subarray(1);
  expect(decodeSafetensors(shifted, "x").tensors).toEqual(content.tensors);
  expect(decodeSafetensors(Buffer.concat(encodeSafetensors({ tensors: {}, metadata: {} })), "x")).toEqual({
    tensors: {},
    metadata: {},
  });
});

test("a file of the safetensors library", async () => {
  const read = await readSafetensors(
    fileURLToPath(new URL("../test/golden/library.safetensors", import.meta.url)),
  );
  expect(read.metadata).toEqual({ epoch: "3" });
  expect(read.tensors).toEqual({
    weight: { type: "float32", dims: [2, 2], data: Float32Array.of(0, 0.25, 0.5, 0.75) },
    count: { type: "int64", dims: [], data: BigInt64Array.of(12n) },
    half: { type: "float16", dims: [2], data: Uint16Array.of(0x3c00, 0xbc00) },
    mask: { type: "bool", dims: [3], data: Uint8Array.of(1, 0, 1) },
  });
});

test("a reserved name is refused", () => {
  const tensors = { __metadata__: content.tensors["7"]! };
  expect(() => encodeSafetensors({ tensors, metadata: {} })).toThrow(/tensors: expected names other than/);
});

describe("malformed files", () => {
  const cases: readonly [string, Buffer, RegExp][] = [
    ["empty", Buffer.alloc(0), /shorter than 8 bytes/],
    ["huge header", Buffer.alloc(16, 0xff), /exceeds the limit/],
    ["truncated header", file("{}").subarray(0, 9), /truncated header/],
    ["not JSON", file("{]"), /not JSON/],
    ["not UTF-8", Buffer.concat([file("").fill(2, 0, 1), Buffer.from([0xff, 0xff])]), /not JSON/],
    ["array", file("[]"), /not an object/],
    ["no object", file(`{"a":1}`), /a: expected an object/],
    [
      "unknown dtype",
      file(`{"a":{"dtype":"X","shape":[1],"data_offsets":[0,1]}}`, 1),
      /unsupported dtype "X"/,
    ],
    [
      "inherited dtype",
      file(`{"a":{"dtype":"toString","shape":[1],"data_offsets":[0,1]}}`, 1),
      /unsupported dtype/,
    ],
    ["negative shape", file(`{"a":${u8(0, 1, "[-1]")}}`, 1), /not a whole number >= 0/],
    ["fractional shape", file(`{"a":${u8(0, 1, "[1.5]")}}`, 1), /malformed shape/],
    ["overflow", file(`{"a":${u8(0, 1, "[4294967296,4294967296]")}}`, 1), /exceeds the limit/],
    ["offsets", file(`{"a":${u8(0, 1).replace("[0,1]", "[0]")}}`, 1), /malformed data_offsets/],
    ["negative offset", file(`{"a":${u8(-1, 0)}}`, 1), /malformed data_offsets/],
    ["size differs", file(`{"a":${u8(0, 2, "[1]")}}`, 2), /needs 1 bytes, got 2/],
    ["hole", file(`{"a":${u8(0, 1)},"b":${u8(2, 3)}}`, 3), /b: data starts at 2, expected 1/],
    ["overlap", file(`{"a":${u8(0, 2)},"b":${u8(1, 3)}}`, 3), /hole or overlap/],
    ["trailing", file(`{"a":${u8(0, 1)}}`, 2), /data ends at .* the file at/],
    ["short", file(`{"a":${u8(0, 9)}}`, 2), /data ends at .* the file at/],
    ["metadata", file(`{"__metadata__":{"a":1}}`), /expected a map of strings/],
  ];
  test.each(cases)("%s", (_, bytes, message) => {
    expect(() => decodeSafetensors(bytes, "c.safetensors")).toThrow(FormatError);
    expect(() => decodeSafetensors(bytes, "c.safetensors")).toThrow(message);
  });

  test("a missing file", async () => {
    await expect(readSafetensors(join(folder, "none"))).rejects.toThrow(/none: no such file/);
  });

  test("any mutation decodes or is a FormatError", () => {
    const seed = Buffer.concat(encodeSafetensors(content));
    const edits = fc.array(fc.tuple(fc.nat(seed.length - 1), fc.nat(255)), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(edits, fc.nat(seed.length), (changes, length) => {
        const bytes = Buffer.from(seed);
        for (const [at, value] of changes) bytes[at] = value;
        try {
          decodeSafetensors(bytes.subarray(0, length), "x");
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError);
        }
      }),
      { numRuns: 2000, seed: 3 },
    );
  });
});

describe("a checksum", () => {
  const bytes = Buffer.concat(encodeSafetensors(content, { checksum: true }));

  test("is verified, and no part of the content", async () => {
    const path = join(folder, "checked.safetensors");
    await writeSafetensors(path, content, { checksum: true });
    expect(bytes.equals(readFileSync(path))).toBe(true);
    for (const read of [await readSafetensors(path), decodeSafetensors(bytes, path)]) {
      expect(read).toEqual({ ...content, verified: true });
    }
    expect(decodeSafetensors(Buffer.concat(encodeSafetensors(content)), "x").verified).toBeUndefined();
  });

  test("is the SHA-256 of the file with zeros in its place", () => {
    const text = bytes.toString("latin1");
    const [, sum] = /"pixelcal-sha256":"([0-9a-f]{64})"/.exec(text)!;
    const blank = Buffer.from(text.replace(sum!, "0".repeat(64)), "latin1");
    expect(createHash("sha256").update(blank).digest("hex")).toBe(sum);
  });

  test("shows every flipped bit, but for those that take its own name away", () => {
    const key = bytes.indexOf("pixelcal-sha256");
    for (let at = 0; at < bytes.length; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const damaged = Buffer.from(bytes);
        damaged[at]! ^= 1 << bit;
        if (at >= key && at < key + 15) {
          const read = ((): unknown => {
            try {
              return decodeSafetensors(damaged, "x").verified;
            } catch (error) {
              return error;
            }
          })();
          expect(read === undefined || read instanceof FormatError).toBe(true);
        } else expect(() => decodeSafetensors(damaged, "x"), `bit ${bit} of byte ${at}`).toThrow(FormatError);
      }
    }
  });

  test("is a key of ours alone", () => {
    expect(() => encodeSafetensors({ tensors: {}, metadata: { "pixelcal-sha256": "" } })).toThrow(
      /metadata: expected keys other than pixelcal-sha256/,
    );
  });
});

test("names that objects inherit are names like others", async () => {
  const array: Tensor = { type: "uint8", dims: [1], data: Uint8Array.of(1) };
  const tensors = JSON.parse('{"__proto__":1,"constructor":1,"toString":1}') as Record<string, unknown>;
  for (const name of Object.keys(tensors)) Object.defineProperty(tensors, name, { value: array });
  const path = join(folder, "names.safetensors");
  await writeSafetensors(path, { tensors: tensors as Record<string, Tensor>, metadata: {} });
  const read = await readSafetensors(path);
  expect(Object.keys(read.tensors).sort()).toEqual(["__proto__", "constructor", "toString"]);
  expect(Object.getPrototypeOf(read.tensors)).toBe(null);
  expect(read.tensors.hasOwnProperty).toBeUndefined();
});
