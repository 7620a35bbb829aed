import { expect, test } from "vitest";
import { setThreadCount, threadCount } from "../device.js";
import { golden } from "../fixture.test.helper.js";
import { fitCalibrator } from "./fit-calibrator.js";
import type { FitOptions } from "./fit-options.js";
import { type FixtureOptions, fixture } from "./fixture.test.helper.js";
import type { DistanceTable } from "./parameters.js";

interface Golden extends FixtureOptions {
  readonly name: string;
  readonly radius: number;
  readonly sides?: "foreground" | "classes";
  readonly ignore?: number;
  readonly temperature: number;
  readonly tables: Readonly<Record<string, readonly number[]>>;
  readonly lambda?: number;
}

const { fixtures } = golden<{ fixtures: Golden[] }>("calibrators");
const optionsOf = ({ ignore, radius, sides }: Golden): FitOptions => ({
  radius,
  ...(ignore !== undefined && { ignore }),
  ...(sides && { sides }),
});

function expectClose(got: readonly number[], expected: readonly number[]): void {
  expect(got.length).toBe(expected.length);
  for (const [i, value] of expected.entries())
    expect(Math.abs(got[i]! - value), `${i}: ${got[i]} for ${value}`).toBeLessThanOrEqual(
      1e-6 * Math.max(1, value),
    );
}

test.each(fixtures)("temperature is scipy's: $name", async (item) => {
  const { calibrator } = await fitCalibrator("temperature", fixture(item), optionsOf(item));
  expectClose([(calibrator.parameters as { scale: number }).scale], [item.temperature]);
});

const rows = fixtures.flatMap((item) =>
  Object.entries(item.tables).map(([lambda, table]) => ({
    item,
    name: item.name,
    lambda: Number(lambda),
    table,
  })),
);

test.each(rows)("distance-temperature is scipy's: $name, lambda $lambda", async ({ item, lambda, table }) => {
  const { calibrator } = await fitCalibrator("distance-temperature", fixture(item), {
    ...optionsOf(item),
    lambda,
  });
  expectClose((calibrator.parameters as DistanceTable).scales.flat(), table);
});

test.each(fixtures.filter(({ lambda }) => lambda !== undefined))(
  "lambda is that of four folds: $name",
  async (item) => {
    const { calibrator } = await fitCalibrator("distance-temperature", fixture(item), optionsOf(item));
    expect((calibrator.parameters as DistanceTable).lambda).toBe(item.lambda);
  },
);

test("a set too large to keep gives the same optimum, pass by pass", async () => {
  const item = fixtures[0]!;
  for (const method of ["temperature", "distance-temperature"] as const) {
    const options = { ...optionsOf(item), lambda: 1e-2 };
    const kept = await fitCalibrator(method, fixture(item), options);
    const streamed = await fitCalibrator(method, fixture(item), { ...options, keptLogits: 900 });
    const numbers = (parameters: object): number[] =>
      Object.values(parameters).flat(3).filter(Number.isFinite);
    expectClose(numbers(streamed.calibrator.parameters), numbers(kept.calibrator.parameters));
    expect(streamed.nll.after).toBeCloseTo(kept.nll.after, 12);
    expect(streamed.pixels).toBe(kept.pixels);
  }
});

test("the bits of a fit do not depend on the number of threads", async () => {
  const before = threadCount();
  try {
    const results: string[] = [];
    for (const threads of [1, 2, 3]) {
      setThreadCount(threads);
      const big = fixture({ classes: 3, size: [150, 140], cases: 2, noise: 4 });
      results.push(JSON.stringify((await fitCalibrator("distance-temperature", big)).calibrator));
    }
    expect(new Set(results).size).toBe(1);
  } finally {
    setThreadCount(before);
  }
});
