import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { pixelcal } from "../run.test.helper.js";
import { shareOut } from "../runs/phantoms.js";

let root: string;
let data: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "pixelcal-demo-"));
  data = join(root, "data");
  await pixelcal(["phantom", "--out", data, "--cases", "7", "--size", "16x16"]);
});
afterAll(() => rm(root, { recursive: true }));

test("a comparison on one's own data: table, predictions, models", async () => {
  const out = join(root, "out");
  const args = [
    "demo",
    "--data",
    data,
    "--out",
    out,
    "--classes",
    "4",
    "--epochs",
    "2",
    "--base",
    "2",
    "--threads",
    "1",
  ];
  const { code, output, messages } = await pixelcal([...args, "--methods", "ce,sdc"]);
  expect(messages).toContain(
    "4 cases to train, 1 to validate, 2 to test, 4 classes; U-Net 2-D base 2, 2 epochs",
  );
  expect(code).toBe(0);
  expect(output).toMatch(/\nrun +NLL +fpBrier +DSC +ECE +boundary ECE +temperature +pECE +if calibrated\n/);
  expect(output).toMatch(/\nNLL, a proper score, from (ce|sdc) /);
  expect(output).not.toContain("truth error");
  for (const method of ["ce", "sdc"]) {
    expect(await readdir(join(out, "runs", method))).toContain("model.onnx");
    expect(await readdir(join(out, "preds", method))).toEqual(["case_0000.npz", "case_0001.npz"]);
  }
  expect(await readFile(join(out, "results.csv"), "utf8")).toMatch(/^run,DSC,HD95,ECE,CECE,pECE,/);
  const { settings, runs } = JSON.parse(await readFile(join(out, "results.json"), "utf8"));
  expect(settings.methods).toEqual(["ce", "sdc"]);
  expect(runs).toHaveLength(2);
  // The second run replaces the first.
  expect((await pixelcal([...args, "--methods", "ce"])).code).toBe(0);
});

// It generates several hundred phantoms.
test("generated data have a column for the distance to the truth", async () => {
  const out = join(root, "generated");
  const args = ["demo", "--quick", "--out", out, "--epochs", "1", "--base", "2", "--threads", "1"];
  const { code, output } = await pixelcal([...args, "--methods", "ce", "--batch", "16"]);
  expect(code).toBe(0);
  expect(output).toMatch(/\nrun +truth error +NLL +fpBrier +DSC /);
  expect((await readdir(out)).sort()).toEqual([
    "data",
    "demo.json",
    "preds",
    "results.csv",
    "results.json",
    "runs",
  ]);
});

test("a folder that no demo made is left alone", async () => {
  const { code, messages } = await pixelcal(["demo", "--out", data, "--methods", "ce"]);
  expect(messages).toContain("is not empty and holds no earlier demo");
  expect(code).toBe(1);
});

test("fewer classes than the labels have", async () => {
  const { code, messages } = await pixelcal([
    "demo",
    "--data",
    data,
    "--out",
    join(root, "x"),
    "--classes",
    "2",
  ]);
  expect(messages).toMatch(/error: --classes: 2, but .* has labels up to 3/);
  expect(code).toBe(2);
});

test("a data set without a split", async () => {
  const { code, messages } = await pixelcal(["demo", "--data", join(root, "none"), "--out", join(root, "x")]);
  expect(messages).toContain("none/train: no such folder; expected ROOT/{train,val,test}/*.npz");
  expect(code).toBe(1);
  expect(await readdir(root)).not.toContain("x");
});

test.each([
  [3, { train: 1, val: 1, test: 1 }],
  [8, { train: 5, val: 1, test: 2 }],
  [100, { train: 62, val: 13, test: 25 }],
])("%i cases are shared out", (count, shares) => {
  expect(shareOut(count)).toEqual(shares);
});
