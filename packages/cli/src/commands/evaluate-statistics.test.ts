import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pixelcal, type Ran } from "../run.test.helper.js";
import { labelsOf, putCase, twoClasses } from "./predictions.test.helper.js";

let root: string;
const at = (...parts: string[]): string => join(root, ...parts);
const evaluate = (set: string, ...more: string[]): Promise<Ran> =>
  pixelcal(["evaluate", "--predictions", at(set), "--out", at("r.csv"), ...more]);

const nameOf = (i: number): string => `sub-${String(i >> 1).padStart(2, "0")}_run-${i & 1}`;

/** Writes `count` cases of a run whose pixels give their label the probability `right`. */
async function putRun(
  folder: string,
  count: number,
  right: (i: number, pixel: number) => number,
): Promise<void> {
  for (let i = 0; i < count; i++) {
    const labels = [0, 1, 1, i % 2];
    const chances = labels.map((label, pixel) => (label === 1 ? right(i, pixel) : 1 - right(i, pixel)));
    await putCase(folder, nameOf(i), { probs: twoClasses(chances), label: labelsOf(labels) });
  }
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "pixelcal-statistics-"));
  await putRun(at("preds", "a"), 18, (i, pixel) =>
    pixel === i % 4 && i % 3 === 0 ? 0.4 : 0.6 + (i % 5) / 100,
  );
  await putRun(at("preds", "b"), 18, (i) => 0.8 + (i % 5) / 50);
  await putRun(at("few"), 7, () => 0.9);
});
afterAll(() => rm(root, { recursive: true }));

test("intervals over cases stand under the table and in the CSV", async () => {
  const { code, output } = await evaluate("preds");
  expect(code).toBe(0);
  expect(output).toContain("\n95 % intervals (bootstrap, 2,000 draws of cases):\nrun      over ");
  expect(output).toMatch(/\na +18 cases +0\.\d{4} \[0\.\d{4}, 0\.\d{4}\] /);
  const [header, first] = (await readFile(at("r.csv"), "utf8")).split("\n").map((line) => line.split(","));
  const value = (name: string): number => Number(first![header!.indexOf(name)]);
  expect(value("ECE low")).toBeLessThan(value("ECE"));
  expect(value("ECE high")).toBeGreaterThan(value("ECE"));
});

test("--reporting answers what the run knows of the guidelines", async () => {
  expect((await evaluate("preds", "--reporting", at("reporting.json"))).code).toBe(0);
  const { format, runs, items } = JSON.parse(await readFile(at("reporting.json"), "utf8"));
  expect([format, runs]).toEqual(["pixelcal-reporting", ["b", "a"]]);
  const known = items.filter((item: { known: boolean }) => item.known);
  expect([known.length > 10, items.length > known.length]).toEqual([true, true]);
});

test("--decision shows the net benefit of a decision about every image", async () => {
  const { code, output } = await evaluate("preds", "--decision", "volume>2");
  expect(code).toBe(0);
  expect(output).toMatch(
    /\na: volume > 2 in 9 of 18 cases; net benefit of acting from 20 % on -?\d\.\d{4} \[.*\], of acting on all 0\.3750 \[/,
  );
  const json = await evaluate("preds", "--decision", "volume>2", "--json");
  const { runs } = JSON.parse(json.output);
  expect(runs[0].statistics.decision).toMatchObject({ event: "volume > 2", cases: 18, events: 9 });
});

test("--decision lesion>V is about every predicted lesion, and survives saving", async () => {
  const { code, output } = await evaluate("preds", "--decision", "lesion>1");
  expect(code).toBe(0);
  expect(output).toMatch(
    /\na: lesion > 1 is real in \d+ of \d+; net benefit of acting from 20 % on -?\d\.\d{4} \[/,
  );
  const { runs } = JSON.parse(await readFile(at("r.json"), "utf8"));
  const { volumeAbove, probabilities, real } = runs[0].cases[0].decisions;
  expect([volumeAbove, probabilities.length]).toEqual([1, real.length]);
});

test.each(["area>2", "volume<2", "lesion>"])("--decision %s is a usage error", async (rule) => {
  const { code, messages } = await evaluate("preds", "--decision", rule);
  expect(code).toBe(2);
  expect(messages).toContain('Expected a rule such as "volume>100" or "lesion>30".');
});

test("seven cases are too few to say", async () => {
  const { output } = await evaluate("few");
  expect(output).toContain("\nfew: 7 cases, too few to say how far the means are known (intervals need 8)\n");
  expect(output).not.toContain("intervals (bootstrap");
});

describe("--group", () => {
  test("sub takes patients from BIDS names", async () => {
    const { output, code } = await evaluate("preds", "--group", "sub");
    expect(code).toBe(0);
    expect(output).toContain("\n95 % intervals (bootstrap, 2,000 draws of groups of cases):\n");
    expect(output).toMatch(/\na +9 groups \(18 cases\) /);
    const { runs } = JSON.parse(await readFile(at("r.json"), "utf8"));
    expect(runs[0].cases[3].group).toBe("sub-01");
  });

  test("takes a column of a table", async () => {
    const lines = Array.from({ length: 18 }, (_, i) => `${nameOf(i)}\t"site ${i % 3}"\tp${i >> 1}`);
    await writeFile(at("cases.tsv"), ["case\tsite\tpatient", ...lines, ""].join("\r\n"));
    const table = ["--groups", at("cases.tsv"), "--group"];
    const patients = await evaluate("preds", ...table, "patient");
    expect(patients.output).toContain(" 9 groups (18 cases) ");
    const sites = await evaluate("preds", ...table, "site");
    expect(sites.output).toContain("\na: 3 groups (18 cases), too few to say");
    const none = await evaluate("preds", ...table, "center");
    expect(none).toMatchObject({ code: 1 });
    expect(none.messages).toContain('cases.tsv: no column "center"; it has case, site, patient');
    await writeFile(at("half.csv"), `case,patient\n${nameOf(0)},p\n`);
    const half = await evaluate("preds", "--groups", at("half.csv"), "--group", "patient");
    expect(half.messages).toContain('half.csv: case "sub-00_run-1" has no group');
  });

  test("needs a table, or names with subjects", async () => {
    expect(await evaluate("preds", "--group", "patient")).toMatchObject({ code: 2 });
    expect(await evaluate("preds", "--groups", at("cases.tsv"))).toMatchObject({ code: 2 });
    await putCase(at("plain"), "case");
    const plain = await evaluate("plain", "--group", "sub");
    expect(plain.messages).toContain('--group sub: case "case" has no group');
  });
});

describe("--against", () => {
  test("compares the other runs of the table, case by case", async () => {
    const { output, code } = await evaluate("preds", "--against", "a");
    expect(code).toBe(0);
    expect(output).toContain("\nb against a, over 18 cases:\nscore ");
    expect(output).toMatch(
      /\nDSC +0\.9\d{3} +1\.0000 +\+0\.0\d{3} \[\+0\.\d{4}, \+0\.\d{4}\] +0\.\d{4} {2}better\n/,
    );
    expect(output).toMatch(
      /\nECE pooled +0\.\d{4} +0\.\d{4} +-0\.\d{4} \[-0\.\d{4}, -0\.\d{4}\] +- {2}better\n/,
    );
  });

  test("compares with saved results, of which a damaged file is refused", async () => {
    expect((await evaluate("preds/a")).code).toBe(0);
    const saved = await readFile(at("r.json"), "utf8");
    await writeFile(at("saved.json"), saved);
    const { output } = await evaluate("preds/a", "--against", at("saved.json"), "--json");
    const { comparisons, runs } = JSON.parse(output);
    expect(comparisons).toMatchObject([
      { before: "a (before)", after: "a", comparison: { cases: 18, groups: 18, unit: "case", left: [] } },
    ]);
    const words = comparisons[0].comparison.differences.map(({ verdict }: { verdict: string }) => verdict);
    expect(new Set(words)).toEqual(new Set(["unchanged"]));
    expect(runs[0].statistics).toMatchObject({
      cases: 18,
      tooFew: false,
      scores: { DSC: { value: expect.any(Number) } },
    });
    await writeFile(at("damaged.json"), saved.replace('"counted":4', '"counted":5'));
    expect((await evaluate("preds/a", "--against", at("damaged.json"))).messages).toContain(
      "damaged.json: checksum: the results were damaged or edited",
    );
  });

  test("refuses what is neither", async () => {
    const { code, messages } = await evaluate("preds", "--against", "c");
    expect(code).toBe(2);
    expect(messages).toContain(
      "--against: expected one of the runs a, b, or a results.json that evaluate saved, got c",
    );
    expect((await evaluate("preds/a", "--against", at("none.json"))).messages).toContain(
      "none.json: no such file",
    );
    expect((await evaluate("preds")).code).toBe(0);
    expect((await evaluate("preds", "--against", at("r.json"))).messages).toContain(
      "r.json: runs: expected one run to compare with, got b, a",
    );
  });
});
