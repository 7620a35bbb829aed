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
import { depthOf } from "./depth.test.helper.js";
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
  return { logits, labels, predicted, depth: depthOf(predicted, side, radius) };
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

  test("cells are 1/2 within three standard errors, which are large deep inside", async () => {
    const { parameters } = await fit("distance-temperature", cases);
    // The information on the factor of a cell: the sum of Var_p(z) over its pixels, where p is the truth.
    const information = [0, 1].map(() => new Float64Array(radius + 1));
    for (const { depth, predicted, logits } of drawn)
      for (let i = 0; i < pixels; i++) {
        const z = Array.from({ length: classes }, (_, c) => logits[c * pixels + i]!);
        const sum = z.reduce((total, each) => total + Math.exp(each), 0);
        const p = z.map((each) => Math.exp(each) / sum);
        const mean = z.reduce((total, each, c) => total + p[c]! * each, 0);
        const variance = z.reduce((total, each, c) => total + p[c]! * (each - mean) ** 2, 0);
        information[predicted[i]! > 0 ? 1 : 0]![depth[i]!]! += 4 * variance;
      }
    const errors = information.map((row) => [...row].map((each) => 1 / Math.sqrt(each)));
    for (const [s, row] of parameters.scales.entries())
      for (const [d, scale] of row.entries())
        expect(Math.abs(scale - 0.5), `side ${s}, depth ${d}`).toBeLessThan(3 * errors[s]![d]!);
    expect(Math.max(...errors.flat())).toBeGreaterThan(0.025);
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
