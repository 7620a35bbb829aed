import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tensor } from "@pixelcal/core";
import { volumeOf, writeNpz, writeVolume } from "@pixelcal/io";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { straightGrid } from "../grid.test.helper.js";
import { pixelcal, type Ran } from "../run.test.helper.js";

let root: string;
const at = (...parts: string[]): string => join(root, ...parts);
const evaluate = (set: string, ...more: string[]): Promise<Ran> =>
  pixelcal([
    ...["evaluate", "--labels", at(set, "labelsTr"), "--predictions", at(set, "run")],
    ...["--out", at("out", "r.csv"), "--convention", "consistent", ...more],
  ]);
const results = async (): Promise<{
  runs: { run: string; cases: { name: string; scores: { DSC: number; HD95: number } }[] }[];
}> => JSON.parse(await readFile(at("out", "r.json"), "utf8"));

// Axes of different sizes and spacings, so that an order that is wrong shows.
const grid = straightGrid([4, 3, 2], [1, 2, 5]);
const dims = [2, 3, 4];

/** Writes a case: labels, and probabilities of 0.9 for `predicted`, the rest shared by the others. */
async function putCase(set: string, name: string, labels: number[], predicted: number[], heads?: number[][]) {
  const label = tensor("uint8", Uint8Array.from(labels), dims);
  await writeVolume(at(set, "labelsTr", `${name}.nii.gz`), volumeOf(label, grid));
  const map = tensor("uint8", Uint8Array.from(predicted), dims);
  await writeVolume(at(set, "run", `${name}.nii.gz`), volumeOf(map, grid));
  const channels = heads
    ? heads.map((members) => predicted.map((guess) => (members.includes(guess) ? 0.9 : 0.1)))
    : [0, 1, 2].map((c) => predicted.map((guess) => (guess === c ? 0.9 : 0.05)));
  const data = Float32Array.from(channels.flat());
  const probabilities = tensor("float32", data, [channels.length, ...dims]);
  await writeNpz(at(set, "run", `${name}.npz`), { probabilities });
}

const labels = Array.from({ length: 24 }, (_, i) => (i % 4 > 0 ? (i % 3 === 0 ? 2 : 1) : 0));
/** The same labels, one step along z further in one voxel of class 2. */
const moved = labels.map((label, i) => (i === 0 ? 2 : label));

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "pixelcal-nnunet-"));
  for (const set of ["plain", "regions", "void"]) await mkdir(at(set), { recursive: true });
  const json = (set: string, more: object) =>
    writeFile(at(set, "dataset.json"), JSON.stringify({ file_ending: ".nii.gz", ...more }));
  await json("plain", { labels: { background: 0, kidney: 1, tumour: 2 } });
  await putCase("plain", "a", labels, labels);
  await putCase("plain", "b", labels, moved);
  await json("regions", {
    labels: { background: 0, WT: [1, 2], TC: 2, ignore: 3 },
    regions_class_order: [1, 2],
  });
  const heads = [[1, 2], [2]];
  const ignored = labels.map((label, i) => (i < 4 ? 3 : label));
  await json("void", { labels: { background: 0, kidney: 1, tumour: 2, ignore: 3 } });
  await putCase("void", "a", ignored, moved);
  await putCase("regions", "a", ignored, moved, heads);
});
afterAll(() => rm(root, { recursive: true }));

describe("nnU-Net's predictions", () => {
  test("are recognised, paired with the labels and scored in mm", async () => {
    const { code, messages } = await evaluate("plain", "--write", "nnunet");
    expect(messages).toContain(
      "run: nnU-Net v2 predictions with probabilities, 2 cases, labels kidney, tumour\n",
    );
    expect(code).toBe(0);
    const [run] = (await results()).runs;
    expect(run!.cases.map(({ name, scores: { DSC } }) => [name, DSC === 1])).toEqual([
      ["a", true],
      ["b", false],
    ]);
    const summary = JSON.parse(await readFile(at("out", "summary.json"), "utf8"));
    expect(summary.metric_per_case[1].metrics["2"]).toMatchObject({ FP: 1, FN: 0 });
    expect(run!.cases[1]!.scores.DSC).toBeCloseTo(
      (summary.metric_per_case[1].metrics["1"].Dice + summary.metric_per_case[1].metrics["2"].Dice) / 2,
      12,
    );
  });

  test("regions of a softmax are sums, each a row of its own", async () => {
    const { code, output } = await evaluate("plain", "--regions", "all=1+2,tumour=2");
    expect(code).toBe(0);
    expect(output).toMatch(/\nrun all +2 /);
    expect((await results()).runs.map(({ run }) => run).sort()).toEqual(["run all", "run tumour"]);
  });

  test("sigmoid heads and the label to ignore come from dataset.json", async () => {
    const { code, messages } = await evaluate("regions");
    expect(messages).toContain("1 cases, regions WT, TC");
    expect(code).toBe(0);
    // The voxel that differs is ignored.
    for (const { cases } of (await results()).runs) expect(cases[0]!.scores.DSC).toBe(1);
    const { code: refused, messages: why } = await evaluate("regions", "--regions", "WT=1+2");
    expect(refused).toBe(1);
    expect(why).toMatch(/the network has a head for each of WT, TC; leave --regions out/);
  });

  test("the label to ignore of dataset.json reaches a report's pictures", async () => {
    const report = at("out", "report.html");
    const { code } = await evaluate("void", "--report", report);
    expect(code).toBe(0);
    // The voxel that differs is ignored.
    expect(await readFile(report, "utf8")).toContain('aria-label="errors: none of a"');
  });

  test("labels in other axes are an error, or are turned where that is exact", async () => {
    const path = at("regions", "labelsTr", "a.nii.gz");
    const kept = await readFile(path);
    // The same voxels with z first and x backwards.
    const turned = {
      shape: [2, 3, 4],
      spacing: [5, 2, 1],
      origin: [3, 0, 0],
      direction: [
        [0, 0, 1],
        [0, 1, 0],
        [-1, 0, 0],
      ],
    } as const;
    const data = new Uint8Array(24);
    for (let z = 0; z < 2; z++)
      for (let y = 0; y < 3; y++)
        for (let x = 0; x < 4; x++) {
          const label = labels[(z * 3 + y) * 4 + x]!;
          data[((3 - x) * 3 + y) * 2 + z] = z === 0 && y === 0 ? 3 : label;
        }
    await writeVolume(path, { type: "uint8", data, ...turned });
    const { code, messages } = await evaluate("regions");
    expect(code).toBe(1);
    expect(messages).toMatch(/a\.nii\.gz: geometry: shape \[4,3,2\].* is not the grid of .*--reorient/);
    expect((await evaluate("regions", "--reorient")).code).toBe(0);
    for (const { cases } of (await results()).runs) expect(cases[0]!.scores.DSC).toBe(1);
    await writeFile(path, kept);
  });

  test("a missing prediction is a failure, left out, or the worst", async () => {
    await rm(at("plain", "run", "a.npz"));
    const failed = await evaluate("plain");
    expect(failed.code).toBe(1);
    expect(failed.messages).toContain("warning: run lacks 1 case: a\n");
    expect((await evaluate("plain", "--missing", "skip")).code).toBe(0);
    const { code, messages } = await evaluate("plain", "--missing", "worst");
    expect(code).toBe(0);
    expect(messages).toContain("warning: run lacks 1 case, scored as the worst: a\n");
    const [run] = (await results()).runs;
    expect(run!.cases[0]).toMatchObject({ name: "a", scores: { DSC: 0, HD95: "inf" } });
  });

  test("probabilities without a label map lie where CASE.json or CASE.pkl says", async () => {
    await putCase("alone", "a", labels, labels);
    await writeFile(at("alone", "dataset.json"), await readFile(at("plain", "dataset.json")));
    await rm(at("alone", "run", "a.nii.gz"));
    const place = (spacing: readonly number[]) =>
      JSON.stringify({ sitk_stuff: { spacing, origin: [0, 0, 0], direction: [1, 0, 0, 0, 1, 0, 0, 0, 1] } });
    await writeFile(at("alone", "run", "a.json"), place([1, 2, 5]));
    expect((await evaluate("alone")).code).toBe(0);
    await writeFile(at("alone", "run", "a.json"), place([1, 2, 4]));
    expect((await evaluate("alone")).messages).toMatch(
      /a\.json: geometry: .*spacing \[1, 2, 4\] mm.* is not the grid of .*a\.nii\.gz: .*spacing \[1, 2, 5\]/,
    );
    // A pickle that would call a function is refused, whatever it is for.
    await writeFile(at("alone", "run", "a.pkl"), "\x80\x02cos\nsystem\nX\x02\0\0\0ls\x85R.", "latin1");
    expect((await evaluate("alone")).messages).toMatch(/a\.pkl: pickle: names os\.system; only plain data/);
  });

  test("other axes, label maps alone and options without labels are refused", async () => {
    const swapped = tensor("float32", new Float32Array(72).fill(1 / 3), [3, 4, 3, 2]);
    await writeNpz(at("plain", "run", "b.npz"), { probabilities: swapped });
    const { messages } = await evaluate("plain");
    expect(messages).toMatch(
      /b\.npz: probabilities: expected shape \[3,2,3,4\] .*got \[3,4,3,2\]; this looks like \(x,y,z\), expected \(z,y,x\)/,
    );
    const turned = tensor("float32", swapped.data, [3, 3, 2, 4]);
    await writeNpz(at("plain", "run", "b.npz"), { probabilities: turned });
    expect((await evaluate("plain")).messages).toContain("this looks like (y,z,x), expected (z,y,x)");
    await rm(at("plain", "run", "b.npz"));
    expect((await evaluate("plain")).messages).toMatch(/holds label maps without probabilities/);
    for (const option of ["--write nnunet", "--dataset d.json", "--spacing-from sform", "--reorient"]) {
      const own = ["evaluate", "--predictions", at("plain", "run"), ...option.split(" ")];
      const { code, messages: needs } = await pixelcal(own);
      expect(code).toBe(2);
      expect(needs).toMatch(/^error: --(write nnunet|dataset|spacing-from|reorient): needs --labels/);
    }
  });
});
