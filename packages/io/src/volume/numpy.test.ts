import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Tensor } from "@pixelcal/core";
import { expect, test } from "vitest";
import { encodeNpy } from "../npy.js";
import { encodeNpz } from "../npz.js";
import { readVolume } from "./read-volume.js";

const tensor = (dims: readonly number[]): Tensor => ({
  type: "int16",
  dims,
  data: Int16Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => i),
});
const npy = (dims: readonly number[]): Uint8Array => Buffer.concat(encodeNpy(tensor(dims)));

test.each([
  [[5], { shape: [5] }],
  [[2, 3], { shape: [3, 2] }],
  [[2, 3, 4], { shape: [4, 3, 2], spacing: [1, 1, 1] }],
  [[2, 3, 4, 5], { channels: 2, shape: [5, 4, 3] }],
  [[0, 4, 5], { shape: [5, 4, 0] }],
])("NPY of shape %j", async (dims, expected) => {
  const volume = await readVolume(npy(dims));
  expect(volume).toMatchObject({ format: "NPY", type: "int16", units: "unknown", ...expected });
  expect(volume.data).toEqual(tensor(dims).data);
});

test("NPZ: one array, or the one that is named, from bytes and a path", async () => {
  const folder = await mkdtemp(join(tmpdir(), "volume-"));
  const one = await encodeNpz({ probabilities: tensor([2, 3, 4, 5]) });
  const two = await encodeNpz({ probs: tensor([2, 2]), label: tensor([3, 2]) });
  for (const [name, bytes] of [
    ["one.npz", one],
    ["two.npz", two],
  ] as const)
    await writeFile(join(folder, name), bytes);
  for (const source of [one, join(folder, "one.npz")])
    expect(await readVolume(source)).toMatchObject({ format: "NPZ", channels: 2, shape: [5, 4, 3] });
  for (const source of [two, join(folder, "two.npz")]) {
    expect((await readVolume(source, { key: "label" })).shape).toEqual([2, 3]);
    await expect(readVolume(source)).rejects.toThrow(/holds probs, label; name one of them by "key"/);
    await expect(readVolume(source, { key: "other" })).rejects.toThrow(/other: holds probs, label/);
  }
  await rm(folder, { recursive: true });
});

test("NPY: no axes and too many are refused", async () => {
  for (const dims of [[], [1, 1, 1, 1, 1]])
    await expect(readVolume(npy(dims))).rejects.toThrow(/expected 1 to 3 axes/);
  await expect(readVolume(await encodeNpz({}))).rejects.toThrow(/holds no arrays/);
});
