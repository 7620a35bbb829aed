import { expect, test } from "vitest";
import { calibrationBinsSync } from "../kernels/calibration-bins.js";
import { Random } from "../random.js";
import { tensor } from "../tensor.js";
import { smoothCalibrationError } from "./smooth-calibration-error.js";

interface Pixels {
  readonly p: Float32Array;
  readonly y: Uint8Array;
}

/** Returns pixels on 20,000 levels, a share of them exactly on 0 or 1, with labels drawn from `truth(p)`. */
function drawn(count: number, certain: number, truth: (p: number) => number, seed: number): Pixels {
  const random = Random.fromSeed(seed);
  const p = Float32Array.from({ length: count }, () => {
    const u = random.uniform();
    if (u < certain) return u < certain / 3 ? 0 : 1;
    return Math.round(20_000 * random.uniform()) / 20_000;
  });
  return { p, y: Uint8Array.from(p, (value) => Number(random.uniform() < truth(value))) };
}

function scored({ p, y }: Pixels, bins = 2048): number {
  const probs = Float32Array.from({ length: 2 * p.length }, (_, i) =>
    i < p.length ? 1 - p[i]! : p[i - p.length]!,
  );
  const maps = tensor("float32", probs, [1, 2, p.length]);
  return smoothCalibrationError(calibrationBinsSync(maps, tensor("uint8", y, [1, y.length]), { bins }));
}

/**
 * Returns the integral of |sum (y - p) K(t, p)| / n from its definition: the Gaussian and its images in
 * mirrors.
 */
function integralAt(width: number, { p, y }: Pixels): number {
  const residual = new Map<number, number>();
  p.forEach((value, i) => void residual.set(value, (residual.get(value) ?? 0) + (y[i]! - value) / p.length));
  const steps = 4000;
  let sum = 0;
  for (let j = 0; j < steps; j++) {
    const t = (j + 0.5) / steps;
    let at = 0;
    for (const [place, mass] of residual)
      for (const image of [place, -place, 2 - place, place - 2, place + 2])
        if (Math.abs(t - image) < 9 * width) at += mass * Math.exp(-(((t - image) / width) ** 2) / 2);
    sum += Math.abs(at);
  }
  return sum / steps / (width * Math.sqrt(2 * Math.PI));
}

test.each<[string, Pixels]>([
  ["too confident", drawn(3000, 0, (p) => 0.5 + 0.6 * (p - 0.5), 1)],
  ["calibrated", drawn(3000, 0, (p) => p, 2)],
  ["mostly certain and sometimes wrong", drawn(6000, 0.9, (p) => 0.02 + 0.96 * p, 3)],
  ["wrong only where certain", drawn(5000, 0.63, (p) => (p === 1 ? 0.99 : p), 4)],
])("%s: the width at which the integral equals it", (_, pixels) => {
  const error = scored(pixels);
  expect(integralAt(error, pixels) / error).toBeGreaterThan(0.999);
  expect(integralAt(error, pixels) / error).toBeLessThan(1.001);
  expect(scored(pixels, 4096) / error).toBeCloseTo(1, 3);
});

test("a mass exactly on 1 counts in full", () => {
  // Every pixel says 1 and one in a hundred is wrong: the residual integrates to 0.01 whatever the width.
  const pixels = { p: new Float32Array(1000).fill(1), y: new Uint8Array(1000).fill(1, 10) };
  expect(scored(pixels)).toBeCloseTo(0.01, 6);
});

test("without pixels, and of several groups", () => {
  const none = tensor("float32", Float32Array.of(1, 0), [1, 2, 1]);
  const y = tensor("uint8", Uint8Array.of(9), [1, 1]);
  expect(smoothCalibrationError(calibrationBinsSync(none, y, { ignore: 9 }))).toBeNaN();
  const classes = calibrationBinsSync(none, y, { ignore: 9, of: "classes" });
  expect(() => smoothCalibrationError(classes)).toThrow("bins: expected one group");
});
