import { readFileSync } from "node:fs";
import { afterAll, describe, expect, test } from "vitest";
import { setThreadCount, threadCount } from "../device.js";
import { InvalidArgumentError } from "../errors.js";
import { type Tensor, tensor } from "../tensor.js";
import { type DistanceTransformOptions, distanceTransform, distanceTransformSync } from "./distance.js";

interface Golden {
  readonly transforms: readonly {
    readonly size: readonly number[];
    readonly spacing: readonly number[];
    readonly mask: string;
    readonly distance: readonly number[];
  }[];
}

const path = new URL("../../test/golden/distance.json", import.meta.url);
const golden = JSON.parse(readFileSync(path, "utf8")) as Golden;
const threads = threadCount();
afterAll(() => setThreadCount(threads));

function noise(dims: readonly number[], period: number): Tensor<"uint8"> {
  const length = dims.reduce((product, dim) => product * dim, 1);
  return tensor(
    "uint8",
    Uint8Array.from({ length }, (_, i) => (((i * 2654435761) >>> 7) % period ? 1 : 0)),
    dims,
  );
}

describe("equals scipy's distance_transform_edt", () => {
  test.each(golden.transforms.map((c) => [`${c.size} spacing ${c.spacing}`, c] as const))("%s", (_, c) => {
    const mask = tensor("uint8", Uint8Array.from(c.mask, Number), [1, ...c.size]);
    const { data } = distanceTransformSync(mask, { spacing: c.spacing, noZero: "reference" });
    expect(data).toEqual(Float32Array.from(c.distance));
  });
});

test("the spatial dimensions are all but the first, those of spacing, or as told", () => {
  const mask = noise([2, 3, 4, 5], 9);
  const planes = distanceTransformSync(mask, { dimensions: 2 });
  const stacked = tensor("uint8", mask.data, [6, 4, 5]);
  expect(planes.data).toEqual(distanceTransformSync(stacked).data);
  expect(planes.dims).toEqual(mask.dims);
  expect(distanceTransformSync(mask, { spacing: [1, 1] }).data).toEqual(planes.data);
  const lines = distanceTransformSync(tensor("bool", mask.data, [24, 5]), { dimensions: 1 });
  expect(lines.data).toEqual(distanceTransformSync(mask, { dimensions: 1 }).data);
});

test("squared, noZero and out", () => {
  const mask = tensor("uint8", Uint8Array.of(0, 1, 1, 1, 1, 1), [2, 1, 3]);
  const reference = distanceTransformSync(mask, { squared: true, noZero: "reference" });
  expect([...reference.data]).toEqual([0, 1, 4, 1, 2, 5]);
  for (const options of [{}, { squared: true }, { noZero: "infinity" }, { spacing: [2, 0.5] }] as const) {
    expect([...distanceTransformSync(mask, options).data.subarray(3)]).toEqual([
      Infinity,
      Infinity,
      Infinity,
    ]);
  }
  const out = tensor("float32", new Float32Array(8).subarray(1, 7), mask.dims);
  expect(distanceTransformSync(mask, { out }).data).toBe(out.data);
  expect([...out.data.subarray(0, 3)]).toEqual([0, 1, 2]);
});

test("many calls at once give what one call gives, at 1, 2 and 3 threads", async () => {
  const masks = Array.from({ length: 24 }, (_, i) => noise([1 + (i % 3), 40 + i, 50], 40 + 7 * i));
  setThreadCount(1);
  const alone = masks.map((mask) => distanceTransformSync(mask).data);
  for (const count of [1, 2, 3]) {
    setThreadCount(count);
    expect(threadCount()).toBe(count);
    const together = await Promise.all(masks.map((mask) => distanceTransform(mask)));
    expect(together.map((t) => t.data)).toEqual(alone);
  }
});

test("rejected arguments", async () => {
  const mask = noise([1, 3, 4], 3);
  const out = tensor("float32", new Float32Array(12), [1, 4, 3]);
  const cases: readonly [Tensor, DistanceTransformOptions | object, string][] = [
    [
      tensor("float32", new Float32Array(12), [1, 3, 4]),
      {},
      "mask: expected type uint8 or bool, got float32",
    ],
    [{} as Tensor, {}, "mask: expected a tensor, got Object"],
    [{ ...mask, data: new Uint8Array(3) }, {}, "mask: expected 12 elements for dims [1, 3, 4], got 3"],
    [{ ...mask, data: new Int8Array(12) } as never, {}, "mask: expected data of type uint8, got Int8Array"],
    [tensor("uint8", new Uint8Array(0), [0, 3, 4]), {}, "mask: expected positive dimensions, got [0, 3, 4]"],
    [
      tensor("uint8", mask.data, [3, 4]),
      {},
      "mask: expected rank 3 or 4, or the option dimensions, got rank 2",
    ],
    [tensor("uint8", mask.data, [1, 1, 1, 3, 4]), {}, "or the option dimensions, got rank 5"],
    [mask, { dimensions: 4 }, "dimensions: expected an integer from 1 to 3, got 4"],
    [
      tensor("uint8", mask.data, [12]),
      { dimensions: 2 },
      "dimensions: expected an integer from 1 to 1, got 2",
    ],
    [mask, { dimensions: 2, spacing: [1] }, "spacing: expected 2 numbers, got 1"],
    [mask, { spacing: [1, -1] }, "spacing: expected a positive number, got -1"],
    [mask, { spacing: [1, Infinity] }, "spacing: expected a positive number, got Infinity"],
    [mask, { noZero: "nan" }, "noZero: expected one of infinity, reference, got nan"],
    [mask, { squared: 1 }, "squared: expected a boolean, got 1"],
    [mask, { device: "cuda:7" }, "device: expected one of"],
    [mask, { out }, "out: expected dims [1, 3, 4], got [1, 4, 3]"],
    [mask, { out: mask }, "out: expected type float32, got uint8"],
  ];
  for (const [value, options, message] of cases) {
    const run = () => distanceTransformSync(value as Tensor<"uint8">, options);
    expect(run).toThrow(InvalidArgumentError);
    expect(run).toThrow(message);
    await expect(distanceTransform(value as Tensor<"uint8">, options)).rejects.toThrow(message);
  }
});
