import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Tensor, tensor } from "@pixelcal/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pixelcal, type Ran } from "../run.test.helper.js";
import { foreground, labelsOf, putCase, truth, twoClasses } from "./predictions.test.helper.js";

let root: string;
const at = (...parts: string[]): string => join(root, ...parts);
const evaluate = (folder: string, ...more: string[]): Promise<Ran> =>
  pixelcal(["evaluate", "--predictions", at(folder), "--out", at(`${folder}.csv`), ...more]);

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "pixelcal-probabilities-"));
});
afterAll(() => rm(root, { recursive: true }));

const channels = (...maps: (readonly number[])[]): Tensor<"float32"> =>
  tensor("float32", Float32Array.from(maps.flat()), [maps.length, 2, 2]);
const logits = foreground.map((p) => Math.log(p / (1 - p)));

describe("what is no probability", () => {
  const wrong: readonly [string, Tensor, string][] = [
    [
      "half",
      channels(
        foreground.map((p) => (1 - p) / 2),
        foreground.map((p) => p / 2),
      ),
      "got a sum of 0.5 at pixel 0 (4 of 4",
    ],
    ["sigmoids", channels([0.9, 0.6, 0.5, 0.9], [0.8, 0.9, 0.9, 0.7]), "got a sum of 1.7 at pixel 0 (4 of 4"],
    [
      "logits",
      channels(
        logits.map((z) => -z),
        logits,
      ),
      "got 1.38629 in class 0 at pixel 0",
    ],
    ["one", channels(foreground), "expected 2 classes or more, got 1 channel; --sigmoid is"],
  ];
  test.each(wrong)(
    "%s: refused with file, pixel, sum and cure, nothing is written",
    async (name, probs, message) => {
      await putCase(at(name), "a", { probs, label: labelsOf() });
      const { code, messages } = await evaluate(name);
      expect(messages.replace("1.3862943649291992", "1.38629")).toContain(message);
      expect(messages).toContain(`error: ${at(name, "a.npz")}: probs: `);
      expect(messages).toMatch(/--softmax|--sigmoid/);
      expect(code).toBe(1);
      expect(await readdir(root)).not.toContain(`${name}.csv`);
    },
  );

  test.each<[string, Tensor]>([
    [
      "softmax",
      channels(
        logits.map((z) => 1 - z / 2),
        logits.map((z) => 1 + z / 2),
      ),
    ],
    ["sigmoid", channels(logits)],
    [
      "normalize",
      channels(
        foreground.map((p) => 7 * (1 - p)),
        foreground.map((p) => 7 * p),
      ),
    ],
  ])("--%s makes it one, and results.json says so", async (name, probs) => {
    await putCase(at(`cure-${name}`), "a", { probs, label: labelsOf(truth) });
    await putCase(at("right"), "a", { probs: twoClasses(), label: labelsOf(truth) });
    expect((await evaluate(`cure-${name}`, `--${name}`)).code).toBe(0);
    expect((await evaluate("right")).code).toBe(0);
    const [cured, right] = await Promise.all(
      [`cure-${name}`, "right"].map(async (file) => JSON.parse(await readFile(at(`${file}.json`), "utf8"))),
    );
    expect(cured.settings.transform).toBe(name);
    expect(right.settings.transform).toBeUndefined();
    for (const [column, score] of Object.entries(right.runs[0].cases[0].scores))
      expect(cured.runs[0].cases[0].scores[column]).toBeCloseTo(score as number, 6);
  });

  test("multi-label outputs are refused by name, two cures at once as wrong usage", async () => {
    await putCase(at("multi"), "a", { probs: channels(logits, logits, logits), label: labelsOf() });
    const { code, messages } = await evaluate("multi", "--sigmoid");
    expect(messages).toContain("a.npz: probs: sigmoid outputs of 3 channels (multi-label) are not supported");
    expect(code).toBe(1);
    expect((await evaluate("multi", "--sigmoid", "--softmax")).code).toBe(2);
  });
});

test("a line of pixels is refused by file and number of axes", async () => {
  const probs = tensor("float32", twoClasses().data, [2, 4]);
  await putCase(at("line"), "a", { probs, label: labelsOf(truth, [4]) });
  const { code, messages } = await evaluate("line");
  expect(messages).toBe(
    "line: .npz predictions with probabilities and labels, 1 case\n" +
      `error: ${at("line", "a.npz")}: probs: expected 2 or 3 spatial axes, got 1 (shape [2,4])\n`,
  );
  expect(code).toBe(1);
});
