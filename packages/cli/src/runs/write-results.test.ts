import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { summaryOf } from "@pixelcal/evaluate";
import { expect, test } from "vitest";
import { writeResults } from "./evaluate.js";

test("of evaluations that write at once, the two files are of one", async () => {
  const folder = await mkdtemp(join(tmpdir(), "pixelcal-results-"));
  const files = { csv: join(folder, "a.csv"), json: join(folder, "a.json") };
  const writing = Array.from({ length: 8 }, (_, number) => {
    const evaluation = summaryOf([
      { name: "case", scores: { DSC: number }, pixels: { counted: 1, unbinned: 0, bounded: 0 }, labels: "x" },
    ]);
    return writeResults(
      [{ run: `run${number}`, evaluation, missing: [], relabelled: [] }],
      { number },
      files,
    );
  });
  await Promise.all(writing);
  const [, run] = /^run(\d)/m.exec((await readFile(files.csv, "utf8")).split("\n")[1]!)!;
  expect(JSON.parse(await readFile(files.json, "utf8")).settings.number).toBe(Number(run));
  expect((await readdir(folder)).sort()).toEqual(["a.csv", "a.json"]);
  await rm(folder, { recursive: true });
});
