import { mkdir, readFile, writeFile } from "node:fs/promises";
import { tensor } from "@pixelcal/core";
import { Graph, ops, serializeModel, withMetadata } from "@pixelcal/graph";
import { readNpz, readVolume, volumeOf, writeNpz, writeVolume } from "@pixelcal/io";
import { beforeAll, describe, expect, test } from "vitest";
import { straightGrid } from "../grid.test.helper.js";
import { pixelcal, type Ran } from "../run.test.helper.js";
import { at, toyData } from "../toy.test.helper.js";

toyData();

const size = [6, 12, 12];
const pixels = 864;
const grid = straightGrid([12, 12, 6], [1, 1, 2]);
const place = (i: number): [number, number, number] => [Math.floor(i / 144), Math.floor(i / 12) % 12, i % 12];
const organ = Array.from({ length: pixels }, (_, i) => place(i).every((n) => n >= 1 && n < 5));
const speck = organ.map((_, i) => place(i).every((n, axis) => n === [5, 10, 10][axis]));
const both = organ.map((inside, i) => Number(inside || speck[i]));

/** A network that finds what is bright: its logits are 0.5 - x and x - 0.5, steep. */
function network(): Uint8Array {
  const graph = new Graph("threshold");
  const image = graph.input("image", "float32", [1, 1, ...size]);
  const scaled = ops.Mul(ops.Sub(image, 0.5), 20);
  graph.output("logits", ops.Concat([ops.Neg(scaled), scaled], 1));
  return serializeModel(graph);
}

/** Writes the images, which are bright in organ and speck, and labels of the organ, or of both. */
beforeAll(async () => {
  await mkdir(at("list"));
  const image = tensor("float32", Float32Array.from(both), size);
  const write = (name: string, values: readonly (number | boolean)[]): Promise<void> =>
    writeVolume(
      at(`list/${name}.nii.gz`),
      volumeOf(tensor("uint8", Uint8Array.from(values, Number), size), grid),
    );
  for (const name of ["a", "b"]) await writeVolume(at(`list/${name}.nii.gz`), volumeOf(image, grid));
  await write("organ", organ);
  await write("both", both);
  for (const [list, label] of Object.entries({ organ: "organ", both: "both", none: undefined })) {
    const labelled = { image: "a.nii.gz", ...(label && { label: `${label}.nii.gz` }) };
    const json = { training: [], validation: [labelled], test: [{ image: "b.nii.gz" }] };
    await writeFile(at(`list/${list}.json`), JSON.stringify(json));
  }
  await mkdir(at("model"));
  await writeFile(at("model/threshold.onnx"), network());
});

const infer = (list: string, out: string, ...more: string[]): Promise<Ran> =>
  pixelcal([
    ...["infer", "--model", at("model/threshold.onnx"), "--data", at("list", `${list}.json`)],
    ...["--out", at(out), ...more],
  ]);
const determine = (list: string): Promise<Ran> =>
  infer(list, "val", "--split", "val", "--determine-postprocessing");
const mapOf = async (out: string, name: string): Promise<number[]> => [
  ...((await readVolume(at(out, `${name}.nii.gz`))).data as Uint8Array),
];

describe("postprocessing", () => {
  test("is determined on labelled cases, recorded, and applied to label maps when asked for", async () => {
    const { code, messages } = await determine("organ");
    expect(code, messages).toBe(0);
    const dice = ((2 * 64) / (64 + 65)).toFixed(4);
    expect(messages).toContain(
      `only the largest component of labels 1 stays; Dice of label 1 ${dice} to 1.0000`,
    );
    expect(JSON.parse(await readFile(at("model/postprocessing.json"), "utf8"))).toEqual({
      split: "val",
      cases: 1,
      keepLargest: [[1]],
      parts: [{ name: "label 1", before: (2 * 64) / (64 + 65), after: 1 }],
    });
    // Neither determining a postprocessing nor recording it changes a prediction.
    expect(await mapOf("val", "a")).toEqual(both);
    expect((await infer("organ", "plain")).code).toBe(0);
    expect(await mapOf("plain", "b")).toEqual(both);
    const cleaned = await infer("organ", "cleaned", "--postprocessing");
    expect(cleaned.messages).toContain("postprocessing: only the largest component of labels 1 stays");
    expect(await mapOf("cleaned", "b")).toEqual(organ.map(Number));
    // Probabilities stay as they are.
    const [before, after] = await Promise.all(["plain", "cleaned"].map((out) => readNpz(at(out, "b.npz"))));
    expect(after).toEqual(before);
    // Without probabilities, from tiles, the map is the same.
    const tiled = ["--postprocessing", at("model/postprocessing.json"), "--save", "labels"];
    expect((await infer("organ", "alone", ...tiled, "--tile", "6x12x12")).code).toBe(0);
    expect(await mapOf("alone", "b")).toEqual(organ.map(Number));
  });

  test("keeps every component where none that is removed raises Dice", async () => {
    const { code, messages } = await determine("both");
    expect(code, messages).toBe(0);
    expect(messages).toContain("every component stays");
    expect((await infer("both", "kept", "--postprocessing")).code).toBe(0);
    expect(await mapOf("kept", "b")).toEqual(both);
  });

  test("of regions keeps the largest component of each region", async () => {
    const regions = {
      regions: [
        { name: "dark", labels: [2] },
        { name: "bright", labels: [1] },
      ],
      classOrder: [2, 1],
    };
    const metadata = { "pixelcal.regions": JSON.stringify(regions) };
    await mkdir(at("regions"));
    await writeFile(at("regions/m.onnx"), Buffer.concat(withMetadata(network(), metadata)));
    const args = ["infer", "--model", at("regions/m.onnx"), "--data", at("list/organ.json")];
    const found = await pixelcal([
      ...args,
      "--split",
      "val",
      "--out",
      at("rv"),
      "--determine-postprocessing",
    ]);
    expect(found.code, found.messages).toBe(0);
    const { keepLargest, parts } = JSON.parse(await readFile(at("regions/postprocessing.json"), "utf8"));
    expect([keepLargest, parts.map(({ name }: { name: string }) => name)]).toEqual([
      [[1]],
      ["dark", "bright"],
    ]);
    expect((await pixelcal([...args, "--out", at("rt"), "--postprocessing"])).code).toBe(0);
    expect(await mapOf("rt", "b")).toEqual(organ.map((inside, i) => (inside ? 1 : speck[i] ? 0 : 2)));
  });

  test("is refused where it has no label maps, labels or file", async () => {
    const unlabelled = await determine("none");
    expect([unlabelled.code, unlabelled.messages]).toEqual([
      1,
      expect.stringContaining("a.nii.gz: has no labels, which --determine-postprocessing needs"),
    ]);
    const missing = await infer("organ", "x", "--postprocessing", at("nowhere.json"));
    expect(missing.messages).toContain(
      "nowhere.json: no such file; infer --split val --determine-postprocessing",
    );
    expect(missing.code).toBe(2);
    for (const [text, message] of [
      ["{", "is not JSON"],
      ["[]", "expected lists of labels"],
      ['{"keepLargest": [[]]}', "expected lists of labels"],
      ['{"keepLargest": [[3]]}', "expected labels below 2, those of the network, got 3"],
    ] as const) {
      await writeFile(at("damaged.json"), text);
      const damaged = await infer("organ", "x", "--postprocessing", at("damaged.json"));
      expect(damaged.messages).toContain(`damaged.json: keepLargest: ${message}`);
    }
    const image = tensor("float32", new Float32Array(pixels), [1, ...size]);
    const label = tensor("uint8", new Uint8Array(pixels), size);
    await writeNpz(at("npz/test/a.npz"), { image, label });
    const npz = ["infer", "--model", at("model/threshold.onnx"), "--data", at("npz"), "--out", at("x")];
    for (const option of ["--postprocessing", "--determine-postprocessing"]) {
      const { code, messages } = await pixelcal([...npz, option]);
      expect(messages).toContain(`${option}: needs images that are volumes`);
      expect(code).toBe(2);
    }
    expect((await infer("organ", "x", "--postprocessing", "--determine-postprocessing")).code).toBe(2);
  });
});
