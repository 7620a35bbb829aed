import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { InvalidArgumentError } from "../errors.js";
import { type Labels, tensor } from "../tensor.js";
import { type SignedDistanceOptions, signedDistance, signedDistanceSync } from "./signed-distance.js";

interface Golden {
  readonly signed: readonly {
    readonly dims: readonly number[];
    readonly classes: number;
    readonly labels: readonly number[];
    readonly signed: readonly number[];
  }[];
}

const path = new URL("../../test/golden/distance.json", import.meta.url);
const golden = JSON.parse(readFileSync(path, "utf8")) as Golden;
const bigints = (values: readonly number[]): BigInt64Array => BigInt64Array.from(values, BigInt);

describe("equals the authors' float32 output bit for bit", () => {
  test.each(golden.signed.map((c) => [`dims ${c.dims}`, c] as const))("%s", async (_, c) => {
    const expected = Float32Array.from(c.signed);
    for (const labels of [
      tensor("uint8", Uint8Array.from(c.labels), c.dims),
      tensor("int32", Int32Array.from(c.labels), c.dims),
      tensor("int64", bigints(c.labels), c.dims),
    ]) {
      const s = await signedDistance(labels, { classes: c.classes });
      expect(s.dims).toEqual([c.dims[0], c.classes, ...c.dims.slice(1)]);
      expect(s.data).toEqual(expected);
    }
  });

  test("the fixture's sums by the authors' code", () => {
    const { data } = signedDistanceSync(
      tensor("uint8", Uint8Array.from(golden.signed[0]!.labels), [2, 6, 7]),
      {
        classes: 3,
      },
    );
    const sums = Array.from({ length: 6 }, (_, map) =>
      data.subarray(42 * map, 42 * map + 42).reduce((sum, s) => sum + Math.abs(s), 0),
    );
    const expected = [19.238253, 19.514254, 20.41766, 20.605768, 20.605768, 24.702423];
    sums.forEach((sum, map) => void expect(sum).toBeCloseTo(expected[map]!, 5));
  });
});

describe("normalisations of 1 0 0 0 with spacing 2", () => {
  const labels = tensor("uint8", Uint8Array.of(1, 0, 0, 0), [1, 4]);
  const of = (options: Partial<SignedDistanceOptions>): number[] => [
    ...signedDistanceSync(labels, { classes: 3, spacing: [2], ...options }).data,
  ];
  const f = Math.fround;
  test("none", () => {
    expect(of({ normalize: "none" })).toEqual([2, -2, -4, -6, -2, 2, 4, 6, 2, 4, 6, 8]);
    expect(of({ normalize: "none", absent: "far" }).slice(8)).toEqual([8, 8, 8, 8]);
  });
  test("max", () => {
    const most = f(6 + 1e-6);
    expect(of({ normalize: "max" }).slice(4, 8)).toEqual([-2, 2, 4, 6].map((s) => f(s / most)));
    expect(of({ absent: "far" }).slice(8)).toEqual([1, 1, 1, 1]);
  });
  test("split", () => {
    expect(of({ normalize: "split" }).slice(0, 8)).toEqual([
      1,
      f(-1 / 3),
      f(-2 / 3),
      -1,
      -1,
      f(1 / 3),
      f(2 / 3),
      1,
    ]);
  });
  test("truncate", () => {
    const options = { normalize: "truncate", truncate: 4, absent: "far" } as const;
    expect(of(options)).toEqual([0.5, -0.5, -1, -1, -0.5, 0.5, 1, 1, 1, 1, 1, 1]);
  });
  test("a class filling the image is -1 where absent ones are far", () => {
    const full = tensor("uint8", new Uint8Array(4), [1, 4]);
    expect([...signedDistanceSync(full, { classes: 2, absent: "far" }).data]).toEqual([
      -1, -1, -1, -1, 1, 1, 1, 1,
    ]);
  });
});

test("out", () => {
  const out = tensor("float32", new Float32Array(8), [1, 2, 4]);
  const labels = tensor("uint8", Uint8Array.of(1, 0, 0, 0), [1, 4]);
  expect(signedDistanceSync(labels, { classes: 2, normalize: "none", out }).data).toBe(out.data);
  expect([...out.data]).toEqual([1, -1, -2, -3, -1, 1, 2, 3]);
});

test("rejected arguments", async () => {
  const labels = tensor("int32", Int32Array.of(0, 1, 2, -1), [1, 4]);
  const good = tensor("int32", Int32Array.of(0, 1, 1, 0), [1, 4]);
  const wrong = tensor("float32", new Float32Array(4), [1, 4]) as unknown as Labels;
  const cases: readonly [Labels, object, string][] = [
    [labels, { classes: 3 }, "labels: expected classes 0 to 2, got -1 at pixel 3 (1 such pixels)"],
    [labels, { classes: 2 }, "labels: expected classes 0 to 1, got 2 at pixel 2 (2 such pixels)"],
    [wrong, { classes: 2 }, "labels: expected type uint8 or int32 or int64, got float32"],
    [tensor("int32", good.data, [4]), { classes: 2 }, "labels: expected rank 2 to 4, got 1"],
    [good, { classes: 0 }, "classes: expected an integer from 1 to 32767, got 0"],
    [good, {}, "classes: expected an integer from 1 to 32767, got undefined"],
    [good, { classes: 2, spacing: [1, 1] }, "spacing: expected 1 numbers, got 2"],
    [
      good,
      { classes: 2, normalize: "min" },
      "normalize: expected one of none, max, split, truncate, got min",
    ],
    [good, { classes: 2, normalize: "truncate" }, "truncate: expected a positive number, got undefined"],
    [good, { classes: 2, normalize: "truncate", truncate: 0 }, "truncate: expected a positive number, got 0"],
    [good, { classes: 2, normalize: "max", truncate: 3 }, 'truncate: needs normalize: "truncate"'],
    [good, { classes: 2, absent: "nan" }, "absent: expected one of reference, far, got nan"],
    [good, { classes: 2, device: "webgpu" }, "device: expected one of"],
    [
      good,
      { classes: 2, out: tensor("float32", new Float32Array(4), [1, 4]) },
      "out: expected rank 3, got 2",
    ],
  ];
  for (const [value, options, message] of cases) {
    const run = () => signedDistanceSync(value, options as SignedDistanceOptions);
    expect(run).toThrow(InvalidArgumentError);
    expect(run).toThrow(message);
    await expect(signedDistance(value, options as SignedDistanceOptions)).rejects.toThrow(message);
  }
});
