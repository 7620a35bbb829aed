import { describe, expect, test } from "vitest";
import { golden, labels, only, probs } from "../fixture.test.helper.js";
import { calibrationBinsSync } from "../kernels/calibration-bins.js";
import { type Labels, type Tensor, tensor } from "../tensor.js";
import { conventionalErrors, conventionErrors, conventionHistograms } from "./calibration-conventions.js";
import { expectedCalibrationError } from "./calibration-error.js";
import { CaseScorer } from "./case-scorer.js";
import { type CalibrationConvention, calibrationConventions } from "./convention-table.js";

type Errors = Readonly<Record<string, number>>;
type Case = Readonly<Record<CalibrationConvention, Errors>> & {
  readonly classes: number;
  readonly probs: readonly number[];
  readonly labels: readonly number[];
};

describe.each(golden<{ cases: Case[] }>("conventions").cases.map((c, i) => [i, c] as const))(
  "case %i",
  (_, c) => {
    const p = tensor("float32", Float32Array.from(c.probs), [1, c.classes, c.labels.length]);
    const y = tensor("uint8", Uint8Array.from(c.labels), [1, c.labels.length]);

    test.each(calibrationConventions)("%s", async (convention) => {
      const found = await conventionalErrors(p, y, { convention });
      // The others add in float32.
      const digits = convention === "netcal" || convention === "metrics-reloaded" ? 12 : 6;
      for (const [name, value] of Object.entries(c[convention]))
        expect(found[name as "expected"], name).toBeCloseTo(value, digits);
    });
  },
);

// Computed by the tools' own code in float32.
test("published values on the fixture", async () => {
  const images = [0, 1].map((n) => [only(probs, n) as Tensor<"float32">, only(labels, n) as Labels] as const);
  const margin = await Promise.all(
    images.map(([p, y]) => conventionalErrors(p, y, { convention: "marginloss" })),
  );
  const whole = await conventionalErrors(probs, labels, { convention: "marginloss" });
  expect(whole.expected).toBeCloseTo(0.30943218, 6);
  expect(whole.classwise).toBeCloseTo(0.24032192, 6);
  expect(margin.map(({ perClass }) => perClass.length)).toEqual([3, 2]);
  const monai = await conventionalErrors(images[0]![0], images[0]![1], { convention: "monai" });
  const published = [0.44877007603645325, 0.4535883963108063, 0.2029731571674347];
  for (const [c, value] of published.entries()) expect(monai.perClass[c]).toBeCloseTo(value, 6);
  const torch = await conventionalErrors(probs, labels, { convention: "torchmetrics" });
  expect(torch.expected).toBeCloseTo(0.40591016, 6);
  expect(torch.rootMeanSquare).toBeCloseTo(0.46667445, 6);
  expect(torch.maximum).toBeCloseTo(0.84493047, 6);
});

test("an ignored label and the background are both left out of marginloss", async () => {
  const without = await conventionalErrors(probs, labels, { convention: "marginloss", ignore: 2 });
  const mask = tensor(
    "uint8",
    Uint8Array.from(labels.data, (label) => Number(label === 1)),
    labels.dims,
  );
  const layout = { bins: 15, of: "top-label", includeLowest: false, comparison: "torch" } as const;
  expect(without.expected).toBe(
    expectedCalibrationError(calibrationBinsSync(probs, labels, { ...layout, mask })),
  );
  expect(without.perClass.length).toBe(2);
});

test.each<[object, string]>([
  [{ convention: "keras" }, "convention: expected one of marginloss, monai, torchmetrics"],
  [{}, "convention: expected one of marginloss"],
  [{ convention: "monai", bins: 0 }, "bins: expected an integer from 1 to 4096, got 0"],
  [{ convention: "monai", mask: 1 }, "options.mask: unknown option"],
])("%o is refused", async (options, message) => {
  await expect(conventionalErrors(probs, labels, options as never)).rejects.toThrow(message);
});

test.each(calibrationConventions)("%s's errors come from one pass with others", async (convention) => {
  const ignore = convention === "marginloss" ? 0 : undefined;
  const scorer = new CaseScorer({
    classes: 3,
    ignore,
    histograms: [{ bins: 7 }, ...conventionHistograms(convention, 3, 12)],
    confusion: true,
  });
  const { histograms } = await scorer.score(probs, labels);
  expect(conventionErrors(convention, histograms.slice(1))).toEqual(
    await conventionalErrors(probs, labels, { convention, bins: 12 }),
  );
  expect(() => conventionErrors(convention, [])).toThrow(
    "histograms: expected those of conventionHistograms",
  );
  expect(() => conventionHistograms(convention, 3, 0)).toThrow("bins: expected an integer from 1");
});

test("an unknown convention is refused", () => {
  expect(() => conventionHistograms("brier" as never, 2)).toThrow("convention: expected one of marginloss");
  expect(() => conventionErrors(undefined as never, [])).toThrow("convention: expected one of marginloss");
});
