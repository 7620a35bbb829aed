import { mkdir, readFile, writeFile } from "node:fs/promises";
import { gunzipSync } from "node:zlib";
import { tensor } from "@pixelcal/core";
import { Graph, ops, serializeModel, withMetadata } from "@pixelcal/graph";
import { type Grid, readNpz, readVolume, volumeOf, writeVolume } from "@pixelcal/io";
import { Predictor } from "@pixelcal/train";
import { expect, test } from "vitest";
import { pixelcal } from "../run.test.helper.js";
import { at, toyData } from "../toy.test.helper.js";

toyData();

/** A grid turned by 30 degrees about z, with unequal spacing. */
const grid: Grid = {
  shape: [20, 24, 10],
  spacing: [0.9, 1.1, 2.5],
  origin: [12, -7, 33.5],
  direction: [
    [Math.cos(Math.PI / 6), Math.sin(Math.PI / 6), 0],
    [-Math.sin(Math.PI / 6), Math.cos(Math.PI / 6), 0],
    [0, 0, 1],
  ],
};
const size = [10, 24, 20];
const place = (i: number): [number, number, number] => [Math.floor(i / 480), Math.floor(i / 20) % 24, i % 20];
const isBody = (z: number, y: number, x: number): boolean => z >= 1 && y >= 3 && y < 22 && x >= 2 && x < 19;
const isOrgan = (z: number, y: number, x: number): boolean =>
  ((z - 5.5) * 2.5) ** 2 + ((y - 12) * 1.1) ** 2 + ((x - 9) * 0.9) ** 2 < 36;
const values = Array.from(
  { length: 4800 },
  (_, i) => (isBody(...place(i)) ? 1000 : 0) + (isOrgan(...place(i)) ? 400 : 0),
);
const organ = values.map((value) => Number(value > 1200));

/** A network that finds the organ in values of 0 to 1: its logits are 0.6 - x and x - 0.6, steep. */
function network(): Uint8Array {
  const graph = new Graph("threshold");
  const image = graph.input("image", "float32", [1, 1, 8, 8, 8]);
  const scaled = ops.Mul(ops.Sub(image, 0.5), 20);
  graph.output("logits", ops.Concat([ops.Neg(scaled), scaled], 1));
  const preparation = {
    normalization: [{ scheme: "range", low: 1000, high: 1400 }],
    crop: true,
    spacing: [1.7, 1.6, 1.2],
    interpolation: "linear",
  };
  return Buffer.concat(
    withMetadata(serializeModel(graph), { "pixelcal.preparation": JSON.stringify(preparation) }),
  );
}

test("a cropped, resampled case on a turned grid overlays its label to half a voxel", async () => {
  for (const folder of ["raw/imagesTs", "raw/labelsTs", "raw/imagesTr", "raw/labelsTr"])
    await mkdir(at(folder), { recursive: true });
  const image = tensor("float32", Float32Array.from(values), size);
  await writeVolume(at("raw/imagesTs/one_0000.nii.gz"), volumeOf(image, grid));
  await writeVolume(
    at("raw/labelsTs/one.nii.gz"),
    volumeOf(tensor("uint8", Uint8Array.from(organ), size), grid),
  );
  const labels = { background: 0, organ: 1 };
  await writeFile(at("raw/dataset.json"), JSON.stringify({ labels, file_ending: ".nii.gz" }));
  await writeFile(at("threshold.onnx"), network());

  const { code, messages } = await pixelcal([
    ...["infer", "--model", at("threshold.onnx"), "--data", at("raw"), "--out", at("own")],
  ]);
  expect(code, messages).toBe(0);
  const map = await readVolume(at("own/one.nii.gz"));
  const found = Array.from(map.data as Uint8Array);
  const centre = (of: readonly number[]): number[] =>
    [0, 1, 2].map(
      (axis) =>
        of.reduce((sum, label, i) => sum + label * place(i)[axis]!, 0) /
        of.reduce((sum, label) => sum + label, 0),
    );
  for (const [axis, mean] of centre(found).entries())
    expect(Math.abs(mean - centre(organ)[axis]!)).toBeLessThan(0.5);
  const both = found.filter((label, i) => label === 1 && organ[i] === 1).length;
  const sum = found.reduce((a, b) => a + b, 0) + organ.reduce((a, b) => a + b, 0);
  expect((2 * both) / sum).toBeGreaterThan(0.9);

  // The geometry of the header: pixdim, qform and sform, byte for byte.
  const [before, after] = await Promise.all(
    ["raw/imagesTs/one_0000.nii.gz", "own/one.nii.gz"].map(async (file) =>
      gunzipSync(await readFile(at(file))),
    ),
  );
  expect(after!.subarray(76, 108)).toEqual(before!.subarray(76, 108));
  expect(after!.subarray(252, 328)).toEqual(before!.subarray(252, 328));
  // Outside of the body, which was cut off, there is background.
  const { probabilities } = await readNpz(at("own/one.npz"));
  expect(probabilities!.dims).toEqual([2, ...size]);
  expect((probabilities!.data as Float32Array)[0]).toBe(1);

  // A service has the same.
  await using predictor = await Predictor.open({ model: at("threshold.onnx") });
  const images = tensor("float32", image.data, [1, 1, ...size]);
  const probs = await predictor.predict(images, { spacing: [...grid.spacing].reverse() });
  expect(probs.dims).toEqual([1, 2, ...size]);
  expect(probs.data).toEqual(probabilities!.data);
});
