import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CalibrationCase, type Labels, tensor } from "@pixelcal/core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { LogitsCache } from "./logits-cache.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pixelcal-cache-"));
});
afterAll(() => rm(folder, { recursive: true }));

const caseOf = (index: number, labels: Labels): CalibrationCase => {
  const dims = [1, 3, ...labels.dims.slice(1)];
  const data = Float32Array.from({ length: 3 * labels.data.length }, (_, i) => Math.sin(100 * index + i));
  return { logits: tensor("float32", data, dims), labels };
};

test("cases of any size and label type come back, and the file goes", async () => {
  const cases: readonly CalibrationCase[] = [
    caseOf(0, tensor("uint8", Uint8Array.of(0, 1, 2, 255, 1, 0), [1, 2, 3])),
    {
      ...caseOf(1, tensor("int64", BigInt64Array.of(5n, -1n, 0n, 1n, 2n), [1, 5, 1])),
      spacing: [2, 0.5],
      group: "a",
    },
    caseOf(2, tensor("int32", Int32Array.of(7), [1, 1, 1])),
  ];
  const path = join(folder, "cache");
  const cache = await LogitsCache.create(path);
  for (const each of cases) await cache.append(each);
  expect(cache.count).toBe(3);
  for (const index of [2, 0, 1, 1, 0]) expect(await cache.read(index)).toEqual(cases[index]);
  const memory = (await cache.read(0)).logits.data.buffer;
  expect((await cache.read(2)).logits.data.buffer).toBe(memory);
  await expect(cache.read(3)).rejects.toThrow("index: expected an integer below 3, got 3");
  await expect(cache.read(0, { signal: AbortSignal.abort() })).rejects.toThrow("aborted");
  await cache.close();
  expect(existsSync(path)).toBe(false);
});

test("a file is kept on demand, and none is overwritten", async () => {
  const path = join(folder, "kept");
  const cache = await LogitsCache.create(path);
  await cache.append(caseOf(0, tensor("uint8", Uint8Array.of(1, 0), [1, 2, 1])));
  await cache.close({ keep: true });
  expect(existsSync(path)).toBe(true);
  await expect(LogitsCache.create(path)).rejects.toThrow("EEXIST");
});

test("labels that do not fit are refused", async () => {
  await using cache = await LogitsCache.create(join(folder, "refused"));
  const { logits } = caseOf(0, tensor("uint8", new Uint8Array(6), [1, 2, 3]));
  const labels = tensor("uint8", new Uint8Array(6), [1, 3, 2]);
  await expect(cache.append({ logits, labels })).rejects.toThrow("labels: expected [1, 2, 3], got [1, 3, 2]");
});
