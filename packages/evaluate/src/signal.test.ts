import { readFileSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tensor, zeros } from "@pixelcal/core";
import {
  encodeNpz,
  readCase,
  readNpy,
  readNpz,
  readPrediction,
  readSafetensors,
  readVolume,
  verifySafetensors,
  writeNpy,
  writeNpz,
  writePrediction,
  writeSafetensors,
  writeVolume,
} from "@pixelcal/io";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { evaluate } from "./index.js";

const reason = new Error("the user left");
const probs = zeros("float32", [2, 256, 256]);
probs.data.fill(0.5);
const labels = zeros("uint8", [256, 256]);
const image = tensor("float32", probs.data, probs.dims);
const arrays = { image, probs, label: labels };
const content = { tensors: { probs }, metadata: {} };
const volume = {
  shape: [256, 256],
  spacing: [1, 1],
  origin: [0, 0, 0],
  direction: [
    [1, 0, 0],
    [0, 1, 0],
  ],
  type: "uint8",
  data: labels.data,
} as const;

let folder: string;
let file: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pixelcal-"));
  file = join(folder, "a.npz");
  for (const name of ["a", "b", "c"]) await writePrediction(join(folder, `${name}.npz`), { probs, labels });
  await writeNpz(join(folder, "case"), arrays);
  await writeNpy(join(folder, "a.npy"), probs);
  await writeSafetensors(join(folder, "a.safetensors"), content, { checksum: true });
  await writeVolume(join(folder, "a.nii.gz"), volume);
});
afterAll(() => rm(folder, { recursive: true }));

const bytes = (): Uint8Array => readFileSync(join(folder, "a.npy"));

const calls: readonly (readonly [string, (signal: AbortSignal) => Promise<unknown>])[] = [
  ["readNpz", (signal) => readNpz(file, { signal })],
  ["readPrediction", (signal) => readPrediction(file, { signal })],
  ["readCase", (signal) => readCase(join(folder, "case"), { signal })],
  ["encodeNpz", (signal) => encodeNpz(arrays, { signal })],
  ["writeNpz", (signal) => writeNpz(join(folder, "new"), arrays, { signal })],
  ["readNpy", (signal) => readNpy(join(folder, "a.npy"), { signal })],
  ["readNpy of bytes", (signal) => readNpy(bytes(), { signal })],
  ["writeNpy", (signal) => writeNpy(join(folder, "new.npy"), probs, { signal })],
  ["readSafetensors", (signal) => readSafetensors(join(folder, "a.safetensors"), { signal })],
  ["verifySafetensors", (signal) => verifySafetensors(join(folder, "a.safetensors"), { signal })],
  ["writeSafetensors", (signal) => writeSafetensors(join(folder, "new.safetensors"), content, { signal })],
  ["readVolume", (signal) => readVolume(join(folder, "a.nii.gz"), { signal })],
  ["readVolume of bytes", (signal) => readVolume(bytes(), { signal, source: "a.npy" })],
  ["evaluate, a folder", (signal) => evaluate(folder, { signal })],
  ["evaluate, cases", (signal) => evaluate([{ name: "a", probs, labels }], { signal })],
];

describe.each(calls)("%s", (_, run) => {
  test("rejects with the reason of a signal, aborted before or at any moment", async () => {
    await expect(run(AbortSignal.abort(reason))).rejects.toBe(reason);
    await expect(run(5 as never)).rejects.toThrow("signal: expected an AbortSignal, got 5");
    for (let turns = 0; turns < 12; turns++) {
      const controller = new AbortController();
      const work = run(controller.signal).then(
        () => "done",
        (error: unknown) => error,
      );
      for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate);
      controller.abort(reason);
      expect([reason, "done"]).toContain(await work);
    }
    await run(new AbortController().signal);
  });
});

test("an aborted write leaves nothing behind", async () => {
  const controller = new AbortController();
  const work = writeNpz(join(folder, "aborted"), arrays, { signal: controller.signal });
  controller.abort(reason);
  await expect(work).rejects.toBe(reason);
  expect((await readdir(folder)).filter((name) => name.includes("aborted"))).toEqual([]);
});

test("evaluate stops between its cases, also where the next is scored already", async () => {
  const uneven = await mkdtemp(join(folder, "uneven-"));
  await writePrediction(join(uneven, "a.npz"), { probs, labels });
  for (const name of ["b", "c"]) {
    const small = zeros("float32", [2, 8, 8]);
    small.data.fill(0.5);
    await writePrediction(join(uneven, `${name}.npz`), { probs: small, labels: zeros("uint8", [8, 8]) });
  }
  const controller = new AbortController();
  const seen: string[] = [];
  const work = evaluate(uneven, {
    signal: controller.signal,
    onCase: ({ name }) => {
      seen.push(name);
      controller.abort(reason);
    },
  });
  await expect(work).rejects.toBe(reason);
  expect(seen).toEqual(["a"]);
});
