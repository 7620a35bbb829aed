import {
  CalibrationMetric,
  type Labels,
  OverlapMetric,
  ProbabilityScoreMetric,
  Random,
  SurfaceDistanceMetric,
  type Tensor,
} from "@pixelcal/core";
import { expect, test } from "vitest";
import { type EvaluationConvention, evaluate } from "./index.js";

const size = [40, 48];
const classes = 3;

/** Returns a case with blobs of every class, wrong along their borders. */
function made(seed: number): { probs: Tensor<"float32">; labels: Labels } {
  const random = Random.fromSeed(seed);
  const [height, width] = size as [number, number];
  const data = new Float32Array(classes * height * width);
  const labels = new Uint8Array(height * width);
  for (let i = 0; i < labels.length; i++) {
    const [x, y] = [i % width, Math.floor(i / width)];
    const distance = Math.hypot(x - 20 - seed, y - 18) / 5;
    labels[i] = distance < 1.5 ? 2 : distance < 3 ? 1 : 0;
    const powers = [0, 1, 2].map((c) => Math.exp(-((distance - [4, 2.2, 0][c]!) ** 2) + random.uniform()));
    const sum = powers.reduce((a, b) => a + b, 0);
    for (const [c, power] of powers.entries()) data[c * labels.length + i] = power / sum;
  }
  return {
    probs: { type: "float32", dims: [classes, ...size], data },
    labels: { type: "uint8", dims: size, data: labels },
  };
}

// A folder's evaluation and a service's accumulators must not come apart.
test.each<EvaluationConvention>(["reference", "consistent"])(
  "a case's scores are those of core's metrics over that case: %s",
  async (convention) => {
    const reference = convention === "reference";
    const policy = reference ? ({ bothEmpty: "perfect" } as const) : {};
    for (const seed of [1, 2, 3]) {
      const item = made(seed);
      const { scores } = (await evaluate([{ name: "a", ...item }], { convention })).rows[0]!;
      const probs = { ...item.probs, dims: [1, ...item.probs.dims] };
      const labels = { ...item.labels, dims: [1, ...item.labels.dims] } as Labels;
      const overlap = new OverlapMetric({ classes, ...policy, ...(reference && { smooth: 1e-6 }) });
      const surfaces = new SurfaceDistanceMetric({
        classes,
        ...policy,
        convention: reference ? "reference" : "monai",
      });
      const foreground = new CalibrationMetric({
        classes,
        includeLowest: !reference,
        falsePositiveWeight: 2,
        variant: reference ? "reference" : "outside",
      });
      const topLabel = new CalibrationMetric({ classes, of: "top-label", includeLowest: !reference });
      const proper = new ProbabilityScoreMetric({ classes });
      for (const metric of [overlap, surfaces, foreground, topLabel, proper])
        await metric.update(probs, labels);
      const [dice, distances] = [overlap.compute(), surfaces.compute()];
      for (const c of [1, 2]) {
        expect(scores[`DSC class ${c}`]).toBe(dice.classes[c]!.dice.mean);
        expect(scores[`HD95 class ${c}`]).toBe(distances.classes[c]!.hd95.mean);
        expect(scores[`NSD class ${c}`]).toBe(distances.classes[c]!.nsd.mean);
      }
      if (reference) {
        expect(scores.DSC).toBe(dice.foreground.dice.mean);
        expect(scores.IoU).toBe(dice.foreground.iou.mean);
        expect(scores.HD95).toBe(distances.foreground!.hd95.mean);
        expect(scores.ASSD).toBe(distances.foreground!.assd.mean);
      }
      const [binned, top] = [foreground.compute(), topLabel.compute()];
      expect(scores.pECE).toBe(binned.pixel);
      expect(scores["ECE foreground"]).toBe(binned.expected);
      expect(scores["ECE top label"]).toBe(top.expected);
      expect(scores.MCE).toBe((reference ? binned : top).maximum);
      const { brier, negativeLogLikelihood } = proper.compute();
      // The sums of a metric are rounded to 2^-40, which makes them exact.
      expect(scores.Brier).toBeCloseTo(brier, 12);
      expect(scores.NLL).toBeCloseTo(negativeLogLikelihood, 12);
    }
  },
);
