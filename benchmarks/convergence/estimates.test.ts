import { Random } from "@pixelcal/core";
import { expect, test } from "vitest";
import { comparing, prepared, valuesOf } from "./estimates.mjs";
import { columnsOf } from "./scores.mjs";

const classes = 2;
const columns: string[] = columnsOf(classes);
const cases = ["a", "b", "c", "d", "e"];
/** Two cases of one patient, and three of one each. */
const groups = ["1", "1", "2", "3", "4"];

interface Run {
  readonly seed: number;
  readonly columns: string;
  readonly rows: Readonly<Record<string, readonly number[]>>;
}

/** Runs of a method with positive sums, `shift` of NLL a pixel above those of another shift. */
function runsOf(seeds: readonly number[], shift: number): Run[] {
  return seeds.map((seed) => {
    const random = Random.fromSeed(seed);
    const rowOf = (): number[] => {
      const row = columns.map(() => 1 + random.uniform());
      const at = columns.indexOf("nll");
      row[at] = row[at]! + shift * row[columns.indexOf("pixels")]!;
      return row;
    };
    return { seed, columns: columns.join(), rows: Object.fromEntries(cases.map((name) => [name, rowOf()])) };
  });
}

const tableOf = (runs: readonly Run[]): ReturnType<typeof prepared> => prepared(runs, cases, classes);

/** The twin: every draw sums the cases drawn again, as often as they are, and averages the seeds drawn. */
function drawnNll(method: readonly Run[], baseline: readonly Run[], count: number): number[] {
  const random = Random.fromSeed(1);
  const patients = [...new Set(groups)];
  return Array.from({ length: count }, () => {
    const drawn = patients.flatMap(() => {
      const patient = patients[random.integer(patients.length)]!;
      return cases.filter((_, i) => groups[i] === patient);
    });
    const places = method.map(() => random.integer(method.length));
    const nll = ({ rows }: Run): number => {
      const sum = (name: string): number =>
        drawn.reduce((total, one) => total + rows[one]![columns.indexOf(name)]!, 0);
      return sum("nll") / sum("pixels");
    };
    const mean = (runs: readonly Run[]): number =>
      places.reduce((total, place) => total + nll(runs[place]!), 0) / places.length;
    return mean(method) - mean(baseline);
  }).sort((a, b) => a - b);
}

test("an interval is that of draws of patients and seeds", () => {
  const method = runsOf([1, 2, 3], 0);
  const baseline = runsOf([11, 12, 13], 0).map((run) => ({ ...run, seed: run.seed - 10 }));
  const twin = drawnNll(method, baseline, 200);
  const { seeds, of } = comparing(groups, 200)(tableOf(method), tableOf(baseline));
  expect(seeds).toBe(3);
  expect(of.NLL.low).toBeCloseTo(twin[5]!, 12);
  expect(of.NLL.high).toBeCloseTo(twin[195]!, 12);
});

test("a comparison does not depend on those before it", () => {
  const [one, other, baseline] = [runsOf([1, 2, 3], 1), runsOf([2, 3], 2), runsOf([1, 2, 3], 0)].map(tableOf);
  const compare = comparing(groups, 100);
  const [first, second] = [compare(one, baseline), compare(other, baseline)];
  expect(compare(one, baseline)).toEqual(first);
  expect(comparing(groups, 100)(other, baseline)).toEqual(second);
});

test("a constant difference has no width, and seeds that one lacks do not count", () => {
  const [method, baseline] = [runsOf([1, 2, 3, 4], 0.25), runsOf([2, 3, 9], 0)].map(tableOf);
  const { seeds, of, byCase } = comparing(groups, 100)(method, baseline);
  expect(seeds).toBe(2);
  for (const end of [of.NLL.mean, of.NLL.low, of.NLL.high]) expect(end).toBeCloseTo(0.25, 12);
  expect(of.DSC).toEqual({ mean: 0, low: 0, high: 0 });
  expect(byCase["NLL of a case"]).toMatchObject({ below: 0, above: cases.length, cases: cases.length });
});

test("values are those of all cases, averaged over seeds", () => {
  const runs = runsOf([1, 2], 0);
  const sum = ({ rows }: Run, name: string): number =>
    cases.reduce((total, one) => total + rows[one]![columns.indexOf(name)]!, 0);
  const nll = runs.map((run) => sum(run, "nll") / sum(run, "pixels"));
  expect(valuesOf(tableOf(runs)).NLL).toBeCloseTo((nll[0]! + nll[1]!) / 2, 12);
});
