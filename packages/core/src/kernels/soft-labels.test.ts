import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { setThreadCount, threadCount } from "../device.js";
import { InvalidArgumentError } from "../errors.js";
import { golden, image, labels, logits, pixels, probs } from "../fixture.test.helper.js";
import { type Labels, type Tensor, tensor } from "../tensor.js";
import { type SoftLabelsOptions, softLabels, softLabelsSync } from "./soft-labels.js";

interface Golden {
  readonly classes: number;
  readonly labels: Readonly<Record<string, { dims: number[]; data: number[] }>>;
  readonly image: number[];
  readonly cases: { labels: string; options: SoftLabelsOptions; distinct: number[]; expected: number[] }[];
}

function largestDifference(target: Tensor<"float32">, expected: (i: number) => number): number {
  return target.data.reduce((worst, value, i) => Math.max(worst, Math.abs(value - expected(i))), 0);
}

test("targets equal the definitions in torch and the authors' adaptive target", () => {
  const file = golden<Golden>("soft-labels");
  for (const { labels: name, options, distinct, expected } of file.cases) {
    const { dims, data } = file.labels[name]!;
    const maps = tensor("int32", Int32Array.from(data), dims);
    const guide = tensor("float32", Float32Array.from(file.image), file.labels.flat!.dims);
    const target = softLabelsSync(maps, {
      ...options,
      classes: file.classes,
      image: name === "flat" ? guide : undefined,
    });
    expect(target.dims).toEqual([dims[0], file.classes, ...dims.slice(1)]);
    const worst = largestDifference(target, (i) => distinct[expected[i]!]! * 1e-7);
    expect(worst, `${name} ${JSON.stringify(options)}`).toBeLessThan(1e-6);
  }
});

// Published losses are CE + 0.1 mean |target - u| with logits or probabilities u, or soft-target
// cross-entropy.
const crossEntropy = 1.89402485;
const mean = (values: Iterable<number>): number => {
  const all = Array.from(values);
  return all.reduce((sum, value) => sum + value, 0) / all.length;
};
const distance = (target: Tensor<"float32">, u: Tensor<"float32">, power = 1): number =>
  mean(u.data.map((value, i) => Math.abs(target.data[i]! - value) ** power));
const softCrossEntropy = (target: Tensor<"float32">): number =>
  3 * mean(probs.data.map((p, i) => -target.data[i]! * Math.log(p)));
const soft = (options: Omit<SoftLabelsOptions, "classes">): Tensor<"float32"> =>
  softLabelsSync(labels, { classes: 3, image, ...options });

describe("published losses on the fixture", () => {
  test.each([
    ["mean", 2.08484316],
    ["max", 2.08832097],
    ["min", 2.08767533],
    ["median", 2.08251357],
    ["mode", 2.08486056],
    ["gaussian", 2.08370543],
    ["bilateral", 2.08551884],
    ["gradient", 2.0852406],
    ["image-l1", 2.08450794],
    ["image-l2", 2.08450699],
  ] as const)("NACL %s", (kernel, expected) => {
    expect(crossEntropy + 0.1 * distance(soft({ kernel }), logits)).toBeCloseTo(expected, 6);
  });

  test("NACL with other distances", () => {
    expect(crossEntropy + 0.1 * distance(soft({}), logits, 2)).toBeCloseTo(2.35224605, 6);
    expect(crossEntropy + 0.1 * distance(soft({}), probs)).toBeCloseTo(1.93161917, 6);
    expect(crossEntropy + 0.1 * distance(soft({}), probs, 2)).toBeCloseTo(1.91713119, 6);
  });

  test("MONAI's NACLLoss", () => {
    const monai = (kernel: "mean" | "gaussian"): Tensor<"float32"> => soft({ preset: "monai", kernel });
    expect(crossEntropy + 0.1 * distance(monai("mean"), logits)).toBeCloseTo(2.0840857, 6);
    expect(crossEntropy + 0.1 * distance(monai("gaussian"), logits)).toBeCloseTo(2.08438754, 6);
    expect(crossEntropy + 0.1 * distance(monai("mean"), logits, 2)).toBeCloseTo(2.34619546, 6);
  });

  test("SVLS", () => {
    expect(softCrossEntropy(soft({ preset: "svls" }))).toBeCloseTo(1.97309554, 6);
    expect(softCrossEntropy(soft({ preset: "svls", sigma: 2 }))).toBeCloseTo(1.9776125, 6);
    // The batch becomes the depth.
    const volume = tensor("uint8", labels.data, [1, 2, 6, 7]);
    const deep = softLabelsSync(volume, { classes: 3, preset: "svls" }).data;
    const swapped = Float32Array.from({ length: 6 * pixels }, (_, at) => {
      const [n, c, i] = [Math.floor(at / (3 * pixels)), Math.floor(at / pixels) % 3, at % pixels];
      return deep[(c * 2 + n) * pixels + i]!;
    });
    expect(softCrossEntropy({ ...logits, data: swapped })).toBeCloseTo(1.96338689, 6);
  });

  test("the SDC repository", () => {
    const reference = (
      kernel: "min" | "gaussian" | "mean",
      morphology: "closing" | "gradient",
    ): Tensor<"float32"> => soft({ preset: "reference", kernel, morphology });
    expect(crossEntropy + 0.1 * distance(reference("min", "closing"), probs)).toBeCloseTo(1.93316948, 6);
    expect(crossEntropy + 0.1 * distance(reference("gaussian", "closing"), probs)).toBeCloseTo(1.93199837, 6);
    expect(distance(reference("mean", "gradient"), probs)).toBeCloseTo(0.32491988, 6);
  });
});

test.each([
  [2, 1, [0.07780742, 0.04719258]],
  [2, 2, [0.06640117, 0.05859883]],
  [3, 1, [0.03082347, 0.01869538, 0.01133932]],
  [3, 2, [0.02191025, 0.01933573, 0.01706372]],
])("weights of the SVLS window in %i dimensions, sigma %d", (rank, sigma, weights) => {
  const data = new Uint8Array(5 ** rank);
  data[(data.length - 1) / 2] = 1;
  const spot = tensor("uint8", data, [1, ...new Array<number>(rank).fill(5)]);
  const target = softLabelsSync(spot, { classes: 2, preset: "svls", sigma }).data.subarray(data.length);
  const centre = (data.length - 1) / 2;
  const steps = rank === 2 ? [1, 6] : [1, 6, 31];
  expect(target[centre]).toBeCloseTo(0.5, 7);
  steps.forEach((step, i) => void expect(target[centre + step]).toBeCloseTo(weights[i]!, 7));
});

// Four columns of class 1 meet four of class 0; the test looks at the targets of class 1 across the edge.
const edge = tensor(
  "uint8",
  Uint8Array.from({ length: 40 }, (_, i) => (i % 8 < 4 ? 1 : 0)),
  [1, 5, 8],
);
const profile = (options: Omit<SoftLabelsOptions, "classes">): number[] =>
  Array.from(
    softLabelsSync(edge, { classes: 2, ...options }).data.slice(56, 64),
    (p) => Math.round(p * 1e4) / 1e4,
  );

test.each<[string, Omit<SoftLabelsOptions, "classes">, number[]]>([
  ["erosion", { preset: "reference", morphology: "erosion" }, [1, 1, 1, 1, 0, 0, 0, 0]],
  ["dilation", { preset: "reference", morphology: "dilation" }, [1, 1, 0.75, 0.6, 0.4, 0.25, 0, 0]],
  ["closing", { preset: "reference", morphology: "closing" }, [1, 1, 1, 0.6667, 0.3333, 0, 0, 0]],
  ["gradient", { preset: "reference", morphology: "gradient" }, [0, 0, 0.5, 0.5, 0.5, 0.5, 0, 0]],
  ["internal", { preset: "reference", morphology: "internal-gradient" }, [0, 0, 1, 0.5, 0.5, 0, 0, 0]],
  ["external", { preset: "reference", morphology: "external-gradient" }, [0, 0, 0, 0.5, 0.5, 1, 0, 0]],
  ["none", { preset: "reference", morphology: "none" }, [1, 1, 1, 0.6667, 0.3333, 0, 0, 0]],
  ["a kept hard label", { preset: "svls", morphology: "gradient" }, [1, 1, 0.5, 0.5, 0.5, 0.5, 0, 0]],
  ["consistent", { preset: "consistent" }, [1, 1, 1, 0.6667, 0.3333, 0, 0, 0]],
  ["a wide window", { preset: "consistent", size: 5 }, [1, 1, 0.8, 0.6, 0.4, 0.2, 0, 0]],
  ["a narrow band", { preset: "consistent", size: 5, morphology: "gradient" }, [1, 1, 1, 0.6, 0.4, 0, 0, 0]],
  [
    "a band of radius 2",
    { preset: "consistent", morphology: { op: "gradient", radius: 2 } },
    [1, 1, 0.8, 0.6, 0.4, 0.2, 0, 0],
  ],
  ["no band", { preset: "consistent", morphology: "opening" }, [1, 1, 1, 1, 0, 0, 0, 0]],
])("a straight edge: %s", (_, options, expected) => {
  expect(profile(options)).toEqual(expected);
});

const mapOf = (classes: number): fc.Arbitrary<Labels> =>
  fc
    .tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 7 }))
    .chain((dims) =>
      fc
        .array(fc.integer({ min: 0, max: classes - 1 }), {
          minLength: dims.reduce((a, b) => a * b),
          maxLength: dims.reduce((a, b) => a * b),
        })
        .map((data) => tensor("int64", BigInt64Array.from(data, BigInt), [1, ...dims])),
    );

test("distributions sum to 1, and consistent targets are hard where the window is uniform", () => {
  const options = fc.constantFrom<Omit<SoftLabelsOptions, "classes">>(
    { preset: "consistent" },
    { preset: "consistent", kernel: "gaussian", size: 5 },
    { preset: "consistent", morphology: "dilation" },
    { preset: "original" },
    { preset: "original", morphology: "gradient" },
    { preset: "original", kernel: "mode", morphology: "erosion" },
    { preset: "svls", morphology: "closing" },
  );
  fc.assert(
    fc.property(mapOf(4), options, (map, options) => {
      const target = softLabelsSync(map, { classes: 4, ...options });
      const size = target.data.length / 4;
      for (let i = 0; i < size; i++) {
        const values = [0, 1, 2, 3].map((c) => target.data[c * size + i]!);
        expect(values.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 5);
        expect(Math.min(...values)).toBeGreaterThanOrEqual(0);
        if (options.preset === "consistent") expect(values[Number(map.data[i])]).toBeGreaterThan(0);
      }
    }),
  );
});

test("ignored pixels count nowhere and have no target", () => {
  const data = Int32Array.from([0, 0, 1, 255, 1, 1, 0, 255, 1]);
  const map = tensor("int32", data, [1, 3, 3]);
  const at = (options: Omit<SoftLabelsOptions, "classes">, i: number): number[] => {
    const target = softLabelsSync(map, { classes: 2, ignore: 255, ...options }).data;
    return [target[i]!, target[9 + i]!];
  };
  // The window in the middle holds three pixels of class 0, four of class 1 and two ignored ones.
  expect(at({}, 4).map((p) => Math.round(p * 7))).toEqual([3, 4]);
  expect(at({ preset: "consistent" }, 4)[1]).toBeCloseTo(4 / 7, 6);
  expect(at({ kernel: "mode" }, 4)).toEqual([0, 1]);
  for (const preset of ["original", "svls", "monai", "consistent"] as const) {
    expect(at({ preset, kernel: preset === "svls" ? "gaussian" : "mean" }, 3)).toEqual([0, 0]);
  }
  expect(at({ preset: "reference" }, 3)[0]).toBeGreaterThan(0);
});

test("types of labels, batches, slices, the promise and any thread count agree", async () => {
  const data = Array.from({ length: 2 * 4 * 9 * 8 }, (_, i) => Math.floor(i / 7) % 3);
  const narrow = tensor("uint8", Uint8Array.from(data), [2, 4, 9, 8]);
  const wide = tensor("int64", BigInt64Array.from(data, BigInt), [2, 4, 9, 8]);
  const slices = tensor("uint8", narrow.data, [8, 9, 8]);
  const whole = softLabelsSync(narrow, { classes: 3 });
  expect(softLabelsSync(wide, { classes: 3 })).toEqual(whole);
  expect(await softLabels(narrow, { classes: 3 })).toEqual(whole);
  const sliced = softLabelsSync(slices, { classes: 3 }).data;
  expect(sliced.slice(0, 72)).toEqual(whole.data.slice(0, 72));
  expect(softLabelsSync(narrow, { classes: 3, dimensions: 3 })).not.toEqual(whole);
  const before = threadCount();
  setThreadCount(before === 1 ? 2 : 1);
  expect(softLabelsSync(narrow, { classes: 3 })).toEqual(whole);
  setThreadCount(before);
  const out = tensor("float32", new Float32Array(whole.data.length), whole.dims);
  expect(softLabelsSync(narrow, { classes: 3, out }).data).toBe(out.data);
});

const map = tensor("uint8", Uint8Array.of(0, 1, 1, 0, 2, 1), [1, 2, 3]);
const run =
  (options: object, on: Labels = map) =>
  () =>
    softLabelsSync(on, { classes: 3, ...options } as SoftLabelsOptions);
test.each<[string, () => unknown, string]>([
  ["a label", run({ classes: 2 }), "labels: expected classes 0 to 1, got 2 at pixel 4 (1 such pixels)"],
  ["classes", run({ classes: 0 }), "classes: expected an integer from 1"],
  ["a preset", run({ preset: "paper" }), "preset: expected one of original"],
  ["a kernel", run({ kernel: "box" }), "kernel: expected one of mean"],
  [
    "a kernel of another preset",
    run({ preset: "reference", kernel: "median" }),
    "kernel: expected one of mean",
  ],
  ["an even size", run({ size: 4 }), "size: expected an odd number, got 4"],
  ["size 1 of SVLS", run({ preset: "svls", size: 1 }), "size: expected an integer from 3"],
  ["sigma", run({ sigma: 0 }), "sigma: expected a positive number"],
  ["a morphology", run({ morphology: "erode" }), "morphology.op: expected one of erosion"],
  [
    "a morphology's radius",
    run({ morphology: { op: "erosion", radius: -1 } }),
    "morphology.radius: expected an integer",
  ],
  ["a morphology that is a number", run({ morphology: 3 }), "morphology: expected an operation"],
  [
    "MONAI with morphology",
    run({ preset: "monai", morphology: "erosion" }),
    'morphology: not supported with preset "monai"',
  ],
  ["a border", run({ border: "wrap" }), "border: expected one of background"],
  [
    "a border of a fixed preset",
    run({ preset: "reference", border: "zero" }),
    'border: not supported with preset "reference"',
  ],
  ["dimensions", run({ dimensions: 3 }), "dimensions: expected an integer from 1 to 2, got 3"],
  ["no image", run({ kernel: "gradient" }), 'image: required by kernel "gradient"'],
  [
    "an image of other dims",
    run({ kernel: "gradient", image: tensor("float32", new Float32Array(6), [1, 3, 2]) }),
    "image: expected dims [1, 2, 3] or [1, 1, 2, 3]",
  ],
  [
    "an image with NaN",
    run({
      kernel: "gradient",
      image: tensor("float32", Float32Array.of(0, 1, Number.NaN, 1, 1, 1), [1, 2, 3]),
    }),
    "image: expected finite values, got nan at pixel 2 (1 such pixels)",
  ],
  [
    "several channels",
    run({ kernel: "gradient", image: tensor("float32", new Float32Array(12), [1, 2, 2, 3]) }),
    "image: expected dims [1, 2, 3] or [1, 1, 2, 3]",
  ],
  ["ignore", run({ ignore: 0.5 }), "ignore: expected an integer"],
  ["flat labels", run({}, tensor("uint8", new Uint8Array(3), [3])), "labels: expected rank 2 to 4, got 1"],
  [
    "out",
    run({ out: tensor("float32", new Float32Array(6), [1, 1, 2, 3]) }),
    "out: expected dims [1, 3, 2, 3]",
  ],
  ["a device", run({ device: "tpu" }), "device: expected one of cpu"],
])("rejects %s", (_, attempt, message) => {
  expect(attempt).toThrow(InvalidArgumentError);
  expect(attempt).toThrow(message);
});
