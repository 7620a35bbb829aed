import { createHook } from "node:async_hooks";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readNpz, writeNpz, writePrediction } from "@pixelcal/io";
import { afterAll, beforeAll, expect, test } from "vitest";
import { furtherMetrics } from "./further-metrics.js";
import { evaluate } from "./index.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pixelcal-"));
  const dims = [2, 64, 64];
  for (let n = 0; n < 5; n++) {
    const data = new Float32Array(2 * 64 * 64);
    for (let i = 0; i < 4096; i++) {
      data[4096 + i] = ((i * 37 + n) % 101) / 101;
      data[i] = 1 - data[4096 + i]!;
    }
    const labels = Uint8Array.from({ length: 4096 }, (_, i) => Number(i % 64 > 20 + n));
    await writePrediction(join(folder, `${n}.npz`), {
      probs: { type: "float32", dims, data },
      labels: { type: "uint8", dims: [64, 64], data: labels },
    });
  }
});
afterAll(() => rm(folder, { recursive: true }));

/** Counts the operations of Node begun while `work` runs, by its names for them, and the kernels. */
async function begun(work: () => Promise<unknown>): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  const hook = createHook({ init: (_, type) => void counts.set(type, (counts.get(type) ?? 0) + 1) });
  const note = (): void => void counts.set("kernel", (counts.get("kernel") ?? 0) + 1);
  hook.enable();
  subscribe("pixelcal:call", note);
  try {
    await work();
  } finally {
    unsubscribe("pixelcal:call", note);
    hook.disable();
  }
  return counts;
}

test("the labels of each file are ranged once and its classes chosen once", async () => {
  const counts = await begun(() => evaluate(folder));
  expect(counts.get("FILEHANDLE")).toBe(5);
  // Per case: the file that turns out to be packed, its labels, and all scores with the hash at once.
  expect(counts.get("kernel")).toBe(5 * 3);
  const everything = await begun(() => evaluate(folder, { metrics: furtherMetrics }));
  expect(everything.get("kernel")).toBe(5 * 3);
});

test("a stored file is read and its labels are ranged at once", async () => {
  const stored = join(folder, "stored");
  for (let n = 0; n < 5; n++)
    await writeNpz(join(stored, `${n}.npz`), await readNpz(join(folder, `${n}.npz`)), { level: 0 });
  // The arrays of the first get the sizes of the file's at the second request.
  const first = await begun(() => evaluate(stored, { cases: ["0"] }));
  expect(first.get("kernel")).toBe(3);
  const counts = await begun(() => evaluate(stored));
  expect(counts.get("FILEHANDLE")).toBeUndefined();
  expect(counts.get("kernel")).toBe(5 * 2);
});
