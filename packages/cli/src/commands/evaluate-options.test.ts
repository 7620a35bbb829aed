import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { pixelcal, type Ran } from "../run.test.helper.js";
import { labelsOf, putCase, twoClasses } from "./predictions.test.helper.js";

let root: string;
const at = (...parts: string[]): string => join(root, ...parts);
const evaluate = (...more: string[]): Promise<Ran> =>
  pixelcal(["evaluate", "--predictions", at("preds"), "--out", at("r.csv"), ...more]);
const settings = async (): Promise<Record<string, unknown>> =>
  JSON.parse(await readFile(at("r.json"), "utf8")).settings;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "pixelcal-options-"));
  await putCase(at("preds"), "hit");
  await putCase(at("preds"), "missed", { probs: twoClasses([0, 0, 0, 0.1]), label: labelsOf() });
  await putCase(at("preds"), "nothing", { probs: twoClasses([0, 0, 0, 0.1]), label: labelsOf([0, 0, 0, 0]) });
});
afterAll(() => rm(root, { recursive: true }));

test("policies of empty masks are the convention's unless given, and are recorded", async () => {
  const reference = await evaluate();
  expect(reference.output).toMatch(/\npreds +3 +0\.6667 ± \S+ +inf \(1 infinite\) /);
  expect(await settings()).toMatchObject({ bothEmpty: "perfect", oneEmpty: "worst" });
  const consistent = await evaluate("--convention", "consistent");
  expect(consistent.output).toMatch(
    /\npreds +3 +0\.5000 ± \S+ \(1 undefined\) +inf \(1 infinite, 1 undefined\) /,
  );
  expect(await settings()).toMatchObject({ bothEmpty: "undefined", oneEmpty: "worst" });
  const given = await evaluate("--both-empty", "undefined", "--one-empty", "diagonal");
  expect(given.output).toMatch(/\npreds +3 +0\.5000 ± \S+ \(1 undefined\) +1\.41 ± 2\.00 \(1 undefined\) /);
  expect(await settings()).toMatchObject({ bothEmpty: "undefined", oneEmpty: "diagonal" });
});

test("the columns that an option is about are shown, the pixels it bounds counted", async () => {
  const more = [
    "--tolerance",
    "2",
    "--percentile",
    "99",
    "--nll-floor",
    "1e-6",
    "--metrics",
    "boundary,smooth",
  ];
  const { code, output } = await evaluate(...more);
  expect(code).toBe(0);
  expect(output).toMatch(
    /^run +cases +DSC +HD95 +ECE +CECE +pECE +pECE if calibrated +pECE excess +boundary ECE +fpBrier +HD99 +NSD +NLL +boundary gap +smECE\n/,
  );
  expect(output).toContain("\npreds: 2 of 12 pixels are raised to the floor of NLL\n");
  expect(output).toContain("\npreds: 6 of 12 pixels are in no bin of pECE (probability 0)\n");
  expect(await settings()).toMatchObject({
    tolerance: 2,
    percentile: 99,
    nllFloor: 1e-6,
    metrics: ["boundary", "smooth"],
  });
  const header = (await readFile(at("r.csv"), "utf8")).split("\n")[0];
  expect(header).toMatch(/,HD99 class 1,NSD class 1,.*,pixels in no bin,pixels at the NLL floor$/);
});

test("a tolerance per class needs a convention with classes, and as many numbers", async () => {
  const list = await evaluate("--tolerance", "1,2");
  expect(list.messages).toContain('error: tolerance: expected one number with convention "reference"');
  expect((await evaluate("--tolerance", "1,2", "--convention", "consistent")).messages).toContain(
    "tolerance: expected 1 numbers, one for each foreground class, got [1, 2]",
  );
  for (const args of [
    ["--one-empty", "perfect"],
    ["--percentile", "101"],
    ["--nll-floor", "0"],
    ["--tolerance", "x"],
    ["--metrics", "lesion"],
    ["--lesions", "brats"],
  ])
    expect((await evaluate(...args)).code).toBe(2);
});
