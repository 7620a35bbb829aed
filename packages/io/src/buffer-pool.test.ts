import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tensor } from "@pixelcal/core";
import { expect, test } from "vitest";
import { BufferPool, readNpz, readPrediction, writeNpz, writePrediction } from "./index.js";

test("a buffer that was given back is taken again for the same size alone", () => {
  const pool = new BufferPool();
  const first = pool.take(64);
  pool.give(first);
  expect(pool.take(32)).not.toBe(first);
  expect(pool.take(64)).toBe(first);
  expect(pool.take(64)).not.toBe(first);
});

test("a buffer of a size that nobody took is not kept", () => {
  const pool = new BufferPool();
  const buffer = new ArrayBuffer(64);
  pool.give(buffer);
  expect(pool.take(64)).not.toBe(buffer);
});

test("keeps at most 256 MiB", () => {
  const pool = new BufferPool();
  const many = Array.from({ length: 3 }, () => pool.take(2 ** 27));
  for (const buffer of many) pool.give(buffer);
  const again = Array.from({ length: 3 }, () => pool.take(2 ** 27));
  expect(again.filter((buffer) => many.includes(buffer))).toEqual([many[2]]);
});

test("reads predictions into used buffers, labels too", async () => {
  const folder = await mkdtemp(join(tmpdir(), "pixelcal-"));
  try {
    const path = join(folder, "p.npz");
    const probs = tensor(
      "float32",
      Float32Array.from({ length: 8000 }, (_, i) => (i % 9) / 8),
      [2, 4000],
    );
    const labels = tensor(
      "uint8",
      Uint8Array.from({ length: 4000 }, (_, i) => i % 2),
      [4000],
    );
    await writePrediction(path, { probs, labels });
    const buffers = new BufferPool();
    const used = new Set<ArrayBufferLike>();
    for (let round = 0; round < 3; round++) {
      const found = await readPrediction(path, { buffers });
      expect(found.labels).toEqual(labels);
      expect(found.probs.data).toEqual(probs.data);
      used.add(found.labels.data.buffer);
      for (const { data } of [found.probs, found.labels]) buffers.give(data.fill(1 as never).buffer);
    }
    expect(used.size).toBe(1);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test.each([0, 6])("reads the same arrays into used buffers (level %i)", async (level) => {
  const folder = await mkdtemp(join(tmpdir(), "pixelcal-"));
  try {
    const path = join(folder, "a.npz");
    const data = Float32Array.from({ length: 5000 }, (_, i) => Math.sin(i));
    await writeNpz(path, { a: { type: "float32", dims: [5000], data } }, { level });
    const buffers = new BufferPool();
    for (let round = 0; round < 3; round++) {
      const { a } = await readNpz(path, { buffers });
      expect(a?.data).toEqual(data);
      (a!.data as Float32Array).fill(7);
      buffers.give(a!.data.buffer);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});
