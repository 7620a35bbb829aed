import { expect, test } from "vitest";
import { tensor } from "../tensor.js";
import { labelTargets, labelTargetsSync } from "./label-targets.js";
import { signedDistance } from "./signed-distance.js";
import { softLabels } from "./soft-labels.js";

const data = Int32Array.from({ length: 2 * 9 * 14 }, (_, i) => ((i >> 3) * 7) % 3);
const labels = tensor("int32", data, [2, 9, 14]);
const options = {
  classes: 3,
  oneHot: true,
  signedDistance: { normalize: "split", spacing: [2, 1] },
  softLabels: { preset: "reference", kernel: "mean", morphology: "gradient" },
} as const;

test("targets are what each function gives alone", async () => {
  const targets = await labelTargets(labels, options);
  expect(targets.signedDistance).toEqual(
    await signedDistance(labels, { ...options.signedDistance, classes: 3 }),
  );
  expect(targets.softLabels).toEqual(await softLabels(labels, { ...options.softLabels, classes: 3 }));
  const oneHot = Float32Array.from({ length: 3 * data.length }, (_, i) => {
    const [image, c, pixel] = [Math.floor(i / 378), Math.floor(i / 126) % 3, i % 126];
    return data[image * 126 + pixel] === c ? 1 : 0;
  });
  expect(targets.oneHot).toEqual(tensor("float32", oneHot, [2, 3, 9, 14]));
  expect(labelTargetsSync(labels, options)).toEqual(targets);
});

test("only what is wanted, and something", () => {
  expect(Object.keys(labelTargetsSync(labels, { classes: 3, oneHot: true }))).toEqual(["oneHot"]);
  expect(() => labelTargetsSync(labels, { classes: 3 })).toThrow("options: needs oneHot, signedDistance or");
  expect(() => labelTargetsSync(labels, { classes: 2, oneHot: true })).toThrow(
    "labels: expected classes 0 to 1, got 2",
  );
});
