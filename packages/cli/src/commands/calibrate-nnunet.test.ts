import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Random, tensor } from "@pixelcal/core";
import { readNpz, volumeOf, writeNpz, writeVolume } from "@pixelcal/io";
import { afterAll, beforeAll, expect, test } from "vitest";
import { straightGrid } from "../grid.test.helper.js";
import { pixelcal, type Ran } from "../run.test.helper.js";

let root: string;
const at = (...parts: string[]): string => join(root, ...parts);
const calibrate = (set: string, out: string, ...more: string[]): Promise<Ran> =>
  pixelcal([
    ...["calibrate", "--from-probabilities", at(set, "run"), "--labels", at(set, "labelsTr")],
    ...["--out", at(out), "--method", "temperature", "--json", ...more],
  ]);

const grid = straightGrid([8, 7, 6], [1, 2, 5]);
const dims = [6, 7, 8];
const voxels = 336;

/** Writes a case that is right in 9 of 10 voxels where it says 99 %: channels of labels, or of regions. */
async function putCase(set: string, name: string, seed: number, regions?: readonly (readonly number[])[]) {
  const random = Random.fromSeed(seed);
  const guesses = Uint8Array.from({ length: voxels }, () => Math.floor(3 * random.uniform()));
  const labels = guesses.map((guess) => (random.uniform() < 0.9 ? guess : (guess + 1) % 3));
  if (regions) labels.fill(3, 0, 20);
  await writeVolume(at(set, "labelsTr", `${name}.nii.gz`), volumeOf(tensor("uint8", labels, dims), grid));
  await writeVolume(at(set, "run", `${name}.nii.gz`), volumeOf(tensor("uint8", guesses, dims), grid));
  const shares = [...guesses].map((guess) => [0, 1, 2].map((c) => (c === guess ? 0.99 : 0.005)));
  const members = regions ?? [[0], [1], [2]];
  const data = members.flatMap((of) => shares.map((p) => of.reduce((sum, c) => sum + p[c]!, 0)));
  const probabilities = tensor("float32", Float32Array.from(data), [members.length, ...dims]);
  await writeNpz(at(set, "run", `${name}.npz`), { probabilities });
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "pixelcal-calibrate-nnunet-"));
  for (const set of ["plain", "regions"]) await mkdir(at(set), { recursive: true });
  const json = (set: string, more: object): Promise<void> =>
    writeFile(at(set, "dataset.json"), JSON.stringify({ file_ending: ".nii.gz", ...more }));
  await json("plain", { labels: { background: 0, kidney: 1, tumour: 2 } });
  await json("regions", {
    labels: { background: 0, WT: [1, 2], TC: 2, ignore: 3 },
    regions_class_order: [1, 2],
  });
  for (const [seed, name] of ["a", "b", "c"].entries()) {
    await putCase("plain", name, seed);
    await putCase("regions", name, seed + 10, [[1, 2], [2]]);
  }
});
afterAll(() => rm(root, { recursive: true }));

const probabilitiesOf = async (...path: string[]): Promise<{ dims: readonly number[]; data: Float32Array }> =>
  (await readNpz(at(...path), { keys: ["probabilities"] })).probabilities as never;

test("nnU-Net's probabilities are calibrated beside the label maps, and the labels stay", async () => {
  const { code, output, messages } = await calibrate("plain", "plain-out");
  expect(messages).toContain("nnU-Net v2 predictions with probabilities, 3 cases");
  expect(code).toBe(0);
  const report = JSON.parse(output);
  expect(report).toMatchObject({ method: "temperature", clipped: 0, fits: [{ pixels: 3 * voxels }] });
  // Right in 9 of 10 voxels: ln (.9 / .05) for ln (.99 / .005).
  const { scale } = report.fits[0].calibrator.parameters;
  expect(Math.abs(scale - Math.log(0.9 / 0.05) / Math.log(0.99 / 0.005))).toBeLessThan(0.05);
  expect((await readdir(at("plain-out"))).sort()).toEqual(["a.npz", "b.npz", "c.npz"]);
  const [plain, calibrated] = [
    await probabilitiesOf("plain", "run", "b.npz"),
    await probabilitiesOf("plain-out", "b.npz"),
  ];
  expect(calibrated.dims).toEqual(plain.dims);
  for (let i = 0; i < voxels; i++) {
    const [before, after] = [plain, calibrated].map(({ data }) =>
      [0, 1, 2].map((c) => data[c * voxels + i]!),
    );
    expect(after!.indexOf(Math.max(...after!))).toBe(before!.indexOf(Math.max(...before!)));
    expect(after!.reduce((a, b) => a + b)).toBeCloseTo(1, 5);
    expect(Math.max(...after!)).toBeLessThan(0.95);
  }
});

test("regions are sigmoids of their own, and voxels to ignore count in nothing", async () => {
  const { code, output } = await calibrate("regions", "regions-out");
  expect(code).toBe(0);
  const report = JSON.parse(output);
  expect(report.fits.map(({ pixels }: { pixels: number }) => pixels)).toEqual([
    3 * (voxels - 20),
    3 * (voxels - 20),
  ]);
  const [plain, calibrated] = [
    await probabilitiesOf("regions", "run", "a.npz"),
    await probabilitiesOf("regions-out", "a.npz"),
  ];
  expect(calibrated.dims).toEqual(plain.dims);
  for (const [i, p] of plain.data.entries()) {
    const { scale } = report.fits[Math.floor(i / voxels)].calibrator.parameters;
    const expected = 1 / (1 + Math.exp(-scale * Math.log(p / (1 - p))));
    expect(Math.abs(calibrated.data[i]! - expected)).toBeLessThan(1e-5);
  }
});
