import { tensor } from "@pixelcal/core";
import { describe, expect, test } from "vitest";
import { type EvaluationCase, evaluate } from "./evaluate.js";
import { evaluateRegions } from "./evaluate-regions.js";
import { withMissingAsWorst } from "./missing-cases.js";
import { casesOfRegions, parseRegions } from "./regions.js";

// Two by three pixels of four classes that exclude each other.
const probs = tensor(
  "float32",
  Float32Array.of(
    ...[0.7, 0.1, 0.25, 0, 0.5, 1],
    ...[0.1, 0.2, 0.25, 0.25, 0, 0],
    ...[0.1, 0.3, 0.25, 0.25, 0.5, 0],
    ...[0.1, 0.4, 0.25, 0.5, 0, 0],
  ),
  [4, 2, 3],
);
const labels = tensor("uint8", Uint8Array.of(0, 3, 1, 2, 9, 0), [2, 3]);
const item = { name: "case", probs, labels };
const whole = { name: "WT", labels: [1, 2, 3] };

/** The twin: one region's case, pixel by pixel. */
function regionTwin(
  channels: readonly number[],
  members: readonly number[],
  ignore?: number,
): EvaluationCase {
  const [, ...dims] = probs.dims;
  const pixels = labels.data.length;
  const data = new Float32Array(2 * pixels);
  const mask = new Uint8Array(pixels);
  for (let i = 0; i < pixels; i++) {
    let p = 0;
    for (const c of channels) p = Math.fround(p + probs.data[c * pixels + i]!);
    if (p > 1 && p < 1 + 1e-5) p = 1;
    data[i] = 1 - p;
    data[pixels + i] = p;
    mask[i] = labels.data[i] === ignore ? 255 : Number(members.includes(labels.data[i]!));
  }
  return {
    name: item.name,
    probs: { type: "float32", dims: [2, ...dims], data },
    labels: { type: "uint8", dims, data: mask },
  };
}

describe("parseRegions", () => {
  test("names, labels and presets", () => {
    expect(parseRegions(" WT = 1+2 + 3 ,ET=3")).toEqual([whole, { name: "ET", labels: [3] }]);
    expect(parseRegions("brats2021")[1]).toEqual({ name: "TC", labels: [1, 4] });
    expect(parseRegions("kits23")).toHaveLength(3);
    expect(parseRegions("a = mask, b=mask")).toEqual([
      { name: "a", mask: 0, labels: [1, 3] },
      { name: "b", mask: 1, labels: [2, 3] },
    ]);
  });

  test.each(["", "WT", "WT=", "WT=1+", "=1", "WT=a", "WT=1,,ET=3", "brats"])("%j is refused", (text) => {
    expect(() => parseRegions(text)).toThrow(
      /regions: expected NAME=LABEL\+LABEL,\.\.\., NAME=mask,\.\.\. or brats2021/,
    );
  });

  test("a name twice, and masks beside labels, are refused", () => {
    expect(() => parseRegions("a=1,a=2")).toThrow(/a is given twice/);
    expect(() => parseRegions("a=mask,a=mask")).toThrow(/a is given twice/);
    expect(() => parseRegions("a=1,b=mask")).toThrow(/labels for all regions, or masks for all/);
  });
});

test("a region's probability is the sum over its labels, and ignored pixels stay ignored", async () => {
  const regions = [whole, { name: "ET", labels: [3] }, { name: "all", labels: [3, 1, 2, 0] }];
  for (const ignore of [undefined, 9]) {
    const found = await casesOfRegions({ ...item, spacing: [1, 2] }, regions, { ignore });
    const expected = regions.map(({ labels: members }) => ({
      ...regionTwin(members, members, ignore),
      spacing: [1, 2],
    }));
    expect(found).toEqual(expected);
  }
  // Labels may be stored in any type.
  const wide = { type: "int64", dims: labels.dims, data: BigInt64Array.from(labels.data, BigInt) } as const;
  expect(await casesOfRegions({ ...item, labels: wide }, regions, { ignore: 9 })).toEqual(
    regions.map(({ labels: members }) => regionTwin(members, members, 9)),
  );
});

test("a head is taken as given", async () => {
  const regions = [whole, { name: "TC", labels: [2, 3] }];
  const found = await casesOfRegions(item, regions, { heads: true, ignore: 9 });
  expect(found).toEqual([regionTwin([0], [1, 2, 3], 9), regionTwin([1], [2, 3], 9)]);
  const many = Array.from({ length: 5 }, (_, i) => ({ name: `${i}`, labels: [1] }));
  await expect(casesOfRegions(item, many, { heads: true })).rejects.toThrow(
    "case: expected 5 heads, got 4 channels",
  );
});

test("every region is scored as two classes of its own", async () => {
  const regions = [whole, { name: "ET", labels: [3] }];
  const seen: string[] = [];
  const options = { ignore: 9, convention: "consistent", onCase: (name: string) => seen.push(name) } as const;
  const found = await evaluateRegions([item], regions, options);
  expect([...found.keys()]).toEqual(["WT", "ET"]);
  expect(seen).toEqual(["case"]);
  for (const region of regions) {
    const part = regionTwin(region.labels, region.labels, 9);
    const alone = await evaluate([part], { classes: 2, ignore: 255, convention: "consistent" });
    expect(found.get(region.name)).toEqual(alone);
  }
  // All three pixels of the region are found, and the fifth pixel is ignored.
  expect(found.get("WT")!.summary.DSC!.mean).toBe(1);
});

test("what is no probability, no class and no case is refused by name", async () => {
  const logits = {
    ...item,
    probs: tensor("float32", probs.data.map((p) => 4 * p) as Float32Array, [4, 2, 3]),
  };
  await expect(evaluateRegions([logits], [whole], { ignore: 9 })).rejects.toThrow(
    /^case: probs: expected values/,
  );
  await expect(evaluateRegions([item], [{ name: "x", labels: [4] }], { ignore: 9 })).rejects.toThrow(
    /case: region x has label 4, probs has classes 0 to 3/,
  );
  await expect(evaluateRegions([], [whole])).rejects.toThrow(/at least one case/);
});

test("a case that was not predicted has the worst overlap and distance, and no calibration", async () => {
  const evaluation = await evaluate([{ ...item, name: "b" }], { ignore: 9, convention: "consistent" });
  const { rows, summary } = withMissingAsWorst(evaluation, ["a"]);
  expect(rows.map(({ name }) => name)).toEqual(["a", "b"]);
  expect(rows[0]!.scores).toMatchObject({ DSC: 0, IoU: 0, NSD: 0, HD95: Number.POSITIVE_INFINITY });
  expect(Number.isNaN(rows[0]!.scores.ECE)).toBe(true);
  expect(summary.DSC!.mean).toBe(evaluation.summary.DSC!.mean / 2);
  expect(summary.ECE).toMatchObject({ mean: evaluation.summary.ECE!.mean, count: 1, undefined: 1 });
  expect(withMissingAsWorst(evaluation, [])).toBe(evaluation);
});
