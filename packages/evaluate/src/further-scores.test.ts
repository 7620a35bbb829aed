import {
  argMaxSync,
  boundaryBand,
  boundaryCalibrationSync,
  fittedTemperature,
  type Labels,
  lesionScores,
  Random,
  type Tensor,
  temperatureSketchSync,
} from "@pixelcal/core";
import { expect, test } from "vitest";
import { type EvaluationCase, evaluate, furtherMetrics, withMissingAsWorst } from "./index.js";

const size = [30, 36];

/** Returns a case with two discs of classes 1 and 2 whose borders are uncertain. */
function made(name: string, seed: number): EvaluationCase & { probs: Tensor<"float32"> } {
  const random = Random.fromSeed(seed);
  const pixels = size[0]! * size[1]!;
  const data = new Float32Array(3 * pixels);
  const labels = new Uint8Array(pixels);
  for (let i = 0; i < pixels; i++) {
    const [y, x] = [Math.floor(i / size[1]!), i % size[1]!];
    const away = [Math.hypot(x - 9, y - 12) - 6, Math.hypot(x - 26, y - 16) - 5];
    const powers = [1, ...away.map((distance) => Math.exp(-distance + random.uniform()))];
    const sum = powers.reduce((a, b) => a + b, 0);
    for (const [c, power] of powers.entries()) data[c * pixels + i] = power / sum;
    labels[i] = away[0]! < 0.5 ? 1 : away[1]! < -0.5 ? 2 : 0;
  }
  return {
    name,
    probs: { type: "float32", dims: [3, ...size], data },
    labels: { type: "uint8", dims: size, data: labels },
    spacing: [1, 1.5],
  };
}

const options = { convention: "consistent", metrics: furtherMetrics } as const;

test("every family adds its columns, and the others stay as they are", async () => {
  const cases = [made("a", 1), made("b", 2)];
  const usual = await evaluate(cases, { convention: "consistent" });
  const { rows, summary } = await evaluate(cases, options);
  for (const [i, row] of rows.entries()) expect(row.scores).toMatchObject(usual.rows[i]!.scores);
  const added = Object.keys(summary).filter((column) => !(column in usual.summary));
  const alone = ["boundary gap", "boundary NLL", "AURC", "AUGRC", "smECE", "temperature"];
  for (const tool of ["marginloss", "monai", "torchmetrics", "metrics-reloaded", "netcal"])
    alone.push(`ECE ${tool}`);
  for (const tool of ["marginloss", "monai", "metrics-reloaded"]) alone.push(`CECE ${tool}`);
  const byClass = ["clDice", "lesion F1", "lesion Dice", "lesion HD95", "lesions detected", "lesions missed"];
  byClass.push("lesions false", "PQ", "FN volume", "FP volume", "lesion confidence", "lesion ECE", "MASD");
  byClass.push("volume difference", "relative volume difference");
  const classes = byClass.flatMap((column) => [column, `${column} class 1`, `${column} class 2`]);
  expect(added.sort()).toEqual([...alone, ...classes].sort());
  for (const column of added) expect(summary[column]!.mean, column).not.toBeNaN();
});

test("columns are what core's functions give", async () => {
  const item = made("a", 3);
  const { scores } = (await evaluate([item], { ...options, lesions: "panoptica" })).rows[0]!;
  const probs = { ...item.probs, dims: [1, ...item.probs.dims] };
  const labels = { ...item.labels, dims: [1, ...item.labels.dims] } as Labels;
  const spacing = [1, 1.5];
  const rings = boundaryCalibrationSync(probs, labels, { of: "top-label", spacing });
  const band = boundaryBand(rings, { from: -3, to: 3 });
  expect(scores["boundary ECE"]).toBe(band.expected);
  expect(scores["boundary gap"]).toBe(band.gap);
  expect(scores["boundary NLL"]).toBe(band.negativeLogLikelihood);
  const [lesions] = await lesionScores(argMaxSync(probs), labels, {
    classes: 3,
    convention: "panoptica",
    spacing,
  });
  expect(scores["PQ class 2"]).toBe(lesions![1]!.panopticQuality);
  expect(scores.PQ).toBe((lesions![0]!.panopticQuality + lesions![1]!.panopticQuality) / 2);
  expect(scores.temperature).toBe(fittedTemperature(temperatureSketchSync(probs, labels)).temperature);
});

test("the repository's convention measures in pixels", async () => {
  const scores = async (spacing: readonly number[]) =>
    (await evaluate([{ ...made("a", 1), spacing }], { metrics: ["boundary", "surfaces", "volumes"] }))
      .rows[0]!.scores;
  expect(await scores([2, 2])).toEqual(await scores([1, 1]));
});

test("a case without a prediction has the worst of the new overlaps and distances", async () => {
  const { summary } = withMissingAsWorst(await evaluate([made("a", 1)], options), ["b"]);
  expect(summary.MASD!.infinite).toBe(1);
  expect(summary["lesion HD95 class 1"]!.infinite).toBe(1);
  expect(summary.clDice).toMatchObject({ count: 2 });
  expect(summary["boundary NLL"]).toMatchObject({ count: 1, undefined: 1 });
});

test.each<[object, string]>([
  [{ metrics: ["lesion"] }, "metrics: expected some of boundary, centerline, lesions"],
  [{ metrics: "lesions" }, "metrics: expected some of"],
  [{ lesions: "brats" }, "lesions: expected one of overlap, centroid, brats-2023"],
])("%o is refused", async (wrong, message) => {
  await expect(evaluate([made("a", 1)], wrong)).rejects.toThrow(message);
});
