import { describe, expect, test } from "vitest";
import { type Labels, narrowLabels, narrowLabelsSync, Random } from "../index.js";

const wide = (...values: (bigint | number)[]): Labels => ({
  type: "int64",
  dims: [values.length],
  data: BigInt64Array.from(values, BigInt),
});

/** Searches in the obvious way. */
function strays(labels: Labels, classes: number, ignore?: number): { count: number; pixel: number } {
  const wrong = Array.from(labels.data, Number).map((c) => !((c >= 0 && c < classes) || c === ignore));
  return { count: wrong.filter(Boolean).length, pixel: wrong.indexOf(true) };
}

describe("narrowLabels", () => {
  test.each([
    [wide(0, 3), 3, undefined, { count: 1, pixel: 1, label: 3 }],
    [wide(0, -1, -1), 3, undefined, { count: 2, pixel: 1, label: -1 }],
    [wide(2n ** 32n), 3, undefined, { count: 1, pixel: 0, label: 2 ** 32 }],
    [wide(1, 2n ** 32n + 255n, 255), 3, 255, { count: 1, pixel: 1, label: 2 ** 32 + 255 }],
  ] as const)("finds what is no class in %o of %i classes", async (labels, classes, ignore, stray) => {
    expect((await narrowLabels(labels, { classes, ignore })).stray).toEqual(stray);
    expect(narrowLabelsSync(labels, { classes, ignore }).stray).toEqual(stray);
  });

  test.each([
    [wide(0, 2, 255), 3, 255, "uint8"],
    [{ type: "int32", dims: [1, 2], data: Int32Array.of(255, 0) } as Labels, 256, undefined, "uint8"],
    [wide(0, 256), 257, undefined, "int64"],
    [wide(0, -1), 3, -1, "int64"],
    [wide(0, 1), 3, 256, "int64"],
  ] as const)("%o of %i classes, ignoring %s, is %s", (labels, classes, ignore, type) => {
    const narrowed = narrowLabelsSync(labels, { classes, ignore });
    expect(narrowed.stray).toBeUndefined();
    expect(narrowed.labels.type).toBe(type);
    expect(narrowed.labels.dims).toEqual(labels.dims);
    expect(Array.from(narrowed.labels.data, Number)).toEqual(Array.from(labels.data, Number));
  });

  test("writes bytes into an array of the caller's", () => {
    const out = new Uint8Array(3);
    expect(narrowLabelsSync(wide(0, 2, 1), { classes: 3, out }).labels.data).toBe(out);
    expect(out).toEqual(Uint8Array.of(0, 2, 1));
    expect(() => narrowLabelsSync(wide(0, 1), { classes: 3, out })).toThrow(
      "out: expected 2 elements, got 3",
    );
  });

  test("takes bytes as they are", () => {
    const labels: Labels = { type: "uint8", dims: [2, 1], data: Uint8Array.of(0, 1) };
    expect(narrowLabelsSync(labels, { classes: 2 }).labels).toBe(labels);
  });

  test("agrees with a plain loop over several blocks", () => {
    const random = Random.fromSeed(3);
    for (const pixels of [1, 4096, 4097, 40_001]) {
      const values = Array.from({ length: pixels }, () =>
        random.uniform() < 1e-3 ? 9 : random.uniform() < 0.1 ? 7 : random.uniform() < 0.5 ? 1 : 0,
      );
      const labels = wide(...values);
      const { stray, labels: narrow } = narrowLabelsSync(labels, { classes: 2, ignore: 7 });
      const { count, pixel } = strays(labels, 2, 7);
      expect(stray).toEqual(count === 0 ? undefined : { count, pixel, label: 9 });
      expect(Array.from(narrow.data, Number)).toEqual(values.map((value) => (value === 9 ? 0 : value)));
    }
  });

  test("refuses what it cannot read", () => {
    const labels = wide(0);
    expect(() => narrowLabelsSync(labels, { classes: 0 })).toThrow("classes: expected");
    expect(() => narrowLabelsSync(labels, { classes: 2, ignore: 0.5 })).toThrow("ignore: expected");
    expect(() => narrowLabelsSync({ ...labels, dims: [2] }, { classes: 2 })).toThrow("labels: expected");
  });
});
