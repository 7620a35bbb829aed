// Calibrators on phantoms whose posterior is known: labels are drawn pixel by pixel from the softmax of
// logits that are then distorted.
import {
  type CalibrationCases,
  type Calibrator,
  type CalibratorName,
  fitCalibrator,
  Random,
  selectCalibrator,
  type Tensor,
} from "@pixelcal/core";
import { beforeAll, describe, expect, test } from "vitest";
import { generatePhantom } from "./phantom.js";

const [side, classes, count, radius] = [96, 4, 24, 8] as const;
const pixels = side * side;

// Without distance-affine, whose cross-validation takes most of the time.
const candidates = (["none", "temperature", "entropy-temperature", "distance-temperature"] as const).map(
  (name) => ({ name, floor: false }),
);

interface Drawn {
  readonly logits: Float32Array;
  readonly labels: Uint8Array;
  readonly depth: Uint8Array;
  readonly predicted: Uint8Array;
}

/** Returns the depth by looking at every pixel of growing windows, each next to what it adds. */
function depthOf(predicted: Uint8Array): Uint8Array {
  return predicted.map((label, i) => {
    const [y, x] = [Math.floor(i / side), i % side];
    for (let r = 1; r <= radius; r++)
      for (let a = Math.max(0, y - r); a <= Math.min(side - 1, y + r); a++)
        for (let b = Math.max(0, x - r); b <= Math.min(side - 1, x + r); b++)
          if (predicted[a * side + b] !== label) return r - 1;
    return radius;
  });
}

function draw(seed: number): Drawn {
  const { probabilities } = generatePhantom({ seed, size: [side, side], spacing: [2, 2] });
  const random = Random.fromSeed(seed).split("labels");
  const logits = probabilities.data.map((p) => Math.log(Math.max(p, 1e-6)));
  const labels = new Uint8Array(pixels);
  const predicted = new Uint8Array(pixels);
  for (let i = 0; i < pixels; i++) {
    const exps = Array.from({ length: classes }, (_, c) => Math.exp(logits[c * pixels + i]!));
    let rest = random.uniform() * exps.reduce((sum, e) => sum + e, 0);
    predicted[i] = exps.indexOf(Math.max(...exps));
    labels[i] = Math.max(
      0,
      exps.findIndex((e) => (rest -= e) < 0),
    );
  }
  return { logits, labels, predicted, depth: depthOf(predicted) };
}

let drawn: readonly Drawn[] = [];
beforeAll(() => {
  drawn = Array.from({ length: count }, (_, seed) => draw(seed));
});

/** Returns the cases with logits times `factor` of the depth. */
function distorted(factor: (depth: number) => number): CalibrationCases {
  return {
    count,
    read: (index) => {
      const { logits, labels, depth } = drawn[index]!;
      const data = logits.map((z, at) => z * factor(depth[at % pixels]!));
      const image: Tensor<"float32"> = { type: "float32", dims: [1, classes, side, side], data };
      return { logits: image, labels: { type: "uint8", dims: [1, side, side], data: labels } };
    },
  };
}

const fit = async <N extends CalibratorName>(
  name: N,
  cases: CalibrationCases,
): Promise<{ parameters: Calibrator<N>["parameters"]; nll: { before: number; after: number } }> => {
  const { calibrator, nll } = await fitCalibrator(name, cases, { radius });
  return { parameters: (calibrator as Calibrator<N>).parameters, nll };
};

describe("true logits", () => {
  const cases = distorted(() => 1);

  test("auto picks none", async () => {
    expect((await selectCalibrator(cases, { radius, candidates })).calibrator.name).toBe("none");
  });

  test.each(["temperature", "entropy-temperature", "distance-temperature", "vector"] as const)(
    "%s leaves the NLL within 5e-5 of the truth's",
    async (name) => {
      const { nll } = await fit(name, cases);
      expect(Math.abs(nll.after - nll.before)).toBeLessThan(5e-5);
    },
  );
});

describe("logits times two", () => {
  const cases = distorted(() => 2);

  test("the temperature is 1/2 within 1 %", async () => {
    const { parameters } = await fit("temperature", cases);
    expect(Math.abs(parameters.scale - 0.5)).toBeLessThan(0.005);
  });

  test("cells of more than 20,000 pixels are 1/2 within 10 %, as they carry little information deep inside", async () => {
    const { parameters } = await fit("distance-temperature", cases);
    const counts = [0, 1].map(() => new Float64Array(radius + 1));
    for (const { depth, predicted } of drawn)
      for (let i = 0; i < pixels; i++) counts[predicted[i]! > 0 ? 1 : 0]![depth[i]!]! += 1;
    const large = counts.flatMap((row, s) =>
      [...row].flatMap((n, d) => (n > 20000 ? [parameters.scales[s]![d]!] : [])),
    );
    expect(large.length).toBeGreaterThan(0);
    for (const scale of large) expect(Math.abs(scale - 0.5)).toBeLessThan(0.05);
  });
});

describe("logits times two within depth 2 only", () => {
  const cases = distorted((depth) => (depth < 2 ? 2 : 1));

  test("the table finds where, and its NLL is the truth's within 5e-5, where temperature's is .001 above", async () => {
    const truth = (
      await fit(
        "none",
        distorted(() => 1),
      )
    ).nll.before;
    const table = await fit("distance-temperature", cases);
    const temperature = await fit("temperature", cases);
    expect(Math.abs(table.nll.after - truth)).toBeLessThan(5e-5);
    expect(temperature.nll.after - truth).toBeGreaterThan(0.001);
    for (const row of table.parameters.scales) {
      for (const scale of row.slice(0, 2)) expect(Math.abs(scale - 0.5)).toBeLessThan(0.05);
      expect(Math.abs(row[2]! - 1)).toBeLessThan(0.2);
    }
  });

  test("auto picks a method that knows the distance", async () => {
    const { calibrator } = await selectCalibrator(cases, { radius, candidates });
    expect(calibrator.name).toMatch(/^distance-/);
  });
});
