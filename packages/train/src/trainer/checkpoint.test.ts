import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Tensor, tensor } from "@pixelcal/core";
import { FormatError, writeSafetensors } from "@pixelcal/io";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type Checkpoint,
  predictionWeights,
  readCheckpoint,
  restoreArrays,
  stateDifferences,
  type TrainingState,
  writeCheckpoint,
} from "./checkpoint.js";

const floats = (...values: number[]): Tensor<"float32"> =>
  tensor("float32", Float32Array.from(values), [values.length]);

const state: TrainingState = {
  updates: 7,
  epoch: 2,
  pending: 1,
  model: "net",
  loss: "crossEntropy (original)",
  optimizer: "adamW {}",
  schedule: "constant",
  device: "cpu",
  threads: 2,
  runtime: "1.30.0",
  extra: { history: [1, 2.5], name: "ü" },
};

const checkpoint: Checkpoint = {
  model: { "a.weight": floats(1, 2, 3), "a.running_mean": floats(4) },
  slots: { averages: { "a.weight": floats(5, 6, 7) }, squares: { "a.weight": floats(8, 9, 10) } },
  accumulated: { "a.weight": floats(11, 12, 13) },
  averaged: { "a.weight": floats(14, 15, 16) },
  state,
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pixelcal-checkpoint-"));
});
afterAll(() => rm(folder, { recursive: true }));

describe("checkpoint", () => {
  it("comes back as it was written, with the same bytes for the same content", async () => {
    const [path, again] = [join(folder, "a"), join(folder, "b")];
    await writeCheckpoint(path, checkpoint);
    await writeCheckpoint(again, checkpoint);
    expect((await readFile(path)).equals(await readFile(again))).toBe(true);
    const read = await readCheckpoint(path);
    expect(read.state).toEqual(state);
    expect(JSON.parse(JSON.stringify(read))).toEqual(JSON.parse(JSON.stringify(checkpoint)));
  });

  it("copies into arrays only when everything fits", async () => {
    const into = structuredClone({
      ...checkpoint,
      model: { "a.weight": floats(0, 0, 0), "a.running_mean": floats(0) },
    });
    restoreArrays("file", checkpoint, into);
    expect([...into.model["a.weight"]!.data]).toEqual([1, 2, 3]);
    const target = {
      model: { "a.weight": floats(0, 0), b: floats(0) },
      slots: { averages: {} },
      accumulated: {},
      averaged: {},
    };
    expect(() => restoreArrays("file", checkpoint, target)).toThrow(FormatError);
    expect(() => restoreArrays("file", checkpoint, target)).toThrow(
      "file: does not fit this trainer: a.weight is [3], expected [2]; b is missing; a.running_mean is unknown; " +
        "optimizer/averages/a.weight is unknown; optimizer/squares/a.weight is unknown; and 2 more",
    );
    expect([...target.model["a.weight"]!.data]).toEqual([0, 0]);
  });

  it("names what differs", () => {
    expect(
      stateDifferences(state, { ...state, epoch: 9, threads: 4, device: "webgpu", runtime: "1.31.0" }),
    ).toEqual([
      "device: checkpoint cpu, now webgpu",
      "threads: checkpoint 2, now 4",
      "runtime: checkpoint 1.30.0, now 1.31.0",
    ]);
  });

  it("refuses files that are no checkpoint of ours, or damaged", async () => {
    const path = join(folder, "bad");
    const tensors = { a: floats(1) };
    const text = JSON.stringify(state);
    const cases: [() => Promise<void>, string][] = [
      [() => rm(path, { force: true }), "bad"],
      [() => writeFile(path, "no"), "safetensors"],
      [
        () => writeSafetensors(path, { tensors, metadata: {} }),
        "format: missing; expected pixelcal-training-2",
      ],
      [
        () => writeSafetensors(path, { tensors, metadata: { format: "pixelcal-training-1" } }),
        "state.updates",
      ],
      [
        () => writeSafetensors(path, { tensors, metadata: { format: "pixelcal-training-1", state: "{" } }),
        "state: is not JSON",
      ],
      [
        () =>
          writeSafetensors(path, {
            tensors,
            metadata: { format: "pixelcal-training-1", state: text.replace('"cpu"', "1") },
          }),
        "state.device: expected a text",
      ],
      [
        () =>
          writeSafetensors(path, {
            tensors: { a: tensor("int32", Int32Array.of(1), [1]) },
            metadata: { format: "pixelcal-training-1", state: text },
          }),
        "a: expected float32, got int32",
      ],
    ];
    for (const [make, message] of cases) {
      await make();
      await expect(readCheckpoint(path)).rejects.toThrow(FormatError);
      await expect(readCheckpoint(path)).rejects.toThrow(message);
    }
    await writeSafetensors(path, { tensors, metadata: { format: "pixelcal-training-1", state: text } });
    expect((await readCheckpoint(path)).state).toEqual(state);
    await writeSafetensors(path, { tensors, metadata: { format: "pixelcal-training-2", state: text } });
    await expect(readCheckpoint(path)).rejects.toThrow("bad: is damaged: it has no checksum");
    await writeCheckpoint(path, checkpoint);
    const bytes = await readFile(path);
    await writeFile(path, bytes.subarray(0, bytes.length - 4));
    await expect(readCheckpoint(path)).rejects.toThrow(FormatError);
  });

  it("shows every flipped bit", async () => {
    const path = join(folder, "flipped");
    await writeCheckpoint(path, checkpoint);
    const bytes = await readFile(path);
    for (let at = 0; at < bytes.length; at++) {
      const damaged = Buffer.from(bytes);
      damaged[at]! ^= 1 << (at % 8);
      await writeFile(path, damaged);
      await expect(readCheckpoint(path), `byte ${at}`).rejects.toThrow(FormatError);
    }
  });

  it("takes names that objects inherit for names, and changes no prototype", async () => {
    const path = join(folder, "names");
    const names = ["__proto__", "constructor", "toString", "hasOwnProperty"];
    const tensors = Object.fromEntries(
      ["", "optimizer/__proto__/", "optimizer/constructor/", "accumulated/", "averaged/"].flatMap((place) =>
        names.map((name) => [`${place}${name}`, floats(1)]),
      ),
    );
    await writeSafetensors(path, {
      tensors,
      metadata: { format: "pixelcal-training-1", state: JSON.stringify(state) },
    });
    const read = await readCheckpoint(path);
    expect(Object.keys(Object.prototype)).toEqual([]);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    for (const arrays of [read.model, read.accumulated, read.averaged, predictionWeights(read)])
      expect(Object.keys(arrays).sort()).toEqual([...names].sort());
    expect(Object.keys(read.slots).sort()).toEqual(["__proto__", "constructor"]);
    expect(Object.keys(Object.getOwnPropertyDescriptor(read.slots, "__proto__")!.value).sort()).toEqual(
      [...names].sort(),
    );
    const into = { model: { toString: floats(0) }, slots: {}, accumulated: {}, averaged: {} };
    expect(() => restoreArrays("file", read, into)).toThrow(
      "file: does not fit this trainer: __proto__ is unknown",
    );
    await writeCheckpoint(path, read);
    expect(Object.keys((await readCheckpoint(path)).model).sort()).toEqual([...names].sort());
    await writeSafetensors(path, {
      tensors: { "optimizer/slotless": floats(1) },
      metadata: { format: "pixelcal-training-1", state: JSON.stringify(state) },
    });
    await expect(readCheckpoint(path)).rejects.toThrow("expected optimizer/SLOT/PARAMETER");
  });
});
