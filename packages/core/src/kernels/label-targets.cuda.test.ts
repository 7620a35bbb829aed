import { expect, test } from "vitest";
import type { DeviceTensor } from "../device-tensor.js";
import { tensor } from "../tensor.js";
import { labelTargets } from "./label-targets.js";

const data = Int32Array.from({ length: 2 * 9 * 14 }, (_, i) => ((i >> 3) * 7) % 3);
const labels = tensor("int32", data, [2, 9, 14]);
const options = {
  classes: 3,
  oneHot: true,
  signedDistance: { normalize: "split", spacing: [2, 1] },
  softLabels: { preset: "reference", kernel: "mean", morphology: "gradient" },
} as const;

test("targets are the same on the device, and stay there", async () => {
  const targets = await labelTargets(labels, { ...options, device: "cuda", keep: true });
  const expected = await labelTargets(labels, options);
  expect(await (targets.oneHot as DeviceTensor<"float32">).toTensor()).toEqual(expected.oneHot);
  const { data: soft } = await (targets.softLabels as DeviceTensor<"float32">).toTensor();
  expected.softLabels!.data.forEach((value, i) => {
    expect(soft[i]).toBeCloseTo(value, 6);
  });
});
