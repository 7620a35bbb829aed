// Prints the median seconds of kernels on the card, with arrays that are in its memory, as one JSON object.
//   node benchmarks/gpu/kernels.mjs [SIZES.json] [cuda|cpu]
import { readFileSync } from "node:fs";
import { calibrationBins, devices, distanceTransform, Random, tensor, toDevice } from "@pixelcal/core";
import { signedDistanceCalibration } from "@pixelcal/losses";

const [file = new URL("sizes.json", import.meta.url), device = "cuda"] = process.argv.slice(2);
if (!devices().includes(device)) throw new Error(`devices: expected ${device}, got ${devices().join(", ")}`);
const sizes = JSON.parse(readFileSync(file, "utf8"));
const random = Random.fromSeed(1);
const count = (dims) => dims.reduce((a, b) => a * b, 1);
const there = (source) => (device === "cpu" ? source : toDevice(source, device));
/** The options of kernels whose results stay where they are. */
const keep = device === "cpu" ? {} : { device, keep: true };
const whole = (dims, below) =>
  tensor(
    "uint8",
    Uint8Array.from({ length: count(dims) }, () => random.uniform() * below),
    dims,
  );

async function seconds(run) {
  const found = [];
  for (let i = 0; i <= sizes.repeats; i++) {
    const begun = performance.now();
    const result = await run();
    found.push((performance.now() - begun) / 1000);
    for (const one of Array.isArray(result) ? result : [result]) one?.dispose?.();
  }
  // The first one compiles and allocates.
  return found.slice(1).toSorted((a, b) => a - b)[sizes.repeats >> 1];
}

const results = {};
for (const name of ["distance2d", "distance3d"]) {
  // Every tenth pixel is background.
  const { data, dims } = whole([1, ...sizes[name]], 10);
  const values = data.map((value) => Number(value > 0));
  const mask = await there(tensor("uint8", values, dims));
  results[name] = await seconds(() => distanceTransform(mask, keep));
  mask.dispose?.();
}
{
  const [images, classes, ...spatial] = sizes.bins;
  const pixels = count(spatial);
  const data = new Float32Array(count(sizes.bins));
  const values = new Float64Array(classes);
  for (let i = 0; i < images * pixels; i++) {
    let sum = 0;
    for (let c = 0; c < classes; c++) sum += values[c] = random.uniform();
    const first = Math.floor(i / pixels) * classes * pixels + (i % pixels);
    for (let c = 0; c < classes; c++) data[first + c * pixels] = values[c] / sum;
  }
  const probs = await there(tensor("float32", data, sizes.bins));
  const labels = await there(whole([images, ...spatial], classes));
  results.bins = await seconds(() => calibrationBins(probs, labels, { device }));
  results.binsBytes = data.byteLength + images * pixels;
  probs.dispose?.();
  labels.dispose?.();
}
{
  const classes = 4;
  const labels = whole(sizes.targets, classes);
  const spacing = sizes.targets.slice(1).map(() => 1);
  for (const preset of ["reference", "consistent"]) {
    const loss = signedDistanceCalibration({ preset });
    results[`targets, ${preset}`] = await seconds(() => loss.targets(labels, { classes, spacing, device }));
  }
}
console.log(JSON.stringify(results));
