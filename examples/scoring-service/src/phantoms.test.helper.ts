import { CalibrationMetric, type Labels, type Tensor, tensor } from "@pixelcal/core";
import { encodeNpz } from "@pixelcal/io";
import { generatePhantom } from "@pixelcal/phantom";
import { calibrationOptions } from "./scoring.js";

/** The settings of a metric for phantoms. */
export const classes = { classes: 4, ignore: undefined } as const;

/** A phantom with the probabilities that its labels were drawn from. */
export interface TestCase {
  readonly probs: Tensor<"float32">;
  readonly labels: Tensor<"uint8">;
  readonly spacing: readonly number[];
  readonly image: Tensor<"float32">;
}

/** Returns a calibrated case; `power` above 1 makes it over-confident. */
export function testCase(seed: number, power = 1): TestCase {
  const { probabilities, labels, spacing, image } = generatePhantom({ seed, size: [32, 32] });
  const pixels = labels.data.length;
  const values = probabilities.data.map((p) => p ** power);
  for (let i = 0; i < pixels; i++) {
    let sum = 0;
    for (let c = 0; c < 4; c++) sum += values[c * pixels + i]!;
    for (let c = 0; c < 4; c++) values[c * pixels + i]! /= sum;
  }
  return { probs: { ...probabilities, data: values }, labels, spacing, image };
}

/** Returns the state of a metric that has seen the case alone. */
export async function stateOf({ probs, labels }: TestCase): Promise<Uint8Array> {
  const metric = new CalibrationMetric(calibrationOptions(classes));
  await metric.update({ ...probs, dims: [1, ...probs.dims] }, {
    ...labels,
    dims: [1, ...labels.dims],
  } as Labels);
  return metric.state();
}

/** Returns the case as an NPZ archive. */
export function archive({ probs, labels, spacing }: TestCase): Promise<Uint8Array> {
  const sizes = tensor("float64", Float64Array.from(spacing), [spacing.length]);
  return encodeNpz({ probs, label: labels, spacing: sizes });
}
