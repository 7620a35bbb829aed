import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Labels, tensor } from "@pixelcal/core";
import { readCase, writeNpz } from "@pixelcal/io";
import { crossEntropy, diceCrossEntropy, weighted } from "@pixelcal/losses";
import { afterAll, describe, expect, test } from "vitest";
import { acceptedLabels, FileDataset } from "./dataset.js";
import { Loader } from "./loader.js";

const root = await mkdtemp(join(tmpdir(), "label-copies-"));
afterAll(() => rm(root, { recursive: true }));

const dims = [3, 4];
const values = Array.from({ length: 12 }, (_, i) => (i === 7 ? 255 : i % 3));
const stored: readonly Labels[] = [
  tensor("uint8", Uint8Array.from(values), dims),
  tensor("int32", Int32Array.from(values), dims),
  tensor("int64", BigInt64Array.from(values, BigInt), dims),
];
const range = { classes: 3, ignore: 255 };
const losses = [
  crossEntropy({ ignore: 255 }),
  weighted([
    { weight: 1, loss: crossEntropy({ ignore: 255 }) },
    { weight: 1, loss: diceCrossEntropy({ ignore: 255 }) },
  ]),
];

/** Returns every array that holds the label map on its way from the decoded file to the step, each once. */
async function arraysOf(labels: Labels, loss: (typeof losses)[number]): Promise<readonly unknown[]> {
  const path = join(root, "train", "a.npz");
  await writeNpz(path, { image: tensor("float32", new Float32Array(12), [1, ...dims]), label: labels });
  const decoded = await readCase(path);
  const dataset = await FileDataset.open(root, "train", range);
  const kept = await dataset.read(0);
  expect(kept.labels).toEqual(await acceptedLabels(path, decoded.labels, range));
  const accepted = await acceptedLabels(path, kept.labels, range);
  const { value: batch } = await new Loader(dataset, { batchSize: 1 }).epoch(0).next();
  const { labelRange } = batch!;
  const targets: Readonly<Record<string, { readonly data: unknown }>> = await loss.targets(batch!.labels, {
    classes: 3,
    ...(labelRange && { labelRange }),
  });
  const fed = Object.entries(targets).filter(([name]) => name.endsWith("labels"));
  const first = labels.type === "uint8" ? kept.labels.data : decoded.labels.data;
  const arrays = [
    first,
    kept.labels.data,
    accepted.data,
    batch!.labels.data,
    ...fed.map(([, { data }]) => data),
  ];
  expect(Array.from(batch!.labels.data, Number)).toEqual(values);
  return [...new Set(arrays)];
}

describe("arrays of a label map between file and step, the decoded one included", () => {
  test.each(stored.map((labels) => [labels.type, labels] as const))("%s", async (type, labels) => {
    // The batch is one copy; what is wider than a byte is narrowed first, which is another.
    for (const loss of losses)
      expect((await arraysOf(labels, loss)).length, loss.name).toBe(type === "uint8" ? 2 : 3);
  });
});

describe("the range of labels", () => {
  test("is checked by the data set and not again by the loss", async () => {
    const wrong = tensor("int32", Int32Array.of(0, 9), [1, 2]);
    const known = await crossEntropy().targets(wrong, { classes: 3, labelRange: { classes: 3 } });
    expect(known.labels).toBe(wrong);
  });

  test.each([
    ["more classes", { classes: 10 }],
    ["a label to ignore that the loss does not", { classes: 3, ignore: 9 }],
  ])("is checked by a loss of a narrower one: %s", async (_, labelRange) => {
    const wrong = tensor("int32", Int32Array.of(0, 9), [1, 2]);
    await expect(crossEntropy().targets(wrong, { classes: 3, labelRange })).rejects.toThrow(
      "labels: expected classes 0 to 2, got 9 at pixel 1 (1 such pixels)",
    );
  });
});
