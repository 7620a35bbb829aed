import { elementCount } from "@pixelcal/core";
import { describe, expect, test } from "vitest";
import { measuredPlan } from "./measured-plan.js";
import { type Plan, planFor } from "./plan.js";
import { measureStep } from "./step-memory.js";

const GiB = 2 ** 30;
const cases = { sizes: [[200, 400, 400]], spacings: [[1, 1, 1]] };
const network = { base: 16, classes: 3 };

/** Plans where a step truly takes some bytes for each pixel of its batch; returns what was measured, too. */
async function planned(bytesPerPixel: number | ((plan: Plan) => number), memory = GiB, of = cases) {
  const measured: Plan[] = [];
  const found = await measuredPlan(of, { ...network, memory }, async (plan) => {
    measured.push(plan);
    const each = typeof bytesPerPixel === "number" ? bytesPerPixel : bytesPerPixel(plan);
    return plan.batch * elementCount(plan.patch) * each;
  });
  return { ...found, measured };
}
const pixels = ({ patch, batch }: Plan): number => batch * elementCount(patch);
/** The estimate of plain3d, bytes for each pixel. */
const estimate = 4 * (28 * 16 + 13 * 3);

describe("measuredPlan", () => {
  test("keeps the estimated plan where a step takes what was estimated, or somewhat less or more", async () => {
    const plain = planFor(cases, { ...network, memory: GiB });
    for (const share of [0.7, 0.9, 1, 1.05]) {
      const { plan, measured } = await planned(share * estimate);
      expect(plan, `${share}`).toEqual(plain);
      expect(measured).toHaveLength(1);
    }
  });

  test.each([1.2, 1.9, 3, 8])(
    "takes smaller patches where a step takes %f times the estimate",
    async (more) => {
      const { plan, eighths, measured } = await planned(more * estimate);
      expect(eighths).toBeLessThanOrEqual(8);
      expect(pixels(plan) * more * estimate).toBeLessThanOrEqual(GiB * (1 + 1 / 16));
      // No more than that: the next larger patch would not fit.
      expect(pixels(plan) * more * estimate).toBeGreaterThan(0.6 * GiB);
      expect(measured.length).toBeLessThanOrEqual(4);
    },
  );

  test.each([0.5, 0.25])("takes larger ones where a step takes %f of the estimate", async (less) => {
    const plain = planFor(cases, { ...network, memory: GiB });
    const { plan } = await planned(less * estimate);
    expect(pixels(plan)).toBeGreaterThan(pixels(plain));
    expect(pixels(plan) * less * estimate).toBeLessThanOrEqual(GiB * (1 + 1 / 16));
  });

  test("noise of a measurement makes no other plan", async () => {
    const exact = await planned(1.9 * estimate);
    for (const noise of [0.99, 1.01])
      expect((await planned(1.9 * noise * estimate)).plan).toEqual(exact.plan);
  });

  test("does not measure steps that are estimated at less than a quarter of the memory", async () => {
    const small = { sizes: [[32, 32, 32]], spacings: [[1, 1, 1]] };
    const { plan, eighths, measured } = await planned(estimate, 4 * GiB, small);
    expect([plan.patch, eighths, measured]).toEqual([[32, 32, 32], undefined, []]);
  });

  test("ends where a step takes too much, whatever its patches", async () => {
    const { eighths, measured } = await planned((plan) => (2 * GiB) / pixels(plan));
    expect([eighths, measured.length]).toEqual([16, 4]);
  });
});

describe("measureStep", () => {
  const config = {
    loss: { name: "crossEntropy" },
    dataset: { root: "nowhere" },
    model: { arch: "unet2d", num_classes: 3, base: 4 },
  };

  test("grows with the batch", async () => {
    const small = await measureStep(config, [1, 1, 128, 128]);
    const large = await measureStep(config, [4, 1, 128, 128]);
    // No less than the activations of one level.
    expect(large).toBeGreaterThan(4 * 4 * 4 * 128 * 128);
    expect(large).toBeGreaterThan(1.5 * small);
  });

  test("names what cannot be trained", async () => {
    await expect(measureStep({ ...config, epohcs: 1 }, [1, 1, 32, 32])).rejects.toThrow("epohcs");
    await expect(measureStep(config, [1, 2, 32, 32])).rejects.toThrow("expected");
    await expect(measureStep(config, [1, 32])).rejects.toThrow("dims: expected [N, C, ...spatial]");
    await expect(measureStep(config, [1, 1, 32, 32], { childProgram: "/nowhere" })).rejects.toThrow(
      "childProgram: expected the path of a file",
    );
  });
});
