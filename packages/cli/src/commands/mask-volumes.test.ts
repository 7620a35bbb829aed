import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { Random, type Tensor, tensor } from "@pixelcal/core";
import { readNpz, volumeOf, writeNnunetPrediction, writeNpz, writeVolume } from "@pixelcal/io";
import { beforeAll, describe, expect, test } from "vitest";
import { straightGrid } from "../grid.test.helper.js";
import { pixelcal } from "../run.test.helper.js";
import { at, toyData } from "../toy.test.helper.js";

toyData();

const names = ["ring", "blood"];
const cases = ["a", "b"];
const list = names.map((name) => `${name}=mask`).join();

async function run(args: readonly string[], code = 0): Promise<string> {
  const ran = await pixelcal(args);
  expect(ran.code, ran.messages).toBe(code);
  return ran.messages;
}

/** Returns the scores of each region and case that `evaluate` wrote of predictions. */
async function scoresOf(predictions: string, ...more: string[]): Promise<unknown> {
  await run([
    ...["evaluate", "--predictions", at(predictions), "--ignore", "255", "--out", at("scores.csv")],
    ...more,
  ]);
  const { runs } = JSON.parse(await readFile(at("scores.json"), "utf8"));
  return runs.map(({ region, cases: rows }: Record<string, unknown>) => ({ region, rows }));
}

// Grids of three axes whose sizes and spacings differ, and of an image.
describe.each<[string, readonly number[], readonly number[]]>([
  ["volumes", [3, 9, 8], [2, 0.5, 1.25]],
  ["images", [9, 8], [0.5, 1.25]],
])("masks of regions in %s beside predictions", (kind, size, spacing) => {
  const rank = size.length;
  const pixels = size.reduce((a, b) => a * b, 1);
  const origin = [1, 2, rank === 3 ? 3 : 0] as const;
  const grid = straightGrid([...size].reverse(), [...spacing].reverse(), origin);
  const folder = (name: string): string => `${kind}-${name}`;
  const write = (path: string, values: Tensor): Promise<void> =>
    writeVolume(at(path), volumeOf(values, grid));
  let expected: unknown;

  beforeAll(async () => {
    const random = Random.fromSeed(rank);
    for (const name of ["parts", "whole", "volumes"]) await mkdir(at(folder(name)));
    for (const [at0, name] of cases.entries()) {
      const draw = (): number => 0.05 + 0.9 * random.uniform();
      const probs = tensor("float32", Float32Array.from({ length: 2 * pixels }, draw), [2, ...size]);
      const masks = tensor(
        "uint8",
        Uint8Array.from(probs.data, (p) => Number(random.uniform() < p)),
        [2, ...size],
      );
      for (let i = at0; i < pixels; i += 11) masks.data[i] = masks.data[pixels + i] = 255;
      const stored = { spacing: tensor("float32", Float32Array.from(spacing), [rank]) };
      await writeNpz(at(folder("twin"), `${name}.npz`), { probs, label: masks, ...stored });
      const hard = tensor(
        "uint8",
        Uint8Array.from(probs.data, (p) => Number(p > 0.5)),
        probs.dims,
      );
      const prediction = { probabilities: probs, labels: hard, grid };
      await writeNnunetPrediction(at(folder("preds")), name, ".nii.gz", prediction);
      await write(`${folder("volumes")}/${name}.nii.gz`, probs);
      await write(`${folder("whole")}/${name}.nii.gz`, masks);
      await mkdir(at(folder("parts"), name));
      for (const [i, region] of names.entries()) {
        const one = tensor("uint8", masks.data.slice(i * pixels, (i + 1) * pixels), size);
        await write(`${folder("parts")}/${name}/${region}.nii.gz`, one);
      }
    }
    await writeFile(at(folder("preds"), "masks.json"), JSON.stringify({ regions: names }));
    expected = await scoresOf(folder("twin"), "--regions", list, "--heads");
  });

  test("have the scores of the same masks in .npz files", async () => {
    const labels = (name: string): string[] => ["--labels", at(folder(name))];
    // masks.json names the regions.
    expect(await scoresOf(folder("preds"), ...labels("whole"))).toEqual(expected);
    expect(await scoresOf(folder("preds"), ...labels("parts"))).toEqual(expected);
    expect(await scoresOf(folder("preds"), ...labels("whole"), "--regions", list, "--heads")).toEqual(
      expected,
    );
    expect(await scoresOf(folder("volumes"), ...labels("parts"), "--regions", list)).toEqual(expected);
    // CASE.json says where an archive without a volume lies.
    for (const name of cases) await rm(at(folder("preds"), `${name}.nii.gz`));
    expect(await scoresOf(folder("preds"), ...labels("whole"))).toEqual(expected);
  });

  test("calibrate them as the same masks in .npz files do", async () => {
    const calibrating = (from: string): string[] => [
      ...["calibrate", "--from-probabilities", at(folder(from)), "--out", at(folder(`${from}-calibrated`))],
      ...["--method", "temperature", "--ignore", "255"],
    ];
    await run([...calibrating("twin"), "--regions", list]);
    await run([...calibrating("preds"), "--labels", at(folder("whole"))]);
    for (const name of cases) {
      const { probs } = await readNpz(at(folder("twin-calibrated"), `${name}.npz`));
      const { probabilities } = await readNpz(at(folder("preds-calibrated"), `${name}.npz`));
      expect(probabilities!.data).toEqual(probs!.data);
    }
    // The copy says too what its channels are, and where it lies.
    await scoresOf(folder("preds-calibrated"), "--labels", at(folder("whole")));
  });

  test("are refused by name if they are others", async () => {
    const evaluate = ["evaluate", "--predictions", at(folder("preds")), "--out", at("none.csv")];
    const labels = ["--labels", at(folder("parts"))];
    const dataset = await run([...evaluate, ...labels, "--dataset", at("dataset.json")], 2);
    expect(dataset).toContain("--dataset: is for label maps, and the regions have masks of their own");
    expect(await run([...evaluate, ...labels, "--reorient"], 2)).toContain("--reorient: is for label maps");
    const three = await run([...evaluate, ...labels, "--regions", `${list},third=mask`], 1);
    expect(three).toContain(
      `parts/a: third: no file of that region; expected one for each of ring, blood, third`,
    );
    const narrow = await run(
      [...evaluate, "--labels", at(folder("whole")), "--regions", "ring=mask", "--ignore", "255"],
      1,
    );
    expect(narrow).toMatch(/whole\/a\.nii\.gz: labels: expected 1 masks \[1,.*\] \(ring\), got \[2,/);
    const hard = [
      "evaluate",
      "--predictions",
      at(folder("whole")),
      "--regions",
      list,
      "--out",
      at("none.csv"),
    ];
    expect(await run([...hard, ...labels], 1)).toContain("whole: holds label maps without probabilities");
    await rm(at(folder("parts"), "a", "blood.nii.gz"));
    expect(await run([...evaluate, ...labels, "--ignore", "255"], 1)).toContain(
      "blood: no file of that region",
    );
    await writeFile(at(folder("preds"), "masks.json"), '{"regions": 2}');
    expect(await run([...evaluate, ...labels], 1)).toContain("masks.json: regions: expected a list of names");
  });
});
