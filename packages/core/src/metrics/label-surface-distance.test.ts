import { expect, test } from "vitest";
import { InvalidArgumentError } from "../errors.js";
import { type Labels, type Tensor, tensor } from "../tensor.js";
import {
  type LabelSurfaceDistancesOptions,
  labelSurfaceDistances,
  labelSurfaceDistancesSync,
} from "./label-surface-distance.js";
import { surfaceDistancesSync } from "./surface-distance.js";

const dims = [2, 5, 6, 7];
const noise = (i: number, seed: number): number => Math.floor(Math.abs(Math.sin(i * 12.9898 + seed)) * 1e4);
const numbers = (seed: number): number[] =>
  Array.from({ length: 420 }, (_, i) => noise(Math.floor(i / 3), seed) % 4);
const [predicted, labels] = [numbers(1), numbers(2)] as const;
const regions = [[1, 2, 3], [2], [1, 3], []];

const maps: Record<string, (values: readonly number[]) => Labels> = {
  uint8: (values) => tensor("uint8", Uint8Array.from(values), dims),
  int32: (values) => tensor("int32", Int32Array.from(values), dims),
  int64: (values) => tensor("int64", BigInt64Array.from(values, BigInt), dims),
};
const maskOf = (values: readonly number[], region: readonly number[]): Tensor<"uint8"> =>
  tensor(
    "uint8",
    Uint8Array.from(values, (label) => +region.includes(label)),
    dims,
  );

test.each(
  Object.keys(maps).flatMap((type) =>
    (["reference", "monai", "deepmind"] as const).map((c) => [type, c] as const),
  ),
)("label maps of %s give what masks give: %s", async (type, convention) => {
  const map = maps[type]!;
  const options = { convention, spacing: [3, 1, 0.7], percentile: 80, bothEmpty: "perfect" } as const;
  const tolerance = [1, 0, 3, 2];
  const found = await labelSurfaceDistances(map(predicted), map(labels), {
    classes: 4,
    regions,
    tolerance,
    ...options,
  });
  expect(found).toHaveLength(2);
  regions.forEach((region, r) => {
    const expected = surfaceDistancesSync(maskOf(predicted, region), maskOf(labels, region), {
      ...options,
      tolerance: tolerance[r]!,
    });
    expect(found.map((image) => image[r])).toEqual(expected);
  });
});

test("ignored pixels are in no region and make no surface", () => {
  const row = (text: string) => Uint8Array.from(text.split(" "), Number);
  const map = (...rows: string[]) =>
    tensor("uint8", Uint8Array.from(rows.flatMap((text) => [...row(text)])), [1, rows.length, 6]);
  const truth = map("0 0 0 0 0 0", "0 1 1 255 255 0", "0 1 1 255 255 0", "0 0 0 0 0 0");
  const guess = map("0 0 0 0 0 0", "0 1 1 1 0 0", "0 1 1 0 0 0", "0 0 0 0 0 0");
  for (const convention of ["reference", "monai", "deepmind"] as const) {
    const options = { classes: 2, regions: [[1]], convention, tolerance: 0 };
    expect(labelSurfaceDistancesSync(guess, truth, { ...options, ignore: 255 })[0]![0]).toMatchObject({
      hd: 0,
      nsd: 1,
    });
    expect(() => labelSurfaceDistancesSync(guess, truth, options)).toThrow(
      "labels: expected classes 0 to 1, got 255 at pixel 9 (4 such pixels)",
    );
  }
});

test("no images, no regions, one spatial dimension", () => {
  const line = tensor("uint8", Uint8Array.of(0, 1, 1, 0, 0, 1), [1, 6]);
  const shifted = tensor("uint8", Uint8Array.of(0, 0, 1, 1, 0, 1), [1, 6]);
  expect(labelSurfaceDistancesSync(line, shifted, { classes: 2, regions: [] })).toEqual([[]]);
  const found = labelSurfaceDistancesSync(line, shifted, { classes: 2, regions: [[1]], spacing: [2] });
  expect(found[0]![0]!.hd).toBe(2);
});

const map = tensor("uint8", Uint8Array.of(0, 1, 1, 0), [1, 2, 2]);
const valid = { classes: 2, regions: [[1]] };
test.each<[object, string]>([
  [{ classes: 0 }, "classes: expected an integer from 1 to 32767, got 0"],
  [{ regions: 1 }, "regions: expected an array of arrays of classes, got 1"],
  [{ regions: [1] }, "regions[0]: expected an array of classes, got 1"],
  [{ regions: [[1], [2]] }, "regions[1]: expected an integer from 0 to 1, got 2"],
  [{ tolerance: [1, 2] }, "tolerance: expected 1 numbers, one per region, got 2"],
  [{ tolerance: "1" }, "tolerance: expected a number, or one per region, got 1"],
  [{ tolerance: [-1] }, "tolerance: expected a number of at least 0, got -1"],
  [{ ignore: 1.5 }, "ignore: expected an integer"],
  [{ spacing: [1] }, "spacing: expected 2 numbers, got 1"],
  [{ percentile: Number.NaN }, "percentile: expected a number from 0 to 100, got NaN"],
  [{ empty: "nan", bothEmpty: "perfect" }, "empty: cannot be combined with bothEmpty or oneEmpty"],
  [{ region: [[1]] }, 'options.region: unknown option (did you mean "regions"?)'],
])("refuses %j", async (options, message) => {
  const whole = { ...valid, ...options } as LabelSurfaceDistancesOptions;
  const run = () => labelSurfaceDistancesSync(map, map, whole);
  expect(run).toThrow(InvalidArgumentError);
  expect(run).toThrow(message);
  await expect(labelSurfaceDistances(map, map, whole)).rejects.toThrow(message);
});

test("refuses maps that do not fit", () => {
  const run = (a: object, b: object, options: object = valid) =>
    labelSurfaceDistancesSync(a as Labels, b as Labels, options as LabelSurfaceDistancesOptions);
  const other = tensor("uint8", new Uint8Array(6), [1, 2, 3]);
  const floats = tensor("float32", new Float32Array(4), [1, 2, 2]);
  const line = tensor("uint8", new Uint8Array(4), [1, 4]);
  expect(() => run(other, map)).toThrow("predicted: expected dims [1, 2, 2], got [1, 2, 3]");
  expect(() => run(floats, map)).toThrow("predicted: expected type uint8 or int32 or int64, got float32");
  expect(() => run(map, floats)).toThrow("labels: expected type uint8 or int32 or int64, got float32");
  expect(() => run(line, line, { ...valid, convention: "deepmind" })).toThrow("2 or 3 spatial dimensions");
});
