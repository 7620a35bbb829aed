import { expect, test } from "vitest";
import { DeviceTensor, toDevice } from "./device-tensor.js";
import { calibrationBins } from "./kernels/calibration-bins.js";
import { distanceTransform } from "./kernels/distance.js";
import { morphology } from "./kernels/morphology.js";
import { packMask, unpackMask } from "./kernels/packed-mask.js";
import { signedDistance } from "./kernels/signed-distance.js";
import { softLabels } from "./kernels/soft-labels.js";
import { argMax } from "./metrics/overlap.js";
import { surfaceDistances } from "./metrics/surface-distance.js";
import { tensor } from "./tensor.js";

const mask = tensor(
  "uint8",
  Uint8Array.from({ length: 600 }, (_, i) => (i * 7919) % 11 && 1),
  [2, 15, 20],
);
const cuda = { device: "cuda" } as const;

test("kernels give what the CPU gives", async () => {
  expect(await distanceTransform(mask, cuda)).toEqual(await distanceTransform(mask));
  const options = { classes: 2, normalize: "split" } as const;
  expect(await signedDistance(mask, { ...options, ...cuda })).toEqual(await signedDistance(mask, options));
  const opening = { op: "opening" } as const;
  expect(await morphology(mask, { ...opening, ...cuda })).toEqual(await morphology(mask, opening));
  const packed = await packMask(mask, cuda);
  expect(packed).toEqual(await packMask(mask));
  expect(await morphology(packed, { ...opening, ...cuda })).toEqual(await morphology(packed, opening));
  expect(await unpackMask(packed, cuda)).toEqual(await unpackMask(packed));
  const probs = tensor(
    "float32",
    Float32Array.from({ length: 1200 }, (_, i) => (i % 97) / 96),
    [2, 2, 15, 20],
  );
  expect(await calibrationBins(probs, mask, cuda)).toEqual(await calibrationBins(probs, mask));
  const equalMass = { scheme: "equal-mass", of: "classes" } as const;
  expect(await calibrationBins(probs, mask, { ...equalMass, ...cuda })).toEqual(
    await calibrationBins(probs, mask, equalMass),
  );
  const other = tensor("uint8", mask.data.toReversed(), mask.dims);
  for (const convention of ["reference", "deepmind"] as const)
    expect(await surfaceDistances(mask, other, { convention, ...cuda })).toEqual(
      await surfaceDistances(mask, other, { convention }),
    );
});

test("results that feed one another stay on the device", async () => {
  const values = tensor(
    "float32",
    Float32Array.from({ length: 1800 }, (_, i) => (i * 31) % 17),
    [2, 3, 15, 20],
  );
  const here = await toDevice(values, "cuda");
  const labels = await argMax(here, { ...cuda, keep: true });
  expect(labels).toBeInstanceOf(DeviceTensor);
  expect(labels.dims).toEqual([2, 15, 20]);
  expect(() => labels.data).toThrow("call toTensor()");
  const soft = await softLabels(labels, { classes: 3, ...cuda, keep: true });
  const distances = await signedDistance(labels, { classes: 3, ...cuda });
  const expected = await argMax(values);
  expect(await (labels as DeviceTensor<"uint8">).toTensor()).toEqual(expected);
  expect(distances).toEqual(await signedDistance(expected, { classes: 3 }));
  const found = (soft as DeviceTensor<"float32">).toTensorSync().data;
  (await softLabels(expected, { classes: 3 })).data.forEach((value, i) => {
    expect(found[i]).toBeCloseTo(value, 6);
  });
});

test("a disposed tensor is an error, also for calls to come, not for one that runs", async () => {
  const there = await toDevice(mask, "cuda");
  const running = distanceTransform(there, cuda);
  there[Symbol.dispose]();
  there.dispose();
  expect(there.disposed).toBe(true);
  expect(await running).toEqual(await distanceTransform(mask));
  await expect(distanceTransform(there, cuda)).rejects.toThrow("mask: this tensor was disposed");
  await expect(there.toTensor()).rejects.toThrow("tensor: this tensor was disposed");
});

test("what does not fit together is refused", async () => {
  const there = await toDevice(mask, "cuda");
  await expect(distanceTransform(there)).rejects.toThrow("mask: this array is on a device");
  await expect(
    distanceTransform(mask, {
      ...cuda,
      keep: true,
      out: tensor("float32", new Float32Array(600), [2, 15, 20]),
    }),
  ).rejects.toThrow("keep: cannot be combined with out");
  await expect(signedDistance(mask, { classes: 1, ...cuda })).rejects.toThrow("labels: expected");
});
