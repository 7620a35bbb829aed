import { expect, test } from "vitest";
import { InvalidArgumentError } from "../errors.js";
import type { Tensor } from "../tensor.js";
import { depthWindows } from "./boundary-windows.js";
import { Calibrator } from "./calibrator.js";
import { calibratorFromJSON } from "./calibrator-from-json.js";
import { fitCalibrator } from "./fit-calibrator.js";
import { argmax, casesOf, fixture, labelsOf } from "./fixture.test.helper.js";

const planar = { classes: 3, size: [20, 18], cases: 4, noise: 4 };
const distance = async (): Promise<Calibrator> =>
  (await fitCalibrator("distance-temperature", fixture(planar), { radius: 3, lambda: 1e-4 })).calibrator;

/** Applies a table to one planar image by its definition. */
function slowly({ parameters, classes }: Calibrator, { data, dims }: Tensor<"float32">): number[] {
  const { scales, windows } = parameters as Calibrator<"distance-temperature">["parameters"];
  const [height, width] = [dims[2]!, dims[3]!];
  const pixels = height * width;
  const out: number[] = [];
  const label = (y: number, x: number): number => argmax(data, classes, pixels, y * width + x);
  for (let i = 0; i < pixels; i++) {
    const [y, x] = [Math.floor(i / width), i % width];
    const uniform = windows.filter(([h, w]) => {
      for (let a = Math.max(0, y - h!); a <= Math.min(height - 1, y + h!); a++)
        for (let b = Math.max(0, x - w!); b <= Math.min(width - 1, x + w!); b++)
          if (label(a, b) !== label(y, x)) return false;
      return true;
    });
    const scale = scales[label(y, x) > 0 ? 1 : 0]![uniform.length]!;
    const exps = Array.from({ length: classes }, (_, c) => Math.exp(scale * data[c * pixels + i]!));
    const sum = exps.reduce((total, e) => total + e, 0);
    for (const [c, e] of exps.entries()) out[c * pixels + i] = e / sum;
  }
  return out;
}

test("apply is the definition, and keeps labels", async () => {
  const calibrator = await distance();
  const { logits } = await fixture(planar).read(2, {});
  const wide = logits as Tensor<"float32">;
  const probs = await calibrator.apply(wide);
  for (const [i, p] of slowly(calibrator, wide).entries()) expect(probs.data[i]).toBeCloseTo(p, 6);
  const raw = await calibrator.apply(wide, { output: "logits" });
  expect(labelsOf(probs)).toEqual(labelsOf(wide));
  expect(labelsOf(raw)).toEqual(labelsOf(wide));
});

test("apply takes batches and float16", async () => {
  const calibrator = await distance();
  const list = await Promise.all([0, 1].map(async (i) => (await fixture(planar).read(i, {})).logits.data));
  const batch = {
    type: "float32",
    dims: [2, 3, 20, 18],
    data: Float32Array.from(list.flatMap((data) => [...data])),
  } as const;
  const both = await calibrator.apply(batch);
  for (const i of [0, 1]) {
    const single = await calibrator.apply((await fixture(planar).read(i, {})).logits);
    expect(both.data.slice(i * 1080, (i + 1) * 1080)).toEqual(single.data);
  }
  const half = { type: "float16", dims: [1, 3, 1, 1], data: Uint16Array.of(0x3c00, 0x4000, 0) } as const;
  const single = { type: "float32", dims: [1, 3, 1, 1], data: Float32Array.of(1, 2, 0) } as const;
  expect(await calibrator.apply(half)).toEqual(await calibrator.apply(single));
});

test("JSON restores a calibrator and shows damage", async () => {
  const calibrator = await distance();
  const text = JSON.stringify(calibrator);
  const again = calibratorFromJSON(JSON.parse(text));
  expect(JSON.stringify(again)).toBe(text);
  const { logits } = await fixture(planar).read(0, {});
  expect(await again.apply(logits)).toEqual(await calibrator.apply(logits));
  const json = JSON.parse(text);
  for (const [change, message] of [
    [{ kind: "metric" }, "json.kind: expected calibrator, got metric"],
    [{ version: 2 }, "json.version: expected version 1, got 2"],
    [{ name: "temprature" }, "json.name: expected one of none, temperature"],
    [{ classes: 1 }, "json.classes: expected an integer from 2 to 1024, got 1"],
    [{ checksum: 1 }, "json: damaged (checksum mismatch)"],
    [{ parameters: { ...json.parameters, lambda: 2 } }, "json: damaged (checksum mismatch)"],
  ] as const)
    expect(() => calibratorFromJSON({ ...json, ...change })).toThrow(message);
  expect(() => calibratorFromJSON(null)).toThrow(InvalidArgumentError);
});

test("parameters are checked by name", () => {
  const make = (parameters: object, name = "temperature"): (() => Calibrator) => {
    return () => new Calibrator(name as "temperature", 3, parameters as never);
  };
  const table = {
    windows: [[1, 1]],
    sides: "foreground",
    lambda: 1,
    scales: [
      [1, 1],
      [1, 1],
    ],
  };
  expect(make(table, "distance-temperature")).not.toThrow();
  for (const [parameters, name, message] of [
    [{ scale: -1 }, "temperature", "parameters.scale: expected a positive number, got -1"],
    [{ scale: 1, scal: 2 }, "temperature", 'parameters.scal: unknown option (did you mean "scale"?)'],
    [
      { ...table, windows: [[2, 1]] },
      "distance-temperature",
      "windows: expected half-widths that grow by 0 or 1",
    ],
    [{ ...table, scales: [[1, 1]] }, "distance-temperature", "parameters.scales: expected 2 sides, got 1"],
    [{ ...table, scales: [[1], [1]] }, "distance-temperature", "parameters.scales: expected 2 depths, got 1"],
    [
      {
        ...table,
        floor: [
          [0, 2],
          [0, 0],
        ],
      },
      "distance-temperature",
      "parameters.floor[0][1]: expected 0 to 1, got 2",
    ],
    [
      { ...table, sides: "both" },
      "distance-temperature",
      "parameters.sides: expected one of foreground, classes",
    ],
  ] as const)
    expect(make(parameters, name)).toThrow(message);
});

test("windows follow the spacing", () => {
  expect(depthWindows(2, 3)).toEqual([
    [1, 1],
    [2, 2],
    [3, 3],
  ]);
  expect(depthWindows(3, 4, [3, 1, 1.5])).toEqual([
    [0, 1, 0],
    [0, 2, 1],
    [1, 3, 2],
    [1, 4, 2],
  ]);
  expect(depthWindows(1, 3, [0.3 * 3])).toEqual([[1], [2], [3]]);
});

test("fits refuse what they cannot use, naming the case", async () => {
  const good = await fixture(planar).read(0, {});
  const fit = (change: object, options: object = {}): Promise<unknown> =>
    fitCalibrator("temperature", casesOf([good, { ...good, ...change }]), options);
  const nan = {
    ...good.logits,
    data: Float32Array.from(good.logits.data, (z, i) => (i === 7 ? Number.NaN : z)),
  };
  const stray = { ...good.labels, data: Uint8Array.from({ length: 360 }, (_, i) => (i === 5 ? 3 : 0)) };
  for (const [change, message] of [
    [{ logits: nan }, "case 1: values: NaN at pixel 7"],
    [{ labels: stray }, "case 1: labels: expected classes 0 to 2, got 3 at pixel 5"],
    [{ labels: { ...good.labels, dims: [1, 18, 20] } }, "case 1: labels: expected dims [1, 20, 18]"],
    [{ spacing: [1] }, "case 1: spacing: expected 2 numbers, got 1"],
    [{ group: 3 }, "case 1: group: expected a string, got 3"],
  ] as const)
    await expect(fit(change)).rejects.toThrow(message);
  await expect(fit({}, { fitOn: "band" })).rejects.toThrow(
    "fitOn: expected all, balanced or band:R, got band",
  );
  await expect(fit({}, { radios: 3 })).rejects.toThrow(
    'options.radios: unknown option (did you mean "radius"?)',
  );
  await expect(fitCalibrator("temprature" as never, casesOf([good]))).rejects.toThrow(
    "method: expected one of",
  );
  const unlabelled = { ...good, labels: { ...good.labels, data: new Uint8Array(360).fill(9) } as never };
  await expect(fitCalibrator("temperature", casesOf([unlabelled]), { ignore: 9 })).rejects.toThrow(
    "cases: no pixel counts; check ignore and fitOn",
  );
});

test("a fit ends when its signal is aborted, and warns of little data", async () => {
  const controller = new AbortController();
  const cases = fixture(planar);
  const read = (index: number): ReturnType<typeof cases.read> => {
    if (index === 2) controller.abort(new Error("enough"));
    return cases.read(index, {});
  };
  await expect(
    fitCalibrator("temperature", { count: 4, read }, { signal: controller.signal }),
  ).rejects.toThrow("enough");
  const { warnings } = await fitCalibrator(
    "distance-temperature",
    fixture({ ...planar, classes: 2, flipped: true }),
  );
  expect(warnings[0]).toContain("4 cases: fewer than 10");
  expect(
    warnings.some((warning) => warning.startsWith("side 1, depth 0: its scale is at the floor 0.02")),
  ).toBe(true);
});

test("masks change what counts", async () => {
  const scale = async (fitOn: "all" | "balanced" | `band:${number}`): Promise<number> => {
    const { calibrator } = await fitCalibrator("temperature", fixture(planar), { fitOn });
    return (calibrator as Calibrator<"temperature">).parameters.scale;
  };
  const [all, wide, balanced, band] = await Promise.all([
    scale("all"),
    scale("band:255"),
    scale("balanced"),
    scale("band:1"),
  ]);
  expect(balanced).not.toBe(all);
  expect(band).not.toBe(all);
  expect(wide).toBe(all);
  const { pixels } = await fitCalibrator("temperature", fixture(planar), { fitOn: "band:1" });
  expect(pixels).toBeGreaterThan(0);
  expect(pixels).toBeLessThan(720);
});

test.each([
  ["an unknown name", ["tempreture", 2, { scale: 1 }], "name: expected one of none, temperature"],
  ["no name", [undefined, 2, { scale: 1 }], "name: expected one of none, temperature"],
  ["no classes", ["temperature", undefined, { scale: 1 }], "classes: expected"],
  ["no parameters", ["temperature", 2, undefined], "parameters: expected"],
] as const)("a calibrator of %s is refused", (_, args, message) => {
  const make = Calibrator as unknown as new (...args: readonly unknown[]) => unknown;
  expect(() => new make(...args)).toThrow(message);
});
