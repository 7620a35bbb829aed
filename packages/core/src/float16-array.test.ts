import { expect, test } from "vitest";
import { InvalidArgumentError } from "./errors.js";
import { CalibrationMetric, OverlapMetric, ProbabilityScoreMetric, SurfaceDistanceMetric } from "./index.js";
import { calibrationBinsSync } from "./kernels/calibration-bins.js";
import { argMaxSync } from "./metrics/overlap.js";
import { float16Bits, tensor } from "./tensor.js";

// The bits of 0.25, 0.75, 0.5, 1, 0.75, 0.25, 0.5, 0: two classes of four pixels.
const bits = Uint16Array.of(0x3400, 0x3a00, 0x3800, 0x3c00, 0x3a00, 0x3400, 0x3800, 0);
const labels = { type: "uint8", dims: [1, 4], data: Uint8Array.of(1, 0, 1, 0) } as const;

// Node has Float16Array since version 24.
const Float16Array = (globalThis as { Float16Array?: new (buffer: ArrayBufferLike) => Uint16Array })
  .Float16Array;

test("the bits of float16 are taken as they are", () => {
  expect(float16Bits(bits)).toBe(bits);
  const probs = tensor("float16", bits, [1, 2, 4]);
  expect([...argMaxSync(probs).data]).toEqual([1, 0, 0, 0]);
});

test.skipIf(Float16Array === undefined)("a Float16Array (Node 24 or newer) is the same as its bits", () => {
  const values = new Float16Array!(bits.buffer);
  const probs = { type: "float16", dims: [1, 2, 4], data: values } as const;
  const same = tensor("float16", bits, [1, 2, 4]);
  expect(argMaxSync(probs)).toEqual(argMaxSync(same));
  expect(calibrationBinsSync(probs, labels)).toEqual(calibrationBinsSync(same, labels));
  const made = tensor("float16", values, [1, 2, 4]);
  expect(made.data).toBeInstanceOf(Uint16Array);
  expect(made.data.buffer).toBe(bits.buffer);
  expect(float16Bits(values)).toEqual(bits);
  for (const type of ["uint16", "float32", "int16"] as const)
    expect(() => tensor(type, values as never, [8])).toThrow(InvalidArgumentError);
});

test.skipIf(Float16Array === undefined)("every metric takes a Float16Array for its bits", async () => {
  const data = new Float16Array!(bits.buffer);
  const values = { type: "float16", dims: [1, 2, 2, 2], data } as const;
  const same = tensor("float16", bits, [1, 2, 2, 2]);
  const square = { type: "uint8", dims: [1, 2, 2], data: labels.data } as const;
  for (const Metric of [CalibrationMetric, OverlapMetric, ProbabilityScoreMetric, SurfaceDistanceMetric]) {
    const [a, b] = [new Metric({ classes: 2 }), new Metric({ classes: 2 })];
    await a.update(values, square);
    await b.update(same, square);
    expect(a.compute()).toEqual(b.compute());
  }
});

test("no other array is float16", () => {
  for (const data of [new Int16Array(8), new Float32Array(8), new DataView(new ArrayBuffer(16)), [], null])
    expect(() => tensor("float16", data as never, [8])).toThrow("data: expected a Uint16Array for float16");
});
