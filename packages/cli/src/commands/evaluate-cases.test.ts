import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pixelcal, type Ran } from "../run.test.helper.js";
import { labelsOf, putCase, twoClasses } from "./predictions.test.helper.js";

let root: string;
const at = (...parts: string[]): string => join(root, ...parts);
const evaluate = (...more: string[]): Promise<Ran> =>
  pixelcal(["evaluate", "--predictions", at("preds"), "--out", at("r.csv"), ...more]);
const results = async (): Promise<{
  settings: { common: boolean };
  runs: { run: string; missing: string[]; relabelled: string[]; cases: { name: string }[] }[];
}> => JSON.parse(await readFile(at("r.json"), "utf8"));

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "pixelcal-cases-"));
  // Run b lacks the case that a gets wrong; c has other labels for one.
  const wrong = { probs: twoClasses([0.9, 0.2, 0.1, 0.8]), label: labelsOf() };
  await putCase(at("preds", "a"), "easy");
  await putCase(at("preds", "a"), "hard", wrong);
  await putCase(at("preds", "b"), "easy");
  await putCase(at("preds", "c"), "easy", { probs: twoClasses(), label: labelsOf([1, 1, 1, 0]) });
  await putCase(at("preds", "c"), "hard", wrong);
});
afterAll(() => rm(root, { recursive: true }));

const warnings = [
  "warning: b lacks 1 case: hard\n",
  "warning: c has other labels than an earlier run in 1 case: easy\n",
];

describe("runs over different cases", () => {
  test("are warned of, marked, never above complete ones, and a failure", async () => {
    const { code, output, messages } = await evaluate();
    for (const warning of warnings) expect(messages).toContain(warning);
    expect(messages).toMatch(/error: runs do not hold the same cases: --missing skip takes .*\n$/);
    expect(output).toMatch(/\na +2 {2,}0\.5000 .*\nb +1 of 2 {2,}1\.0000.*\nc +2, 1 relabelled /);
    expect(code).toBe(1);
    expect((await results()).runs.map(({ run, missing, relabelled }) => [run, missing, relabelled])).toEqual([
      ["a", [], []],
      ["b", ["hard"], []],
      ["c", [], ["easy"]],
    ]);
    expect(await readFile(at("r.csv"), "utf8")).toMatch(
      /missing cases,relabelled cases,.*\na,.*\nb,.*,1,0,4,0,0\n/,
    );
  });

  test("--missing skip scores each run's own cases, with the same warnings", async () => {
    const { code, messages } = await evaluate("--missing", "skip");
    expect(messages.replaceAll(/^\w: \.npz predictions .*\n/gm, "")).toBe(warnings.join(""));
    expect(code).toBe(0);
  });

  test("--common compares cases that all runs have with the same labels", async () => {
    const none = await evaluate("--common");
    expect(none.messages).toContain("error: --common: no case has the same labels in every run: easy\n");
    expect(none.code).toBe(1);
    await putCase(at("preds", "b"), "third");
    await putCase(at("preds", "a"), "third");
    await putCase(at("preds", "c"), "third");
    const { code, output } = await evaluate("--common");
    expect(code).toBe(0);
    expect(output).toMatch(/\na +1 .*1\.0000/);
    const { settings, runs } = await results();
    expect(settings.common).toBe(true);
    for (const { cases } of runs) expect(cases.map(({ name }) => name)).toEqual(["third"]);
  });

  test("one broken file of one run: nothing is written, the file is named", async () => {
    await writeFile(at("preds", "b", "easy.npz"), "PK nonsense");
    const out = ["--out", at("broken.csv")];
    const { code, messages } = await evaluate("--missing", "skip", ...out);
    expect(messages).toContain(`error: ${at("preds", "b", "easy.npz")}: `);
    expect(code).toBe(1);
    await expect(readFile(at("broken.csv"))).rejects.toThrow("ENOENT");
  });
});

test("--write monai writes MONAI's reports of one run, and of no more", async () => {
  for (const run of ["a", "b"]) await putCase(at("two", run), "easy");
  const monai = (...parts: string[]): Promise<Ran> =>
    pixelcal(["evaluate", "--predictions", at(...parts), "--out", at("monai", "r.csv"), "--write", "monai"]);
  const { code, messages } = await monai("two");
  expect(messages).toMatch(/--write monai: expected one run without regions, got /);
  expect(code).toBe(2);
  expect((await monai("two", "a")).code).toBe(0);
  expect(await readFile(at("monai", "mean_dice_raw.csv"), "utf8")).toMatch(
    /^filename,class1,mean\neasy,1\.0000,/,
  );
});
