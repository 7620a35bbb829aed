import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Random, tensor } from "@pixelcal/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pixelcal, type Ran } from "../run.test.helper.js";
import { labelsOf, putCase } from "./predictions.test.helper.js";

let root: string;
const at = (...parts: string[]): string => join(root, ...parts);
const pageOf = (name: string): Promise<string> => readFile(at(name), "utf8");
const names = Array.from({ length: 9 }, (_, i) => `case_${i}`);
const dims = [8, 8];

/** Writes the predictions of a run: the labels of every case, blurred by `sharpness`. */
async function putRun(run: string, sharpness: number): Promise<void> {
  for (const [i, name] of names.entries()) {
    const random = Random.fromSeed(i);
    const labels = Array.from({ length: 64 }, (_, p) =>
      Number(Math.hypot(p % 8, p >> 3) < 3 + random.uniform() * 3),
    );
    const chances = labels.map((label) => {
      const off = 0.9 * random.uniform() ** sharpness;
      return label === 1 ? 1 - off : off;
    });
    const probs = tensor("float32", Float32Array.from([...chances.map((p) => 1 - p), ...chances]), [
      2,
      ...dims,
    ]);
    await putCase(at("preds", run), name, { probs, label: labelsOf(labels, dims) });
  }
}

const evaluate = (...more: string[]): Promise<Ran> =>
  pixelcal(["evaluate", "--predictions", at("preds"), "--out", at("r.csv"), ...more]);
const report = (...args: string[]): Promise<Ran> => pixelcal(["report", ...args, "--out", at("page.html")]);

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "pixelcal-report-"));
  await putRun("blurred", 1);
  await putRun("sharp", 4);
  for (const name of names) {
    const data = Float32Array.from({ length: 64 }, (_, p) => p);
    await putCase(at("images"), name, { image: tensor("float32", data, [1, ...dims]) });
  }
  await evaluate();
});
afterAll(() => rm(root, { recursive: true }));

describe("evaluate --report", () => {
  test("compares two runs, with pictures of the worst cases", async () => {
    const { code, output } = await evaluate("--report", at("both.html"), "--images", at("images"), "--json");
    expect(code).toBe(0);
    const page = await pageOf("both.html");
    expect(JSON.parse(output).report).toEqual({
      file: at("both.html"),
      bytes: Buffer.byteLength(page),
      pictures: 9,
    });
    expect(page).toMatch(/<p class="lead"><b>sharp is better than blurred in /);
    expect(page.match(/data-tile="contours"/g)).toHaveLength(9);
    expect(page.match(/<image /g)!.length).toBeGreaterThan(9 * 3);
  });

  test("three runs are refused after the table is written, naming the cure", async () => {
    await putRun("third", 2);
    const { code, messages } = await evaluate("--report", at("three.html"));
    expect(code).toBe(1);
    expect(messages).toContain("a report shows one or two runs, got 3 (");
    expect(messages).toContain("pixelcal report RESULTS.json --run NAME");
    expect(JSON.parse(await readFile(at("r.json"), "utf8")).runs).toHaveLength(3);
    await rm(at("preds", "third"), { recursive: true });
    await evaluate();
  });
});

describe("report", () => {
  test("shows the runs that --run names, in their order, and writes the same bytes twice", async () => {
    const { code, output } = await report(at("r.json"), "--run", "sharp", "--run", "blurred");
    expect([code, output]).toEqual([0, `${at("page.html")}: sharp and blurred, 9 cases, 0 in pictures\n`]);
    const page = await pageOf("page.html");
    expect(page).toMatch(/<p class="lead"><b>blurred is worse than sharp in /);
    await report(at("r.json"), "--run", "sharp", "--run", "blurred");
    expect((await pageOf("page.html")) === page).toBe(true);
  });

  test("two files are compared; equal names get those of the files", async () => {
    await pixelcal(["evaluate", "--predictions", at("preds", "sharp"), "--out", at("one.csv")]);
    await writeFile(at("two.json"), await readFile(at("one.json")));
    const { code, output } = await report(at("one.json"), at("two.json"), "--json");
    expect(code).toBe(0);
    expect(JSON.parse(output)).toMatchObject({
      command: "report",
      runs: ["sharp (one.json)", "sharp (two.json)"],
      cases: 9,
      pictures: 0,
    });
  });

  test("draws pictures, training curves and calibrators beside the results", async () => {
    await writeFile(
      at("log.csv"),
      "epoch,learning_rate,train_loss,validation_dice\n1,0.1,0.5,0.7\n2,0.1,0.4,0.8\n",
    );
    const table = {
      columns: [{ name: "NLL", better: "lower" }],
      rows: [
        {
          method: "temperature",
          values: [0.09],
          difference: 0.01,
          interval: [0.005, 0.02],
          labelsChanged: false,
        },
        { method: "isotonic", values: [0.08], best: true, labelsChanged: true },
      ],
    };
    await writeFile(at("calibrators.json"), JSON.stringify({ command: "calibrate", fits: [{ table }] }));
    const { code, messages } = await report(
      ...[at("r.json"), "--run", "sharp", "--predictions", at("preds"), "--images", at("images")],
      ...["--training", root, "--calibrators", at("calibrators.json")],
    );
    expect([code, messages.includes("error")]).toEqual([0, false]);
    const page = await pageOf("page.html");
    for (const text of [
      "validation Dice</b>",
      "isotonic (chosen)",
      "+0.0100",
      "may change",
      "Worst calibrated cases",
    ])
      expect([text, page.includes(text)]).toEqual([text, true]);
  });

  test.each([
    [["none.json"], 1, "none.json: no such file"],
    [["r.csv"], 1, "r.csv: expected saved results"],
    [["r.json", "--run", "other"], 2, "--run: no run other in the results, which hold "],
    [["r.json", "--images", "images"], 2, "--images: needs --predictions"],
    [
      ["r.json", "--predictions", "preds/sharp"],
      2,
      "--predictions: no predictions of blurred, only of sharp",
    ],
    [["r.json", "--run", "sharp", "--training", "images"], 1, "log.csv: no such file"],
    [["r.json", "--run", "sharp", "--calibrators", "r.json"], 1, "r.json: fits: has no table of candidates"],
  ])("%j is refused with exit code %i", async (args, exitCode, message) => {
    const { code, messages } = await report(
      ...args.map((arg) =>
        /^[a-z]+(\.|$|\/)/.test(arg) && !["sharp", "other"].includes(arg) ? at(arg) : arg,
      ),
    );
    expect(messages).toContain(message);
    expect(code).toBe(exitCode);
  });

  test("results of other settings are not compared", async () => {
    await pixelcal([
      "evaluate",
      "--predictions",
      at("preds", "blurred"),
      "--out",
      at("b.csv"),
      "--bins",
      "15",
    ]);
    const { code, messages } = await report(at("one.json"), at("b.json"));
    expect(messages).toContain(
      "were scored by other settings: bins 10 and 15; score both with the same options",
    );
    expect(code).toBe(1);
  });

  test("a region is shown alone, with pictures of its own", async () => {
    const regions = ["--regions", "disc=1,rest=0"];
    const page = ["--out", at("regions.csv"), "--report", at("regions.html")];
    const both = await pixelcal(["evaluate", "--predictions", at("preds", "sharp"), ...regions, ...page]);
    expect([both.code, both.messages]).toEqual([
      1,
      expect.stringContaining("a report shows one region, got "),
    ]);
    const drawn = ["--run", "sharp disc", "--predictions", at("preds", "sharp"), "--images", at("images")];
    const { code, output } = await report(at("regions.json"), ...drawn, ...regions);
    expect([code, output]).toEqual([0, `${at("page.html")}: sharp disc, 9 cases, 9 in pictures\n`]);
    expect(await pageOf("page.html")).toContain("disc</b>");
    const unknown = await report(at("regions.json"), ...drawn);
    expect([unknown.code, unknown.messages]).toEqual([
      2,
      expect.stringContaining("--predictions: sharp has no region disc; --regions says what it is"),
    ]);
  });

  test("an image of another size is refused by the name of the case", async () => {
    for (const name of names)
      await putCase(at("small"), name, { image: tensor("float32", new Float32Array(4), [1, 2, 2]) });
    const { code, messages } = await report(
      ...[at("r.json"), "--run", "sharp", "--predictions", at("preds"), "--images", at("small")],
    );
    expect(messages).toMatch(/case_\d: image: expected shape \[8,8\] to match labels, got \[2,2\]/);
    expect(code).toBe(1);
  });
});
