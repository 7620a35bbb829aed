import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { InvalidArgumentError } from "../errors.js";
import { type Tensor, tensor } from "../tensor.js";
import {
  type SurfaceDistances,
  type SurfaceDistancesOptions,
  surfaceDistances,
  surfaceDistancesSync,
} from "./surface-distance.js";

interface Golden {
  readonly tolerance: number;
  readonly cases: readonly {
    readonly size: readonly number[];
    readonly spacing: readonly number[];
    readonly a: string;
    readonly b: string;
    readonly reference: number | null;
    readonly deepmind: Readonly<Record<"hd" | "hd95" | "nsd" | "aToB" | "bToA", number>>;
  }[];
}

const path = new URL("../../test/golden/surface-distance.json", import.meta.url);
const golden = JSON.parse(readFileSync(path, "utf8")) as Golden;

function bits(text: string, size: readonly number[]): Tensor<"uint8"> {
  return tensor("uint8", Uint8Array.from(text, Number), [1, ...size]);
}

// The fixture of the project's golden numbers: the prediction is the arg-max of 3 sin(1 + 2n + 3c + 0.9i +
// 0.5j).
const truth = ["000000001110000111000011122200002220000222", "001111000111100011110000000000000000000000"];
const predicted = [0, 1].map((n) => {
  const score = (i: number, c: number): number =>
    Math.sin(1 + 2 * n + 3 * c + 0.9 * Math.floor(i / 7) + 0.5 * (i % 7));
  return Array.from({ length: 42 }, (_, i) =>
    [0, 1, 2].reduce((best, c) => (score(i, c) > score(i, best) ? c : best), 0),
  ).join("");
});
const ofClass = (map: string, c: number): Tensor<"uint8"> =>
  bits(
    map.replace(/./g, (label) => (Number(label) === c ? "1" : "0")),
    [6, 7],
  );
const foreground = (map: string): Tensor<"uint8"> => bits(map.replace(/[12]/g, "1"), [6, 7]);
const between = (n: number, c: number, options: SurfaceDistancesOptions) =>
  surfaceDistancesSync(ofClass(predicted[n]!, c), ofClass(truth[n]!, c), options)[0]!;

describe("golden numbers", () => {
  test("the fixture's arg-max", () => {
    expect(predicted[0]).toBe("002221122211112211111111111011110001100022");
  });

  test("SDC repository: HD95 of the foreground", () => {
    const of = (n: number) => surfaceDistancesSync(foreground(predicted[n]!), foreground(truth[n]!))[0]!.hd95;
    expect(of(0)).toBeCloseTo(2.23606801, 7);
    expect(of(1)).toBeCloseTo(3.02434158, 7);
  });

  test("MONAI: HD, HD95, ASSD, NSD", () => {
    const of = (n: number, c: number) => between(n, c, { convention: "monai" });
    expect([of(0, 1).hd, of(0, 2).hd, of(1, 1).hd]).toEqual([Math.sqrt(10), Math.sqrt(20), Math.sqrt(10)]);
    expect(of(0, 1).hd95).toBeCloseTo(3.040569305419922, 6);
    expect(of(0, 2).hd95).toBeCloseTo(4.315072536468506, 6);
    expect(of(1, 1).hd95).toBeCloseTo(3.0486834049224854, 6);
    expect(of(0, 1).assd).toBeCloseTo(1.3109517097473145, 6);
    expect(of(0, 2).assd).toBeCloseTo(2.0894224643707275, 6);
    expect(of(1, 1).assd).toBeCloseTo(0.8490709066390991, 6);
    expect([of(0, 1).nsd, of(1, 1).nsd]).toEqual([0.625, 0.72]);
    expect(of(0, 2).nsd).toBeCloseTo(1 / 3, 12);
    const spaced = (n: number, c: number) => between(n, c, { convention: "monai", spacing: [2, 0.5] }).hd95;
    expect(spaced(0, 1)).toBeCloseTo(4.007781982421875, 6);
    expect(spaced(0, 2)).toBeCloseTo(6.054878234863281, 6);
    expect(spaced(1, 1)).toBeCloseTo(6.006239414215088, 6);
  });

  test("DeepMind: mean distances, HD95, NSD", () => {
    const of = (c: number, spacing?: readonly number[]) => between(0, c, { convention: "deepmind", spacing });
    // In that package the labels come first.
    expect([of(1).bToA, of(2).bToA]).toEqual([
      expect.closeTo(0.7117475781476617, 6),
      expect.closeTo(0.9729514531114031, 6),
    ]);
    expect([of(1).aToB, of(2).aToB]).toEqual([
      expect.closeTo(1.444197139503331, 6),
      expect.closeTo(2.2486824994315198, 6),
    ]);
    expect([of(1).hd95, of(2).hd95]).toEqual([3, Math.sqrt(17)]);
    expect(of(1).nsd).toBeCloseTo(0.6684459808692896, 12);
    expect(of(2).nsd).toBeCloseTo(0.39134889962131464, 12);
    expect(of(1, [2, 0.5]).hd95).toBe(4);
    expect(of(2, [2, 0.5]).hd95).toBeCloseTo(6.082762530298219, 12);
    expect(of(1, [2, 0.5]).nsd).toBeCloseTo(0.6463955762008279, 12);
    expect(of(2, [2, 0.5]).nsd).toBeCloseTo(0.4183420913223977, 12);
  });

  test.each(golden.cases.map((c, i) => [i, c] as const))(
    "masks of the authors' packages, case %d",
    (_, c) => {
      const [a, b] = [bits(c.a, c.size), bits(c.b, c.size)];
      const options = { spacing: c.spacing, tolerance: golden.tolerance };
      const deepmind = surfaceDistancesSync(a, b, { ...options, convention: "deepmind" })[0]!;
      for (const [name, value] of Object.entries(c.deepmind)) {
        const got = deepmind[name as keyof typeof c.deepmind];
        expect(Math.abs(got - value), `${name}: ${got}, not ${value}`).toBeLessThanOrEqual(1e-6 * value);
      }
      if (c.reference !== null) expect(surfaceDistancesSync(a, b)[0]!.hd95).toBe(c.reference);
    },
  );
});

describe("empty masks", () => {
  const none = tensor("uint8", new Uint8Array(12), [1, 3, 4]);
  const some = tensor(
    "uint8",
    Uint8Array.from({ length: 12 }, (_, i) => (i === 5 ? 1 : 0)),
    [1, 3, 4],
  );
  const [inf, nan] = [Number.POSITIVE_INFINITY, Number.NaN];
  test.each<[SurfaceDistancesOptions, number, number, number, number]>([
    [{}, 0, 1, inf, 0],
    [{ convention: "monai" }, nan, nan, inf, 0],
    [{ convention: "deepmind" }, nan, nan, inf, 0],
    [{ convention: "monai", empty: "reference" }, 0, 1, inf, 0],
    [{ empty: "diagonal", spacing: [1, 1] }, 0, 1, 5, 0],
    [{ empty: "nan" }, nan, nan, nan, nan],
    [{ bothEmpty: "undefined" }, nan, nan, inf, 0],
    [{ bothEmpty: "undefined", oneEmpty: "diagonal", spacing: [2, 1] }, nan, nan, Math.sqrt(52), 0],
    [{ convention: "monai", bothEmpty: "perfect" }, 0, 1, inf, 0],
    [{ convention: "monai", oneEmpty: "undefined" }, nan, nan, nan, nan],
  ])("%j", (options, both, bothNsd, one, oneNsd) => {
    const all = ({ hd, hd95, hdPercentile, assd, aToB, bToA, nsd }: SurfaceDistances) => [
      [hd, hd95, hdPercentile, assd, aToB, bToA],
      nsd,
    ];
    expect(all(surfaceDistancesSync(none, none, options)[0]!)).toEqual([Array(6).fill(both), bothNsd]);
    expect(all(surfaceDistancesSync(some, none, options)[0]!)).toEqual([Array(6).fill(one), oneNsd]);
    expect(all(surfaceDistancesSync(none, some, options)[0]!)).toEqual([Array(6).fill(one), oneNsd]);
  });
});

describe("unequal spacing", () => {
  test.each(["reference", "monai", "deepmind"] as const)("a distance at the tolerance: %s", (convention) => {
    const a = bits("000000011000011000000000", [4, 6]);
    const b = bits("000000001100001100000000", [4, 6]);
    const [found] = surfaceDistancesSync(a, b, { spacing: [5, 0.7], tolerance: 0.7, convention });
    expect(found).toMatchObject({ nsd: 1, hd: 0.7 });
  });

  test.each([
    [[1e19, 3e19], Math.hypot(1e19, 6e19)],
    [[1e-160, 1e-150], 2e-150],
    [[1e200, 1e200], Math.hypot(1e200, 2e200)],
  ])("spacing %j", (spacing, distance) => {
    const [a, b] = [bits("100000", [2, 3]), bits("000001", [2, 3])];
    for (const convention of ["reference", "monai"] as const) {
      const [{ hd, hd95, assd }] = surfaceDistancesSync(a, b, { spacing, convention }) as [SurfaceDistances];
      for (const found of [hd, hd95, assd]) expect(found / distance).toBeCloseTo(1, 6);
    }
  });
});

test("a batch gives one result per image, the same on and off the thread", async () => {
  const data = Uint8Array.from({ length: 2 * 5 * 6 * 7 }, (_, i) => ((i * 7919) % 13 > 6 ? 1 : 0));
  const a = tensor("uint8", data, [2, 5, 6, 7]);
  const b = tensor("bool", data.slice().reverse(), [2, 5, 6, 7]);
  const all = await surfaceDistances(a, b, { spacing: [3, 1, 1] });
  expect(all).toEqual(surfaceDistancesSync(a, b, { spacing: [3, 1, 1] }));
  const second = surfaceDistancesSync(
    tensor("uint8", a.data.subarray(210), [1, 5, 6, 7]),
    tensor("bool", b.data.subarray(210), [1, 5, 6, 7]),
    { spacing: [3, 1, 1] },
  );
  expect(second[0]).toEqual(all[1]);
});

test("rejected arguments", () => {
  const mask = tensor("uint8", new Uint8Array(12), [1, 3, 4]);
  const call =
    (options: object, a: Tensor = mask, b: Tensor = mask) =>
    () =>
      surfaceDistancesSync(a as Tensor<"uint8">, b as Tensor<"uint8">, options);
  const floats = tensor("float32", new Float32Array(12), [1, 3, 4]);
  const flat = tensor("uint8", new Uint8Array(12), [3, 4]);
  const other = tensor("uint8", new Uint8Array(12), [1, 4, 3]);
  for (const [run, message] of [
    [call({}, floats), "a: expected type uint8 or bool, got float32"],
    [call({}, mask, floats), "b: expected type uint8 or bool, got float32"],
    [call({}, flat, flat), "a: expected rank 3 to 4, got 2"],
    [call({}, mask, other), "b: expected dims [1, 3, 4], got [1, 4, 3]"],
    [call({ convention: "medpy" }), "convention: expected one of reference, monai, deepmind, got medpy"],
    [call({ empty: "zero" }), "empty: expected one of nan, reference, diagonal, got zero"],
    [call({ empty: "nan", oneEmpty: "worst" }), "empty: cannot be combined with bothEmpty or oneEmpty"],
    [call({ bothEmpty: "nan" }), "bothEmpty: expected one of undefined, perfect, got nan"],
    [call({ percentile: -1 }), "percentile: expected a number from 0 to 100, got -1"],
    [call({ tolerance: [1] }), "tolerance: expected a number of at least 0, got [1]"],
    [call({ tolerance: -1 }), "tolerance: expected a number of at least 0, got -1"],
    [call({ tolerance: Number.NaN }), "tolerance: expected a number of at least 0, got NaN"],
    [call({ spacing: [1] }), "spacing: expected 2 numbers, got 1"],
    [call({ spacing: [1, 0] }), "spacing: expected a positive number, got 0"],
    [call({ device: "tpu" }), "device: expected one of cpu"],
  ] as const) {
    expect(run).toThrow(InvalidArgumentError);
    expect(run).toThrow(message);
  }
});
