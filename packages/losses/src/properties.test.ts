import { type Labels, type Tensor, tensor } from "@pixelcal/core";
import { describe, expect, test } from "vitest";
import { crossEntropy } from "./cross-entropy.js";
import { evaluate, evaluateWith, exampleOf, golden, waves } from "./evaluate.test.helper.js";
import { losses, lossFromConfig, type NamedLoss } from "./registry.js";
import { signedDistanceCalibration } from "./signed-distance-calibration.js";

const sheet = exampleOf(golden("sheet").fixture);

/** Logits that put nearly all probability on each pixel's class, or on the other one. */
function confident(labels: Tensor<"uint8">, size: number): Tensor<"float32"> {
  const pixels = labels.data.length;
  const data = Float32Array.from({ length: 2 * pixels }, (_, i) =>
    (labels.data[i % pixels] === 1) === i >= pixels ? size : -size,
  );
  return tensor("float32", data, [1, 2, ...labels.dims.slice(1)]);
}

describe("signedDistanceCalibration", () => {
  test.each(["reference", "consistent"] as const)(
    "%s without its penalties is cross-entropy",
    async (preset) => {
      const loss = signedDistanceCalibration({ preset, alpha: 0, sdfWeight: 0 });
      const [bare, plain] = [await evaluate(loss, sheet), await evaluate(crossEntropy(), sheet)];
      expect(bare.terms.loss).toBe(plain.terms.loss);
      expect(bare.gradient).toEqual(plain.gradient);
    },
  );

  // On a disc of radius 15 in 64 x 64: how a perfect and an inverted prediction fare
  // against the signed distance.
  async function alignment(
    preset: "reference" | "consistent",
  ): Promise<{ perfect: number; inverted: number }> {
    const side = 64;
    const inside = (i: number) => (Math.floor(i / side) - 32) ** 2 + ((i % side) - 32) ** 2 <= 15 ** 2;
    const disc = Uint8Array.from({ length: side * side }, (_, i) => (inside(i) ? 1 : 0));
    const labels = tensor("uint8", disc, [1, side, side]);
    const loss = signedDistanceCalibration({ preset });
    const sdf = async (size: number) =>
      (await evaluate(loss, { logits: confident(labels, size), labels })).terms.sdf!;
    return { perfect: await sdf(40), inverted: await sdf(-40) };
  }

  test("reference has the sign of the signed distance the wrong way round", async () => {
    const { perfect, inverted } = await alignment("reference");
    expect(perfect).toBeCloseTo(1.376, 3);
    expect(inverted).toBeCloseTo(0.624, 3);
  });

  test("consistent prefers the perfect prediction", async () => {
    const { perfect, inverted } = await alignment("consistent");
    expect(perfect).toBeLessThan(inverted);
  });

  test("consistent leaves absent classes out of the signed-distance term", async () => {
    const loss = signedDistanceCalibration({ preset: "consistent" });
    const targets = await loss.targets(sheet.labels, { classes: 3 });
    const before = evaluateWith(loss, sheet.logits, targets);
    const changed = Float32Array.from(targets.signedDistance!.data as Float32Array);
    changed.fill(-1, 5 * 42, 6 * 42); // class 2 of sample 1, which has none
    const signedDistance = tensor("float32", changed, [2, 3, 6, 7]);
    expect(evaluateWith(loss, sheet.logits, { ...targets, signedDistance }).terms).toEqual(before.terms);
  });
});

// Every loss whose targets are symmetric; the reference's signed distance of an absent
// class is a ramp from one corner.
const symmetric: readonly NamedLoss[] = [
  { name: "diceCrossEntropy" },
  { name: "svls" },
  { name: "nacl" },
  { name: "nacl", preset: "monai", kernel: "gaussian" },
  { name: "nacl", preset: "reference", kernel: "mode" },
  { name: "marginSvls", margin: 3 },
  { name: "signedDistanceCalibration", preset: "reference" },
  { name: "signedDistanceCalibration", preset: "consistent" },
  { name: "signedDistanceCalibration", preset: "proper" },
  { name: "boundary" },
  { name: "boundaryUncertainty" },
  { name: "hausdorff" },
  { name: "signedDistanceRegression" },
];

describe("flipping image rows, labels and logits together changes nothing", () => {
  const labels = tensor("uint8", (sheet.labels.data as Uint8Array).slice(0, 42), [1, 6, 7]);
  const logits = tensor("float32", sheet.logits.data.slice(0, 126), [1, 3, 6, 7]);
  test.each(symmetric.map((config) => [JSON.stringify(config), config] as const))("%s", async (_, config) => {
    const loss = lossFromConfig(config);
    const upright = await evaluate(loss, { logits, labels });
    const flipped = await evaluate(loss, {
      logits: tensor("float32", reversedRows(logits.data, 7), logits.dims),
      labels: tensor("uint8", reversedRows(labels.data, 7), labels.dims),
    });
    expect(flipped.terms.loss).toBeCloseTo(upright.terms.loss!, 7);
    const back = reversedRows(flipped.gradient, 7);
    expect(Math.max(...back.map((g, i) => Math.abs(g - upright.gradient[i]!)))).toBeLessThan(1e-8);
  });
});

function reversedRows<T extends Float32Array | Float64Array | Uint8Array>(data: T, width: number): T {
  const out = data.slice() as T;
  for (let row = 0; row < data.length; row += width) out.subarray(row, row + width).reverse();
  return out;
}

const pointwise: readonly NamedLoss[] = [
  { name: "crossEntropy" },
  { name: "dice", squared: true },
  { name: "diceCrossEntropy", includeBackground: false },
  { name: "focal" },
  { name: "focal", reduction: "all" },
  { name: "focal", reduction: "sum" },
  { name: "labelSmoothing" },
  { name: "entropyPenalty" },
  { name: "focalCalibration" },
  { name: "focalCalibration", brierGamma: 2 },
  { name: "mbls", margin: 1 },
  { name: "crossEntropy", classWeights: [0.5, 2, 1] },
  { name: "crossEntropy", topShare: 0.5 },
  { name: "focal", classWeights: [0.5, 2, 1] },
  { name: "tversky", focus: 0.75 },
  { name: "dicePlusPlus" },
  { name: "unifiedFocal" },
  { name: "flsd" },
  { name: "dualFocal" },
  { name: "acls", margin: 1 },
  { name: "cpc" },
  { name: "dca" },
  { name: "mdca" },
  { name: "meep" },
  { name: "meep", form: "entropy" },
  { name: "meep", pixels: "all" },
  { name: "l1Ace", bins: 5 },
  { name: "l1Ace", binning: "soft", includeAbsent: true },
];

// A label outside the classes, or one of them.
describe.each([255, 1])("ignored pixels of label %i", (ignore) => {
  const kept = [0, 2, 3, 6];
  const labels = Uint8Array.of(0, ignore, 2, 2, ignore, ignore, 0);
  const logits = waves([1, 3, 7], [0, 2.1, 0.8], (angle) => 3 * Math.sin(angle));
  const row = (data: Float32Array) => tensor("float32", data, [1, 3, data.length / 3]);

  test.each(pointwise.map((config) => [JSON.stringify(config), config] as const))("%s", async (_, config) => {
    const loss = lossFromConfig({ ...config, ignore });
    const masked = await evaluate(loss, { logits: row(logits), labels: tensor("uint8", labels, [1, 7]) });
    const cut = Float32Array.from([0, 1, 2].flatMap((c) => kept.map((i) => logits[7 * c + i]!)));
    const few: Labels = tensor(
      "uint8",
      Uint8Array.from(kept, (i) => labels[i]!),
      [1, 4],
    );
    const alone = await evaluate(lossFromConfig(config), { logits: row(cut), labels: few });
    expect(masked.terms.loss).toBeCloseTo(alone.terms.loss!, 12);
    const expected = new Float64Array(21);
    kept.forEach((i, k) => {
      for (let c = 0; c < 3; c++) expected[7 * c + i] = alone.gradient[4 * c + k]!;
    });
    expect(Math.max(...expected.map((g, i) => Math.abs(g - masked.gradient[i]!)))).toBeLessThan(1e-12);
  });

  test("a batch without any counted pixel costs nothing", async () => {
    const none = tensor("int64", new BigInt64Array(7).fill(-100n), [1, 7]);
    const result = await evaluate(crossEntropy({ ignore: -100 }), { logits: row(logits), labels: none });
    expect(result.terms.loss).toBe(0);
    expect(result.gradient.every((g) => g === 0)).toBe(true);
  });
});

const neighborhood: readonly NamedLoss[] = [
  { name: "svls" },
  { name: "nacl" },
  { name: "nacl", kernel: "mode", of: "probs", morphology: "gradient" },
  { name: "nacl", preset: "monai" },
  { name: "marginSvls", margin: 1 },
  { name: "marginSvls", variant: "adaptive", target: "svls" },
  { name: "signedDistanceCalibration", preset: "consistent" },
  { name: "signedDistanceCalibration", preset: "proper" },
  { name: "boundary" },
  { name: "boundaryUncertainty" },
  { name: "hausdorff", includeBackground: true },
  { name: "signedDistanceRegression" },
];

describe("pixels ignored by neighbourhood losses", () => {
  test.each(neighborhood.map((config) => [JSON.stringify(config), config] as const))(
    "%s",
    async (_, config) => {
      const { logits, labels } = sheet;
      const loss = lossFromConfig({ ...config, ignore: 255 });
      const plain = await evaluate(lossFromConfig(config), sheet);
      const unused = await evaluate(loss, sheet);
      for (const [term, value] of Object.entries(plain.terms))
        expect(unused.terms[term]).toBeCloseTo(value, 6);

      const ignored = [0, 16, 17, 60];
      const some = Uint8Array.from(labels.data as Uint8Array);
      for (const pixel of ignored) some[pixel] = 255;
      const entries = ignored.flatMap((pixel) =>
        [0, 1, 2].map((c) => Math.floor(pixel / 42) * 126 + 42 * c + (pixel % 42)),
      );
      const other = logits.data.slice();
      for (const entry of entries) other[entry] = 7;
      const holes = tensor("uint8", some, labels.dims);
      const before = await evaluate(loss, { logits, labels: holes });
      const after = await evaluate(loss, { logits: tensor("float32", other, logits.dims), labels: holes });
      expect(after.terms).toEqual(before.terms);
      expect(entries.every((entry) => before.gradient[entry] === 0)).toBe(true);
    },
  );
});

const everyThatIgnores = Object.entries(losses).flatMap(([name, { presets }]) =>
  Object.entries(presets)
    .filter(([, options]) => "ignore" in options)
    .map(([preset]): NamedLoss => ({ name, [name === "marginSvls" ? "variant" : "preset"]: preset })),
);

describe("no loss of the registry sees logits at ignored pixels", () => {
  test.each(everyThatIgnores.map((config) => [JSON.stringify(config), config] as const))(
    "%s",
    async (_, config) => {
      const { logits, labels } = sheet;
      const loss = lossFromConfig({ ...config, ignore: 255 });
      const some = Uint8Array.from(labels.data as Uint8Array, (label, i) => (i % 5 === 2 ? 255 : label));
      const holes = tensor("uint8", some, labels.dims);
      const [count = 0, classes = 0, ...spatial] = logits.dims;
      const pixels = spatial.reduce((a, b) => a * b, 1);
      const ignored = [...some.keys()].filter((at) => some[at] === 255);
      const entries = ignored.flatMap((at) =>
        Array.from(
          { length: classes },
          (_, c) => (Math.floor(at / pixels) * classes + c) * pixels + (at % pixels),
        ),
      );
      expect(entries).toHaveLength(classes * ignored.length);
      expect(some).toHaveLength(count * pixels);
      const other = logits.data.slice();
      for (const entry of entries) other[entry] = -6;
      const before = await evaluate(loss, { ...sheet, labels: holes });
      const after = await evaluate(loss, {
        ...sheet,
        logits: tensor("float32", other, logits.dims),
        labels: holes,
      });
      expect(after.terms).toEqual(before.terms);
      expect(entries.every((entry) => before.gradient[entry] === 0)).toBe(true);
      expect(before.gradient.some((slope) => slope !== 0)).toBe(true);
    },
  );
});

const extreme: readonly NamedLoss[] = [
  ...pointwise,
  { name: "dice", preset: "reference" },
  { name: "focal", gamma: 0.5 },
  { name: "focal", gamma: 1 },
  { name: "entropyPenalty", preset: "reference" },
  { name: "mbls", preset: "reference" },
  { name: "nacl" },
  { name: "marginSvls" },
  { name: "signedDistanceCalibration", preset: "reference" },
  { name: "signedDistanceCalibration", preset: "consistent" },
  { name: "signedDistanceCalibration", preset: "proper" },
  { name: "boundary" },
  { name: "boundaryUncertainty" },
  { name: "hausdorff" },
  { name: "signedDistanceRegression" },
];

describe("logits of +-1000 give finite values and gradients", () => {
  const data = sheet.logits.data.map((z) => (z < 0 ? -1000 : 1000));
  const logits = tensor("float32", data, sheet.logits.dims);
  test.each(extreme.map((config) => [JSON.stringify(config), config] as const))("%s", async (_, config) => {
    const { terms, gradient } = await evaluate(lossFromConfig(config), { logits, labels: sheet.labels });
    expect(Object.values(terms).every(Number.isFinite)).toBe(true);
    expect(gradient.every(Number.isFinite)).toBe(true);
  });
});
