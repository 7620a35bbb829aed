import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tensor } from "@pixelcal/core";
import { volumeOf, writeNpz, writeVolume } from "@pixelcal/io";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { straightGrid } from "../grid.test.helper.js";
import { pixelcal, type Ran } from "../run.test.helper.js";

let root: string;
const at = (...parts: string[]): string => join(root, ...parts);
const evaluate = (predictions: string, ...more: string[]): Promise<Ran> =>
  pixelcal([
    ...[
      "evaluate",
      "--labels",
      at("labels"),
      "--predictions",
      at(predictions),
      "--out",
      at(`${predictions}.csv`),
    ],
    ...["--convention", "consistent", ...more],
  ]);

const grid = straightGrid([4, 3, 2], [1, 2, 5]);
const dims = [2, 3, 4];
const labels = Array.from({ length: 24 }, (_, i) => (i % 4 > 0 ? (i % 3 === 0 ? 2 : 1) : 0));
const probs = (c: number): number[] =>
  labels.map((label, i) => (i % 5 === 0 ? 1 / 3 : label === c ? 0.8 : 0.1));
const values = Float32Array.from([0, 1, 2].flatMap(probs));

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "pixelcal-volumes-"));
  for (const folder of ["labels", "monai/a", "monai/b", "hard/a", "masks/a", "masks/b", "own"])
    await mkdir(at(folder), { recursive: true });
  const map = tensor("uint8", Uint8Array.from(labels), dims);
  const heads = volumeOf(tensor("float32", values, [3, ...dims]), grid);
  for (const name of ["a", "b"]) {
    await writeVolume(at("labels", `${name}.nii.gz`), volumeOf(map, grid));
    await writeVolume(at("monai", name, `${name}_trans.nii.gz`), heads);
    for (const [label, organ] of ["liver", "spleen"].entries()) {
      const mask = tensor(
        "uint8",
        Uint8Array.from(labels, (each) => Number(each === label + 1)),
        dims,
      );
      await writeVolume(at("masks", name, `${organ}.nii.gz`), volumeOf(mask, grid));
    }
    await writeNpz(at("own", `${name}.npz`), {
      probs: tensor("float32", values, [3, ...dims]),
      label: tensor("int64", BigInt64Array.from(labels, BigInt), dims),
      spacing: tensor("float64", Float64Array.of(5, 2, 1), [3]),
    });
  }
  const whole = tensor("float32", Float32Array.from(labels), dims);
  await writeVolume(at("hard/a/a_trans.nii.gz"), volumeOf(whole, grid));
});
afterAll(() => rm(root, { recursive: true }));

describe("predictions of other tools", () => {
  test("MONAI's channels are probabilities, with the scores of the same .npz files", async () => {
    const { code, messages } = await evaluate("monai");
    expect(messages).toBe("monai: MONAI bundle outputs with probabilities, 2 cases, 3 classes\n");
    expect(code).toBe(0);
    const own = [
      "evaluate",
      "--predictions",
      at("own"),
      "--out",
      at("own.csv"),
      "--convention",
      "consistent",
    ];
    expect((await pixelcal(own)).code).toBe(0);
    const [first, second] = await Promise.all(
      ["monai", "own"].map((run) => readFile(at(`${run}.csv`), "utf8")),
    );
    expect(first!.replace("monai", "own")).toBe(second);
    // Regions sum the probabilities of their labels.
    const all = await evaluate("monai", "--regions", "all=1+2");
    expect(all.output).toContain("monai all");
    expect(all.messages).toBe(
      "monai: MONAI bundle outputs with probabilities, 2 cases, 3 classes, regions all\n",
    );
  });

  test.each(["seg.nrrd", "dcm"])("labels may be CASE.%s", async (ending) => {
    const folder = at(`labels-${ending}`);
    await mkdir(folder);
    const map = tensor("uint8", Uint8Array.from(labels), dims);
    for (const name of ["a", "b"]) await writeVolume(join(folder, `${name}.${ending}`), volumeOf(map, grid));
    const out = ["--out", at(`monai-${ending}.csv`), "--convention", "consistent"];
    const ran = await pixelcal(["evaluate", "--labels", folder, "--predictions", at("monai"), ...out]);
    expect(ran.code, ran.messages).toBe(0);
    const [first, second] = await Promise.all(
      ["own", `monai-${ending}`].map((run) => readFile(at(`${run}.csv`), "utf8")),
    );
    expect(second).toBe(first!.replace("own", "monai"));
  });

  test.each([
    ["hard", "MONAI bundle outputs without probabilities, 2 cases, labels without names"],
    ["masks", "TotalSegmentator masks without probabilities, 2 cases, labels liver, spleen"],
  ])("%s: label maps are recognised, and refused as they have no calibration", async (folder, layout) => {
    const { code, messages } = await evaluate(folder);
    expect(messages).toContain(`${folder}: ${layout}\n`);
    expect(messages).toContain("holds label maps without probabilities, which have no calibration");
    expect(code).toBe(1);
  });

  test("without --labels their folder is refused with that advice", async () => {
    const { code, messages } = await pixelcal(["evaluate", "--predictions", at("labels")]);
    expect(messages).toMatch(/^error: .*labels: expected predictions .* other tools need --labels FOLDER\n$/);
    expect(code).toBe(1);
  });

  test("a case without a prediction, on another grid, or of no label is named", async () => {
    await rm(at("monai/b"), { recursive: true });
    const lacking = await evaluate("monai");
    expect(lacking.messages).toContain("warning: monai lacks 1 case: b\n");
    expect(lacking.code).toBe(1);
    const moved = volumeOf(tensor("float32", values, [3, ...dims]), { ...grid, origin: [1, 0, 0] });
    await writeVolume(at("monai/a/a_trans.nii.gz"), moved);
    expect((await evaluate("monai", "--missing", "skip")).messages).toMatch(
      /geometry: .* is not the grid of/,
    );
    await writeVolume(at("monai/a/a_pred.nii.gz"), moved);
    expect((await evaluate("monai")).messages).toMatch(/is of case a, as .*a_\w+\.nii\.gz is/);
    const { messages } = await evaluate("own");
    expect(messages).toMatch(
      /no volume of a case that .*labels has \(label maps of a, b\), and no dataset.json/,
    );
  });
});
