import native from "@pixelcal/native";
import { describe, expect, test } from "vitest";
import { call, callSync } from "./binding.js";
import { InvalidArgumentError } from "./errors.js";
import { signedDistanceSync } from "./kernels/signed-distance.js";
import { zeros } from "./tensor.js";

// Results longer than arrays can be would end the whole process inside V8, so every size is checked first.
const bytes = new Uint8Array(64);
const floats = new Float32Array(256);
const words = new BigUint64Array(8);
const huge = [2 ** 17, 2 ** 17];
const window = { aggregation: "weighted", taps: [1], windowBorder: "zero", normalization: "window" };
const binning = { of: "classes", closed: "left", bins: 10 };

const mismatches: readonly [string, object, string][] = [
  [
    "argMax",
    { values: floats, classes: 4, pixels: 2 ** 33 },
    "values: expected 34359738368 elements, got 256",
  ],
  ["argMax", { values: floats, classes: 300, pixels: 2 ** 33 }, "values: expected 2576980377600 elements"],
  ["unpackMask", { words, size: huge }, "words: expected 268435456 elements, got 8"],
  ["packMask", { mask: bytes, size: huge }, "mask: expected 17179869184 elements, got 64"],
  ["morphology", { mask: bytes, op: "opening", size: huge }, "mask: expected 17179869184 elements, got 64"],
  ["packedMorphology", { words, op: "opening", size: huge }, "words: expected 268435456 elements, got 8"],
  ["distanceTransform", { mask: bytes, size: huge }, "mask: expected 17179869184 elements, got 64"],
  [
    "surfaceDistances",
    { a: bytes, b: bytes, size: [1], batch: 2 ** 40 },
    "a: expected 1099511627776 elements",
  ],
  [
    "signedDistance",
    { labels: bytes, classes: 30000, size: [1024, 1024] },
    "labels: expected 1048576 elements",
  ],
  ["signedDistance", { labels: bytes, classes: 2 ** 40, size: [64] }, "classes: expected 1 to 32767"],
  ["boundarySoftLabels", { labels: bytes, classes: 2, size: huge }, "labels: expected 17179869184 elements"],
  ["borderLevels", { labels: bytes, classes: 2, size: huge, form: "border" }, "labels: expected 17179869184"],
  ["borderDistances", { labels: bytes, classes: 2, size: huge }, "labels: expected 17179869184 elements"],
  [
    "ringTargets",
    { labels: bytes, classes: 2, size: huge, inner: 1, outer: 0 },
    "labels: expected 17179869184 elements",
  ],
  [
    "warpImage",
    {
      image: floats,
      size: [256],
      outSize: [256],
      matrix: [1],
      offset: [0],
      interpolation: "linear",
      batch: 2 ** 40,
    },
    "image: expected 281474976710656 elements, got 256",
  ],
  [
    "resampleImage",
    { image: floats, size: [256], outSize: [256], taps: [2], batch: 2 ** 40 },
    "image: expected 281474976710656 elements, got 256",
  ],
  [
    "changeIntensity",
    { image: floats, size: huge, change: "noise", amounts: [1] },
    "image: expected 17179869184",
  ],
  ["mixedPixels", { soft: floats, classes: 2, size: huge, limit: 1 }, "soft: expected 34359738368 elements"],
  [
    "softLabels",
    { labels: bytes, classes: 2, size: huge, ...window },
    "labels: expected 17179869184 elements",
  ],
  ["softLabels", { labels: bytes, classes: 40000, size: [64], ...window }, "classes: expected 1 to 32767"],
  [
    "softLabels",
    { labels: bytes, image: floats, classes: 2, size: [64], ...window },
    "image: expected 64 elements, got 256",
  ],
  [
    "targets",
    { labels: bytes, classes: 2, size: huge, oneHot: true },
    "labels: expected 17179869184 elements",
  ],
  ["targets", { labels: bytes, classes: 1e9, size: [64], oneHot: true }, "classes: expected 1 to 32767"],
  [
    "confusionCounts",
    { predicted: bytes, labels: bytes, classes: 32767, pixels: 64, batch: 8 },
    "predicted: expected 512 elements, got 64",
  ],
  [
    "confusionCounts",
    { predicted: bytes, labels: bytes, mask: bytes.subarray(1), classes: 2, pixels: 64 },
    "mask: expected 64 elements, got 63",
  ],
  [
    "calibrationBins",
    { probs: floats, labels: bytes, classes: 32767, pixels: 64, histograms: [] },
    "probs: expected 2097088 elements, got 256",
  ],
  [
    "equalMassEdges",
    { probs: floats, labels: bytes, classes: 4, pixels: 2 ** 40, ...binning },
    "probs: expected 4398046511104 elements, got 256",
  ],
  [
    "probabilityScores",
    { probs: floats, labels: bytes, classes: 8, pixels: 32 },
    "labels: expected 32 elements",
  ],
];

const kernels = native as unknown as Record<string, (options: object) => unknown>;

describe("lengths are compared with sizes before anything is allocated", () => {
  test.each(mismatches)("%s %#", async (name, options, message) => {
    expect(() => kernels[`${name}Sync`]!(options)).toThrow(message);
    await expect(kernels[name]!(options)).rejects.toThrow(message);
    const outs = [new Uint8Array(1), new Float32Array(1), new Float64Array(1), new BigUint64Array(1)];
    for (const out of outs) expect(() => kernels[`${name}Sync`]!({ ...options, out })).toThrow(message);
  });
});

describe("a result beyond this machine's memory or JavaScript's arrays", () => {
  // With 32767 classes and 2^32 pixels the inputs would fit and the result would take 512 TiB. Here as few
  // pixels as possible show it.
  const pixels = 2 ** 24;
  const labels = new Uint8Array(pixels);
  const options = { labels, classes: 32767, size: [pixels] };
  const message =
    "out: expected a result that fits this machine's memory and JavaScript's arrays, got 549739036672";

  test("is a RangeError with a code", async () => {
    const error = { name: "RangeError", code: "RESULT_TOO_LARGE" };
    expect(() => native.signedDistanceSync(options)).toThrow(expect.objectContaining(error));
    expect(() => native.signedDistanceSync(options)).toThrow(message);
    await expect(native.signedDistance(options)).rejects.toMatchObject(error);
  });

  test("is an InvalidArgumentError of core", async () => {
    const run = (): unknown => callSync(() => native.signedDistanceSync(options));
    expect(run).toThrow(InvalidArgumentError);
    await expect(call(native.signedDistance, options)).rejects.toMatchObject({ argument: "out" });
    const tensor = { type: "uint8", dims: [1, pixels], data: labels } as const;
    expect(() => signedDistanceSync(tensor, { classes: 32767 })).toThrow(message);
    expect(() => zeros("float32", [2 ** 20, 2 ** 30])).toThrow(
      "dims: expected a tensor that fits memory, got 1125899906842624 elements of float32",
    );
  });
});

test("messages stay short, whatever came", () => {
  const transform = (options: object): unknown => native.distanceTransformSync(options as never);
  const long = "x".repeat(1 << 20);
  expect(() => transform({ mask: bytes, size: [64], noZero: long })).toThrow(
    `noZero: expected one of infinity, reference, got ${"x".repeat(80)}...`,
  );
});
