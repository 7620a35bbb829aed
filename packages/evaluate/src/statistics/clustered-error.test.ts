import { Random } from "@pixelcal/core";
import { describe, expect, test } from "vitest";
import { type ClusteredError, clusteredError } from "./clustered-error.js";

const bins = 15;
const clusterSize = 64;
const clusters = 976;

interface Simulated {
  readonly residuals: Float64Array[];
  readonly counts: Float64Array[];
  readonly hits: Float64Array;
}

/** Makes images whose pixels err together, 64 at a time; labels agree with probability p - gap. */
function simulate(random: Random, images: number, gap: number): Simulated {
  const residuals = Array.from({ length: images }, () => new Float64Array(bins));
  const counts = Array.from({ length: images }, () => new Float64Array(bins));
  const hits = new Float64Array(bins);
  for (let i = 0; i < images; i++)
    for (let cluster = 0; cluster < clusters; cluster++) {
      const p = gap + random.uniform() * (1 - gap);
      const agrees = random.uniform() < p - gap ? 1 : 0;
      const b = Math.max(0, Math.ceil(p * bins) - 1);
      residuals[i]![b]! += clusterSize * (p - agrees);
      counts[i]![b]! += clusterSize;
      hits[b]! += clusterSize * agrees;
    }
  return { residuals, counts, hits };
}

const sum = (rows: readonly Float64Array[], b: number): number =>
  rows.reduce((total, row) => total + row[b]!, 0);

/** Returns the error as it is, and as Kumar et al. (2019) debias it for independent pixels. */
function byPixels({ residuals, counts, hits }: Simulated): { plugIn: number; kumar: number } {
  let [plugIn, kumar, pixels] = [0, 0, 0];
  for (let b = 0; b < bins; b++) {
    const count = sum(counts, b);
    if (count === 0) continue;
    const gap = sum(residuals, b) / count;
    const accuracy = hits[b]! / count;
    pixels += count;
    plugIn += count * gap * gap;
    kumar += count * (gap * gap - (accuracy * (1 - accuracy)) / (count - 1));
  }
  return { plugIn: Math.sqrt(plugIn / pixels), kumar: Math.sqrt(Math.max(0, kumar / pixels)) };
}

describe("five images whose pixels err together", () => {
  const studies = 200;
  const mean = (of: (study: Simulated) => number, gap: number): number => {
    const random = Random.fromSeed(1);
    let total = 0;
    for (let study = 0; study < studies; study++) total += of(simulate(random, 5, gap));
    return total / studies;
  };

  test("calibrated: the error by pixels stays above .019, by case it is .006", () => {
    const [plugIn, kumar] = [
      mean((study) => byPixels(study).plugIn, 0),
      mean((study) => byPixels(study).kumar, 0),
    ];
    expect(plugIn).toBeGreaterThan(0.021);
    expect(kumar).toBeGreaterThan(0.019);
    expect(Math.abs(mean((study) => clusteredError(study).value, 0) - 0.0064)).toBeLessThan(0.001);
  });

  test("a gap of .0898 is found to .001", () => {
    const found = mean((study) => clusteredError(study).value, 0.0898);
    expect(Math.abs(found - 0.0898)).toBeLessThan(0.001);
  });

  test.each([0, 0.0898])("the estimate with its sign is within .003 of a gap of %d on average", (gap) => {
    const signed = ({ squared }: ClusteredError): number => Math.sign(squared) * Math.sqrt(Math.abs(squared));
    const found = mean((study) => signed(clusteredError(study)), gap);
    expect(Math.abs(found - gap)).toBeLessThan(0.003);
  });
});

test("equals the mean over pairs of cases", () => {
  const random = Random.fromSeed(2);
  const { residuals, counts } = simulate(random, 4, 0.1);
  counts[2]!.fill(0, 0, 9);
  residuals[2]!.fill(0, 0, 9);
  let [total, pixels] = [0, 0];
  for (let b = 0; b < bins; b++) {
    let [products, pairs] = [0, 0];
    for (let i = 0; i < 4; i++)
      for (let j = 0; j < 4; j++) {
        if (i === j) continue;
        products += residuals[i]![b]! * residuals[j]![b]!;
        pairs += counts[i]![b]! * counts[j]![b]!;
      }
    if (pairs === 0) continue;
    total += (sum(counts, b) * products) / pairs;
    pixels += sum(counts, b);
  }
  expect(clusteredError({ residuals, counts }).squared).toBeCloseTo(total / pixels, 10);
});

test("one case alone, or none, says nothing", () => {
  const { residuals, counts } = simulate(Random.fromSeed(3), 1, 0);
  expect(clusteredError({ residuals, counts })).toEqual({ squared: Number.NaN, value: Number.NaN });
  expect(clusteredError({ residuals: [], counts: [] }).value).toBeNaN();
});
