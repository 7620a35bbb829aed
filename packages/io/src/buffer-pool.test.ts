import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { BufferPool, readNpz, writeNpz } from "./index.js";

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
