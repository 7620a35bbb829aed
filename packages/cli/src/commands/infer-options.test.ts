import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { tensor } from "@pixelcal/core";
import { type Grid, listCases, readCase, readNpz, readVolume, volumeOf, writeVolume } from "@pixelcal/io";
import { Network } from "@pixelcal/train";
import { beforeAll, describe, expect, test } from "vitest";
import { pixelcal, type Ran } from "../run.test.helper.js";
import { at, data, toyData, writeConfig } from "../toy.test.helper.js";

toyData();

const infer = (out: string, ...more: string[]): Promise<Ran> =>
  pixelcal(["infer", "--config", at("net.json"), "--runs", at("runs"), "--out", at(out), ...more]);

beforeAll(async () => {
  const path = await writeConfig("net.json", { run_name: "net", epochs: 1 });
  expect((await pixelcal(["train", "--config", path, "--out", at("runs")])).code).toBe(0);
  // The images of the test split once more, as volumes.
  await mkdir(at("volumes/imagesTs"), { recursive: true });
  for (const name of await listCases(join(data, "test"))) {
    const { image } = await readCase(join(data, "test", `${name}.npz`));
    const shape = image.dims.slice(1);
    const grid: Grid = {
      shape: [...shape].reverse(),
      spacing: [1, 1],
      origin: [0, 0, 0],
      direction: [
        [1, 0, 0],
        [0, 1, 0],
      ],
    };
    await writeVolume(
      at("volumes/imagesTs", `${name}_0000.nii.gz`),
      volumeOf({ ...image, dims: shape }, grid),
    );
  }
  const json = { labels: { background: 0, a: 1, b: 2, c: 3 }, file_ending: ".nii.gz" };
  await writeFile(at("volumes/dataset.json"), JSON.stringify(json));
});

const first = async (): Promise<string> => (await listCases(join(data, "test")))[0]!;
const stored = async (out: string, key = "probs") => (await readNpz(at(out, `${await first()}.npz`)))[key]!;

/** Mirrors the rows and columns of planes, pixel by pixel. */
function mirrored(planes: Float32Array, side: number, rows: boolean, columns: boolean): Float32Array {
  return planes.map((_, i) => {
    const [plane, row, column] = [Math.floor(i / side ** 2), Math.floor(i / side) % side, i % side];
    const [y, x] = [rows ? side - 1 - row : row, columns ? side - 1 - column : column];
    return planes[(plane * side + y) * side + x]!;
  });
}

describe("--flips", () => {
  test.each([
    [
      "all",
      [
        [false, false],
        [true, false],
        [false, true],
        [true, true],
      ],
    ],
    [
      "1",
      [
        [false, false],
        [false, true],
      ],
    ],
  ] as const)("%s averages the probabilities of the mirror images", async (axes, images) => {
    expect((await infer(`flips-${axes}`, "--flips", axes)).code).toBe(0);
    const { image } = await readCase(join(data, "test", `${await first()}.npz`));
    const model = new Uint8Array(await readFile(at("runs/net/model.onnx")));
    const network = new Network({ model, threads: 1 });
    const sum = new Float64Array(4 * 576);
    for (const [rows, columns] of images) {
      const turned = mirrored(image.data as Float32Array, 24, rows, columns);
      const { data: probs } = await network.predict(tensor("float32", turned, [1, 1, 24, 24]));
      for (const [i, value] of mirrored(probs, 24, rows, columns).entries()) sum[i]! += value / images.length;
    }
    await network.close();
    const actual = (await stored(`flips-${axes}`)).data as Float32Array;
    expect(Math.max(...sum.map((value, i) => Math.abs(value - actual[i]!)))).toBeLessThan(1e-5);
  });

  test("without it the configuration decides: the axes that training mirrors; none overrides", async () => {
    const own = (out: string, flips: unknown, ...more: string[]): Promise<Ran> =>
      writeConfig(`${out}.json`, { run_name: "net", augment: { flips }, infer: { flips: true } }).then(
        (path) => pixelcal(["infer", "--config", path, "--runs", at("runs"), "--out", at(out), ...more]),
      );
    for (const ran of await Promise.all([
      infer("plain"),
      infer("both", "--flips", "all"),
      infer("last", "--flips", "1"),
      own("own-both", true),
      own("own-last", [1]),
      own("own-none", true, "--flips", "none"),
    ]))
      expect(ran.code, ran.messages).toBe(0);
    for (const [mine, given] of [
      ["own-both", "both"],
      ["own-last", "last"],
      ["own-none", "plain"],
    ] as const)
      expect(await stored(mine)).toEqual(await stored(given));
    expect(await stored("both")).not.toEqual(await stored("plain"));
    expect((await own("refused", [])).messages).toContain("infer.flips: needs augment.flips");
  });

  test.each([
    ["2", "error: --flips: expected axes from 0 to 1, got 2"],
    ["0,0", "Expected different axes from 0 to 2, for example 0,1, or all, or none."],
    ["x", "Expected different axes from 0 to 2, for example 0,1, or all, or none."],
  ])("%s is refused", async (axes, message) => {
    const { code, messages } = await infer("refused", "--flips", axes);
    expect(messages).toContain(message);
    expect(code).toBe(2);
  });
});

describe("--save", () => {
  test("float16 rounds the probabilities, which evaluate reads", async () => {
    expect((await infer("whole")).code).toBe(0);
    expect((await infer("half", "--save", "float16")).code).toBe(0);
    const [whole, half] = [await stored("whole"), await stored("half")];
    expect([whole.type, half.type]).toEqual(["float32", "float16"]);
    const scored = await pixelcal(["evaluate", "--predictions", at("half"), "--out", at("half.csv")]);
    expect(scored.code, scored.messages).toBe(0);
  });

  test("labels keeps label maps alone, of volumes, and replaces them", async () => {
    const args = ["--data", at("volumes"), "--save", "labels"];
    expect((await infer("maps", ...args)).code).toBe(0);
    const name = await first();
    const files = (await readdir(at("maps"))).filter((file) => file.startsWith(name)).sort();
    expect(files).toEqual([`${name}.json`, `${name}.nii.gz`]);
    const probs = (await stored("whole")).data as Float32Array;
    const { data: labels } = await readVolume(at("maps", `${name}.nii.gz`));
    for (const [i, label] of [...(labels as Uint8Array)].entries())
      for (let c = 0; c < 4; c++) expect(probs[c * 576 + i]).toBeLessThanOrEqual(probs[label * 576 + i]!);
    const again = await infer("maps", ...args);
    expect(again.code, again.messages).toBe(0);
  });

  test("float16 beside label maps of volumes", async () => {
    expect((await infer("half-maps", "--data", at("volumes"), "--save", "float16")).code).toBe(0);
    expect((await stored("half-maps", "probabilities")).type).toBe("float16");
  });

  test("labels of cases that are no volumes is refused before anything is predicted", async () => {
    const { code, messages } = await infer("none", "--save", "labels");
    expect(messages).toContain(
      "--save labels: needs images that are volumes; .npz predictions hold probabilities",
    );
    expect(code).toBe(2);
  });
});
