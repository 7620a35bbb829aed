import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Random, readStoredPrediction, type Tensor } from "@pixelcal/core";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BufferPool, encodeNpz, type ReadPredictionOptions, readPrediction } from "./index.js";

let path: string;
beforeAll(async () => {
  path = join(await mkdtemp(join(tmpdir(), "plain-")), "a.npz");
});
afterAll(() => rm(join(path, ".."), { recursive: true }));

/** Returns probabilities [classes, ...spatial] and the labels below `labels` beside them. */
function prediction(spatial: readonly number[], classes: number, labels = classes): Record<string, Tensor> {
  const random = Random.fromSeed(classes);
  const pixels = spatial.reduce((product, size) => product * size, 1);
  const probs = Float32Array.from({ length: classes * pixels }, () => random.uniform());
  const label = BigInt64Array.from({ length: pixels }, () => BigInt(random.integer(labels)));
  return {
    probs: { type: "float32", dims: [classes, ...spatial], data: probs },
    label: { type: "int64", dims: spatial, data: label },
  };
}

/** Inserts extra fields in front of the data of both entries, as numpy.savez has them. */
function withExtraFields(archive: Uint8Array): Buffer {
  const bytes = Buffer.from(archive);
  const second = bytes.indexOf("PK\x03\x04", 4);
  const index = bytes.indexOf("PK\x01\x02");
  const [extra, head] = [Buffer.alloc(20, 7), 30 + "probs.npy".length];
  for (const at of [0, second]) bytes.writeUInt16LE(extra.length, at + 28);
  bytes.writeUInt32LE(second + extra.length, index + 46 + "probs.npy".length + 42);
  bytes.writeUInt32LE(index + 2 * extra.length, bytes.length - 6);
  const parts = [bytes.subarray(0, head), extra, bytes.subarray(head, second + head), extra];
  return Buffer.concat([...parts, bytes.subarray(second + head)]);
}

/** Returns what the file gives, or the message of its error. */
const outcome = (source: string | Uint8Array, options: ReadPredictionOptions): Promise<unknown> =>
  readPrediction(source, { ...options, source: path }).catch((error: unknown) => String(error));

/** Reads bytes as a file, which may be read at once, and as they are, which is read by steps. */
async function bothOutcomes(bytes: Uint8Array, options: ReadPredictionOptions = {}): Promise<void> {
  await writeFile(path, bytes);
  expect(await outcome(path, options)).toEqual(await outcome(bytes, options));
}

/** Returns whether core reads the file at once. */
async function readAtOnce(bytes: Uint8Array, values: number, pixels: number): Promise<boolean> {
  await writeFile(path, bytes);
  const arrays = { probs: new Float32Array(values), labels: new Uint8Array(pixels) };
  return (await readStoredPrediction(path, arrays))?.read === true;
}

const stored = (arrays: Record<string, Tensor>): Promise<Uint8Array> => encodeNpz(arrays, { level: 0 });

describe("a stored prediction is read as by steps", () => {
  test.each([[[7]], [[5, 6]], [[180, 190]], [[3, 70, 180]]])("of %j pixels", async (spatial) => {
    const arrays = prediction(spatial, 3);
    const bytes = await stored(arrays);
    const pixels = arrays.label!.data.length;
    expect(await readAtOnce(bytes, 3 * pixels, pixels)).toBe(true);
    expect(await readAtOnce(withExtraFields(bytes), 3 * pixels, pixels)).toBe(true);
    const { probs, label } = arrays;
    expect(await readAtOnce(await stored({ label: label!, probs: probs! }), 3 * pixels, pixels)).toBe(true);
    for (const archive of [bytes, withExtraFields(bytes)]) await bothOutcomes(archive);
  });

  const options: readonly ReadPredictionOptions[] = [
    {},
    { values: "any" },
    { ignore: 3 },
    { ignore: -1 },
    { classes: 2 },
    { classes: 4 },
    { classes: 300 },
    { classes: 0 },
    { classes: 2, ignore: 0 },
    { limits: { maxElements: 10 } },
  ];
  test.each(options)("with %j", async (given) => {
    for (const classes of [1, 2, 3])
      for (const labels of [1, 2, 4])
        await bothOutcomes(await stored(prediction([40, 50], classes, labels)), given);
  });

  test("into a pool's buffers, of sizes that change", async () => {
    const buffers = new BufferPool();
    for (const size of [8, 9, 9, 8, 190]) {
      const bytes = await stored(prediction([size, size], 2));
      await writeFile(path, bytes);
      const { probs, labels } = await readPrediction(path, { buffers });
      expect({ probs, labels }).toEqual(await readPrediction(bytes));
      buffers.give(probs.data.buffer);
      buffers.give(labels.data.buffer);
    }
  });

  test("labels beyond 32 bits and values that are no probabilities", async () => {
    const wild = prediction([300, 300], 2);
    (wild.label!.data as BigInt64Array).set([-1n, 2n ** 40n], 70_000);
    await bothOutcomes(await stored(wild));
    (wild.probs!.data as Float32Array)[5] = Number.NaN;
    await bothOutcomes(await stored(wild));
    await bothOutcomes(await stored(wild), { values: "any", classes: 2 });
  });
});

describe("other files are read by steps", () => {
  const { probs, label } = prediction([4, 5], 2) as { probs: Tensor; label: Tensor };
  const spacing: Tensor = { type: "float64", dims: [2], data: Float64Array.of(1, 2) };
  const files: readonly [string, () => Promise<Uint8Array>][] = [
    ["a spacing", () => stored({ probs, label, spacing })],
    ["deflated", () => encodeNpz({ probs, label })],
    ["one array", () => stored({ probs })],
    ["other labels", () => stored({ probs, label: { ...label, type: "uint64" } as Tensor })],
    ["other values", () => stored({ probs: { ...label, dims: [2, 2, 5] }, label })],
    ["other shapes", () => stored({ probs, label: { ...label, dims: [5, 4] } })],
    ["masks", () => stored({ probs, label: { ...label, dims: [1, 4, 5] } })],
    ["an axis of nothing", () => stored(prediction([0, 5], 2))],
    ["too many axes", () => stored(prediction([1, 2, 1, 2], 2))],
    ["text", async () => Buffer.from("no archive at all, but long enough to be looked at twice".repeat(9))],
    ["nothing", async () => Buffer.alloc(0)],
  ];
  test.each(files)("%s", async (_, make) => {
    const bytes = await make();
    expect(await readAtOnce(bytes, 40, 20)).toBe(false);
    await bothOutcomes(bytes);
  });

  test("folders, names that are not there, and those of no file", async () => {
    for (const name of [join(path, ".."), join(path, "../none.npz"), `${path}\0.npz`])
      await expect(readPrediction(name)).rejects.toThrow();
  });

  test("a file that ends early, at every byte", async () => {
    const bytes = await stored({ probs, label });
    for (let length = 0; length < bytes.length; length += length < bytes.length - 200 ? 37 : 1)
      await bothOutcomes(bytes.subarray(0, length));
  });

  test("any mutation", async () => {
    const seed = withExtraFields(await stored({ probs, label }));
    // Most bytes are numbers, behind which one checksum stands: headers are changed as often.
    const place = fc.oneof(fc.nat(200), fc.nat(seed.length - 1), fc.integer({ min: 1, max: 132 }));
    const edits = fc.array(fc.tuple(place, fc.boolean(), fc.nat(255)), { minLength: 1, maxLength: 3 });
    const property = fc.asyncProperty(edits, async (changes) => {
      const bytes = Buffer.from(seed);
      for (const [at, fromEnd, value] of changes) bytes[fromEnd ? bytes.length - 1 - at : at] = value;
      await bothOutcomes(bytes);
    });
    await fc.assert(property, { numRuns: 1500, seed: 3 });
  });
});

test("an aborted signal ends the reading with its reason", async () => {
  await writeFile(path, await stored(prediction([300, 300], 2)));
  await expect(readPrediction(path, { signal: AbortSignal.abort("enough") })).rejects.toBe("enough");
  const controller = new AbortController();
  const reading = readPrediction(path, { signal: controller.signal });
  controller.abort("enough");
  await expect(reading).rejects.toBe("enough");
});
