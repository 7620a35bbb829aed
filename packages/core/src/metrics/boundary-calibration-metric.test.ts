import { expect, test } from "vitest";
import { boundaryCalibrationSync } from "../kernels/boundary-calibration.js";
import { Random } from "../random.js";
import { type Labels, type Tensor, tensor } from "../tensor.js";
import { BoundaryCalibrationMetric } from "./boundary-calibration-metric.js";
import { boundaryRings } from "./boundary-ring.js";

const size = [24, 20] as const;

/** Returns a disc with uncertain borders; probabilities are no round numbers. */
function made(seed: number): { probs: Tensor<"float32">; labels: Labels } {
  const random = Random.fromSeed(seed);
  const pixels = size[0] * size[1];
  const data = new Float32Array(2 * pixels);
  const labels = new Uint8Array(pixels);
  for (let i = 0; i < pixels; i++) {
    const away = Math.hypot((i % size[1]) - 9 - seed / 9, Math.floor(i / size[1]) - 11) - 5;
    data[i + pixels] = 1 / (1 + Math.exp(away + random.uniform()));
    data[i] = 1 - data[i + pixels]!;
    labels[i] = away + random.uniform() < 0.4 ? 1 : 0;
  }
  return { probs: tensor("float32", data, [1, 2, ...size]), labels: tensor("uint8", labels, [1, ...size]) };
}

const cases = Array.from({ length: 14 }, (_, seed) => made(seed));
const options = { classes: 2, of: "top-label", bins: 15, rings: [-3, -1, 0, 1, 3] } as const;

async function over(parts: readonly (readonly number[])[]): Promise<BoundaryCalibrationMetric> {
  const metrics: BoundaryCalibrationMetric[] = [];
  for (const part of parts) {
    const metric = new BoundaryCalibrationMetric(options);
    for (const i of part) await metric.update(cases[i]!.probs, cases[i]!.labels, { spacing: [1, 1] });
    metrics.push(BoundaryCalibrationMetric.restore(metric.state()));
  }
  const [first, ...others] = metrics as [BoundaryCalibrationMetric, ...BoundaryCalibrationMetric[]];
  for (const other of others) first.merge(other);
  return first;
}

test("1, 2 and 7 partial states, in any order, give the same bytes", async () => {
  const all = cases.map((_, i) => i);
  const one = (await over([all])).state();
  const halves = await over([all.slice(0, 5), all.slice(5)]);
  const sevenths = await over(Array.from({ length: 7 }, (_, i) => [13 - i, i]));
  expect(halves.state()).toEqual(one);
  expect(sevenths.state()).toEqual(one);
});

test("a metric holds what the kernel sums over all cases", async () => {
  const metric = await over([cases.map((_, i) => i)]);
  const stacked = <T extends Float32Array | Uint8Array>(arrays: readonly T[], into: T): T => {
    arrays.forEach((array, i) => void into.set(array, i * array.length));
    return into;
  };
  const pixels = size[0] * size[1];
  const probs = stacked(
    cases.map((each) => each.probs.data),
    new Float32Array(14 * 2 * pixels),
  );
  const labels = stacked(
    cases.map((each) => each.labels.data as Uint8Array),
    new Uint8Array(14 * pixels),
  );
  const { of, bins, rings } = options;
  const expected = boundaryCalibrationSync(
    tensor("float32", probs, [14, 2, ...size]),
    tensor("uint8", labels, [14, ...size]),
    { of, bins, rings },
  );
  const { bins: found, rings: rows } = metric.compute();
  expect(found).toEqual(expected);
  expect(rows).toEqual([boundaryRings(expected)]);
});

test("spacing changes the rings", async () => {
  const { probs, labels } = cases[0]!;
  const metric = new BoundaryCalibrationMetric(options);
  await metric.update(probs, labels, { spacing: [2, 2] });
  const wide = metric.compute().rings[0]!;
  expect(wide.map((ring) => ring.count).slice(2, 4)).toEqual([0, 0]);
});
