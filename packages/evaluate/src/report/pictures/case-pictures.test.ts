import { readVolume } from "@pixelcal/io";
import { expect, test } from "vitest";
import { madeArrays, pictureCase } from "../report-data.test.helper.js";
import { type CaseArrays, caseLayers, coarse } from "./case-layers.js";
import { casePictures as pictured } from "./case-pictures.js";
import { drawCase, errorsOf, worstSlice } from "./draw-case.js";
import { shrunk } from "./shrink.js";

const casePictures = (made: CaseArrays) => pictured(pictureCase(made));
const decoded = (base64: string) => readVolume(Buffer.from(base64, "base64"));

test("layers are labels, confidences from 1 / classes to 1, and a stretched image", () => {
  const dims = [1, 2];
  const probs = { type: "float32", dims: [3, 1, 2], data: Float32Array.of(1, 0.2, 0, 0.4, 0, 0.4) } as const;
  const labels = { type: "uint8", dims, data: Uint8Array.of(0, 255) } as const;
  const image = { dims: [1, ...dims], data: Float32Array.of(-3, 5) };
  expect(caseLayers({ name: "a", labels, runs: [probs], image, ignore: 255 })).toEqual({
    ...{ depth: 1, height: 1, width: 2, ignore: 255 },
    truth: Uint8Array.of(0, 255),
    predicted: [Uint8Array.of(0, 1)],
    confidence: [Uint8Array.of(255, Math.round((255 * (0.4 - 1 / 3)) / (2 / 3)))],
    image: Uint8Array.of(0, 255),
  });
});

test("every kind of error has its value", () => {
  const truth = Uint8Array.of(0, 1, 0, 1, 1, 255);
  expect([...errorsOf(truth, Uint8Array.of(0, 1, 2, 0, 2, 0), 255)]).toEqual([0, 1, 2, 3, 4, 5]);
});

test("a 2-D case is at most 320 pixels long, its pictures have one size", async () => {
  const pictures = await casePictures(madeArrays("a", [500, 640], { runs: 2 }));
  expect([pictures.width, pictures.height, pictures.depth, pictures.slices]).toEqual([
    320,
    250,
    1,
    undefined,
  ]);
  const files = [pictures.image!, ...pictures.runs.flatMap(({ confidence, errors }) => [confidence, errors])];
  for (const file of files) expect((await decoded(file)).shape).toEqual([320, 250]);
  expect(pictures.runs[0]!.kinds).toEqual([0, 1, 2, 3]);
  expect(await casePictures(madeArrays("a", [500, 640], { runs: 2 }))).toEqual(pictures);
});

test("a 3-D case shows its worst slice, and a strip whose tiles are image, confidence and labels", async () => {
  const arrays = madeArrays("a", [30, 40, 50], { runs: 2, classes: 3 });
  const layers = caseLayers(arrays);
  const pictures = await casePictures(arrays);
  const { png, ...strip } = pictures.slices!;
  expect(pictures.slice).toBe(worstSlice(layers));
  expect(strip).toEqual({ width: 50, height: 40, first: 3, count: 24, image: true, runs: 2 });
  const { shape, data } = await decoded(png);
  expect(shape).toEqual([5 * 50, 24 * 40]);
  const at = (tile: number, z: number, y: number, x: number): number =>
    Number(data[((z - strip.first) * 40 + y) * 250 + tile * 50 + x]);
  for (const [z, y, x] of [
    [3, 0, 0],
    [15, 20, 20],
    [15, 20, 30],
    [26, 39, 49],
  ] as const) {
    const i = (z * 40 + y) * 50 + x;
    expect(at(0, z, y, x)).toBe(coarse(layers.image!, 8)[i]);
    expect(at(3, z, y, x)).toBe(coarse(layers.confidence[1]!, 8)[i]);
    expect(at(4, z, y, x)).toBe(16 * layers.truth[i]! + layers.predicted[1]![i]!);
  }
});

test("shrinking averages confidences and keeps labels that are there", () => {
  const data = Float32Array.of(1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 1, 1, 0, 0, 1, 1);
  const runs = [{ type: "float32", dims: [2, 2, 4], data }] as const;
  const labels = { type: "uint8", dims: [2, 4], data: Uint8Array.of(0, 0, 7, 7, 0, 0, 7, 7) } as const;
  const layers = shrunk(caseLayers({ name: "a", labels, runs }), 2);
  expect([layers.width, layers.height, layers.truth, layers.predicted]).toEqual([
    ...[2, 1, Uint8Array.of(0, 7), [Uint8Array.of(0, 1)]],
  ]);
});

test("runs and images of other sizes are refused", async () => {
  const [a, b] = [pictureCase(madeArrays("a", [20, 30])), pictureCase(madeArrays("a", [30, 20]))];
  await expect(pictured({ runs: [...a.runs, ...b.runs] })).rejects.toThrow(
    "a: probs: expected shape [20,30] to match labels, got [30,20]",
  );
  await expect(pictured({ ...a, image: b.image })).rejects.toThrow(
    "a: image: expected shape [20,30] to match labels, got [30,20]",
  );
});

test("the thread draws what the calling thread would, and leaves the arrays as they are", async () => {
  const arrays = madeArrays("a", [9, 40, 50], { runs: 2, classes: 3 });
  const before = arrays.runs.map(({ data }) => data.slice());
  const drawn = await casePictures(arrays);
  expect(drawn).toEqual(await drawCase(arrays));
  expect(arrays.runs.map(({ data }) => data)).toEqual(before);
});

test("a signal ends the drawing", async () => {
  const control = new AbortController();
  const made = pictureCase(madeArrays("a", [24, 60, 60]));
  const drawing = pictured(made, { signal: control.signal });
  setImmediate(() => control.abort(new Error("no longer wanted")));
  await expect(drawing).rejects.toThrow("no longer wanted");
  await expect(pictured(made, { signal: control.signal })).rejects.toThrow("no longer wanted");
});
