import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InvalidArgumentError, type Tensor } from "@pixelcal/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  encodeNpy,
  encodeNpz,
  encodeSafetensors,
  readNpz,
  writeNpy,
  writeNpz,
  writeSafetensors,
} from "./index.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "writable-"));
});
afterAll(() => rm(folder, { recursive: true }));

const floats = (dims: readonly number[], length: number): Tensor => ({
  type: "float32",
  dims,
  data: new Float32Array(length),
});

const unreadable: readonly [string, Tensor, RegExp][] = [
  [
    "nine axes",
    floats([1, 1, 1, 1, 1, 1, 1, 1, 1], 1),
    /dims: expected .* got rank 9 exceeds the limit of 8/,
  ],
  ["a fraction", floats([1.5], 1), /dimension 1.5 is not a whole number/],
  ["too little data", floats([2, 2], 3), /data: expected 16 bytes for \[2,2\] of float32, got 12/],
  [
    "another type",
    { ...floats([1], 1), type: "string" } as unknown as Tensor,
    /type: expected .* got string/,
  ],
];

describe.each(unreadable)("an array that could not be read back is not written: %s", (_, array, message) => {
  const writers: readonly [string, () => unknown][] = [
    ["encodeNpy", async () => encodeNpy(array)],
    ["encodeNpz", () => encodeNpz({ array })],
    ["encodeSafetensors", async () => encodeSafetensors({ tensors: { array }, metadata: {} })],
    ["writeNpy", () => writeNpy(join(folder, "a.npy"), array)],
    ["writeNpz", () => writeNpz(join(folder, "a.npz"), { array })],
    ["writeSafetensors", () => writeSafetensors(join(folder, "a.s"), { tensors: { array }, metadata: {} })],
  ];
  test.each(writers)("%s", async (_, write) => {
    await expect(write()).rejects.toThrow(InvalidArgumentError);
    await expect(write()).rejects.toThrow(message);
    expect(await readdir(folder)).toEqual([]);
  });
});

test("a table of contents that is too long for the reader", () => {
  const metadata = { text: "x".repeat(17 * 2 ** 20) };
  expect(() => encodeSafetensors({ tensors: {}, metadata })).toThrow(
    /names and metadata of at most 16777216/,
  );
});

test("arrays that would pack like a bomb are stored, so that they can be read", async () => {
  const mask: Tensor = { type: "uint8", dims: [65, 2 ** 20], data: new Uint8Array(65 * 2 ** 20) };
  const path = join(folder, "mask.npz");
  await writeNpz(path, { mask });
  expect((await readNpz(path)).mask!.dims).toEqual(mask.dims);
});
