// The memory of predicting a label map of a large volume with many classes: `pixelcal infer --save labels` of
// one NIfTI volume of random values, by the built-in 3-D U-Net with weights as drawn.
//
//   node benchmarks/label-map.mjs [--size 600,512,512] [--classes 104] [--tile 64x96x96] [--overlap 0.25]
//     [--base 4] [--spacing 1.5,1.5,1.5] [--work FOLDER] [--out FILE.md]
//
// The volume has voxels of 1 x 0.8 x 0.8 mm; with --spacing (mm, in the order of the sizes) it is resampled
// for the network, and the probabilities back.
//
// Resident memory is the kernel's high-water mark of the process, read every tenth of a second. The label map
// is checked to hold labels of the classes alone, on the image's grid.
import { spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { readVolume, volumeOf, writeVolume } from "@pixelcal/io";
import { crossEntropy } from "@pixelcal/losses";
import { Trainer, unet3d } from "@pixelcal/train";
import { commit, here } from "./checkout.mjs";

const { values } = parseArgs({
  options: {
    size: { type: "string", default: "600,512,512" },
    classes: { type: "string", default: "104" },
    tile: { type: "string", default: "64x96x96" },
    overlap: { type: "string", default: "0.25" },
    base: { type: "string", default: "4" },
    spacing: { type: "string" },
    work: { type: "string", default: join(here, "work", "label-map") },
    out: { type: "string" },
  },
});
const size = values.size.split(",").map(Number);
const [classes, base] = [Number(values.classes), Number(values.base)];
const spacing = values.spacing?.split(",").map(Number);
const data = join(values.work, "data");
const model = join(values.work, "model.onnx");

async function prepare() {
  rmSync(values.work, { recursive: true, force: true });
  for (const folder of ["imagesTr", "imagesTs"]) mkdirSync(join(data, folder), { recursive: true });
  const labels = Object.fromEntries(
    Array.from({ length: classes }, (_, c) => [c === 0 ? "background" : `class ${c}`, c]),
  );
  const json = { channel_names: { 0: "CT" }, labels, file_ending: ".nii.gz" };
  writeFileSync(join(data, "dataset.json"), JSON.stringify(json));
  let state = 1;
  const pixels = size.reduce((a, b) => a * b, 1);
  const noise = Int16Array.from({ length: pixels }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state >> 22;
  });
  const grid = {
    shape: size.toReversed(),
    spacing: [0.8, 0.8, 1],
    origin: [0, 0, 0],
    direction: [
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
    ],
  };
  const image = volumeOf({ type: "int16", dims: size, data: noise }, grid);
  await writeVolume(join(data, "imagesTs", "case_0000.nii.gz"), image);
  const trainer = await Trainer.create({
    model: unet3d({ classes, base }),
    loss: crossEntropy(),
    batch: [1, 1, 16, 16, 16],
  });
  const preparation = { normalization: [{ scheme: "z-score" }], ...(spacing && { spacing }) };
  await trainer.writeModel(model, { preparation });
  await trainer.close();
}

/** Runs the command line; returns its largest resident memory in GiB, and seconds. */
function run(args) {
  const begun = performance.now();
  const child = spawn("node", [join(here, "..", "packages", "cli", "dist", "main.js"), ...args], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  let most = 0;
  const poll = setInterval(() => {
    try {
      const status = readFileSync(`/proc/${child.pid}/status`, "utf8");
      most = Math.max(most, Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0));
    } catch {
      // The process has just ended.
    }
  }, 100);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code) => {
      clearInterval(poll);
      if (code === 0) resolve({ memory: most / 2 ** 20, seconds: (performance.now() - begun) / 1000 });
      else reject(new Error(`infer: exit code ${code}, largest memory ${(most / 2 ** 20).toFixed(2)} GiB`));
    });
  });
}

await prepare();
const out = join(values.work, "preds");
const args = [
  ...["infer", "--model", model, "--data", data, "--out", out, "--save", "labels"],
  ...["--tile", values.tile, "--overlap", values.overlap],
];
const load = loadavg()[0].toFixed(1);
const { memory, seconds } = await run(args);
const [file] = readdirSync(out).filter((name) => name.endsWith(".nii.gz"));
const map = await readVolume(join(out, file));
if (map.shape.join() !== size.toReversed().join()) throw new Error(`label map of ${map.shape}`);
if (map.data.some((label) => label >= classes)) throw new Error("a label beyond the classes");
const resampled = spacing === undefined ? "none" : `${spacing.join(" x ")} mm`;
const text = `| volume | classes | tile | overlap | resampled to | largest memory, GiB | minutes |
|---|--:|---|--:|---|--:|--:|
| ${size.join(" x ")} | ${classes} | ${values.tile.replaceAll("x", " x ")} | ${values.overlap} | ${resampled} | ${memory.toFixed(2)} | ${(seconds / 60).toFixed(0)} |
`;
const report = `# A label map of a large volume

${text}
The network is \`unet3d\` with base ${base}; its values are a single volume of 16-bit integers.

\`node benchmarks/label-map.mjs --size ${values.size} --classes ${classes} --tile ${values.tile} --overlap ${values.overlap} --base ${base}${spacing ? ` --spacing ${values.spacing}` : ""}\`

${cpus()[0].model.trim()}, ${cpus().length} processors; load average ${load} before. Node ${process.versions.node}, commit ${commit()}.
`;
console.log(report);
if (values.out !== undefined) writeFileSync(values.out, report);
rmSync(values.work, { recursive: true, force: true });
