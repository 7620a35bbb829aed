// Prints the SHA-256 of what every kernel of an addon returns for fixed inputs: every build, for whatever
// machine, has those of kernel-hashes.golden.json, which `node tools/release/kernel-hashes.mjs ADDON` made.
// Node and the addon are all it needs, so that it also runs under an emulator of another processor.
import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import { resolve } from "node:path";

const native = createRequire(import.meta.url)(resolve(process.argv[2]));

/** A generator of 32-bit integers, equal everywhere. */
let state = 1;
function next() {
  state = (Math.imul(state, 1664525) + 1013904223) | 0;
  return (state >>> 8) / 2 ** 24;
}

const size = [7, 33, 41];
const classes = 4;
const pixels = size[0] * size[1] * size[2];
const spacing = [2.25, 0.85, 0.7];
const blobs = Uint8Array.from({ length: pixels }, (_, i) => {
  const [z, y, x] = [Math.floor(i / 1353), Math.floor(i / 41) % 33, i % 41];
  return Math.min(3, Math.floor(((z - 3) ** 2 + (y - 16) ** 2 / 9 + (x - 19) ** 2 / 12) / 7));
});
const labels = blobs.map((label) => (next() < 0.02 ? Math.floor(next() * classes) : label));
const other = blobs.map((label) => (next() < 0.05 ? 0 : label));
const mask = labels.map((label) => (label === 0 ? 0 : 1));
const logits = Float32Array.from({ length: classes * pixels }, () => 6 * next() - 3);
const image = Float32Array.from({ length: pixels }, () => next());
const weights = Float32Array.from({ length: pixels }, () => next() + 0.5);

const grid = { size };
const probs = native.toProbabilitiesSync({ values: logits, classes, pixels, transform: "softmax" }).data;
const maps = { probs, labels, classes, pixels };
const edges = Float64Array.from({ length: 16 }, (_, i) => i / 15);
const window = { taps: [1, 2, 1], dimensions: 2, windowBorder: "replicate", normalization: "window" };
const soft = { ...grid, ...window, labels, classes };
const surface = { ...grid, spacing, percentile: 90 };
const ignoring = { labels, classes, ignore: 3 };
const measures = {
  ...surface,
  predicted: other,
  labels,
  classes,
  regions: [[1], [2], [1, 2, 3]],
  tolerance: 1,
};
const warp = {
  outSize: [6, 31, 35],
  matrix: [0.9, 0.1, 0, -0.1, 1.1, 0.2, 0, -0.2, 0.8],
  offset: [0.3, 1.7, 2.2],
  control: Float64Array.from({ length: 3 * 5 * 6 * 7 }, () => 2 * next() - 1),
  controlSize: [5, 6, 7],
};
const copies = () => [logits.slice(), probs.slice()];
const update = { gradients: [probs, logits], learningRate: 0.01, weightDecay: 0.1 };

/** Each kernel's results, in a form that JSON or an array's bytes hold exactly. */
const kernels = {
  devices: () => native.devices()[0],
  probabilities: () => probs,
  sigmoid: () =>
    native.toProbabilitiesSync({
      values: logits.subarray(0, 2 * pixels),
      classes: 2,
      pixels,
      transform: "sigmoid",
      tolerance: 9,
    }),
  inspect: () =>
    native.inspectValuesSync({ values: probs, classes, pixels, low: 0, high: 1, lowSum: 0.9, highSum: 1.1 }),
  distance: () => native.distanceTransformSync({ ...grid, mask, spacing }),
  squaredDistance: () => native.distanceTransformSync({ ...grid, mask, squared: true }),
  ...each(["none", "max", "split", "truncate"], (normalize) =>
    native.signedDistanceSync({ ...grid, labels, classes, spacing, normalize, truncate: 3, absent: "far" }),
  ),
  ...each(["erosion", "dilation", "opening", "closing", "gradient"], (op) => [
    native.morphologySync({ ...grid, mask, op, structure: "box", radius: 2 }),
    native.morphologySync({ ...grid, mask, op, structure: "cross", iterations: 2 }),
  ]),
  packed: () => native.packMaskSync({ ...grid, mask }),
  ...each(["weighted", "largest", "median", "mode", "majority"], (aggregation) =>
    native.softLabelsSync({ ...soft, aggregation }),
  ),
  ...each(["gradient", "bilateral", "image-l1", "image-l2"], (aggregation) =>
    native.softLabelsSync({ ...soft, aggregation, image, windowBorder: "background" }),
  ),
  boundarySoftLabels: () => native.boundarySoftLabelsSync({ ...grid, labels, classes, spacing, floor: 0.01 }),
  ...each(["distances", "border", "scaled-border"], (form) =>
    native.borderLevelsSync({ ...grid, ...ignoring, spacing, normalize: "none", absent: "far", form }),
  ),
  borderDistances: () => native.borderDistancesSync({ ...grid, ...ignoring }),
  ringTargets: () => native.ringTargetsSync({ ...grid, ...ignoring, inner: 0.9, outer: 0.1 }),
  warpImage: () =>
    native.warpImageSync({ ...grid, ...warp, batch: classes, image: logits, interpolation: "linear" }),
  warpLabels: () => native.warpLabelsSync({ ...grid, ...warp, labels }),
  resampleImage: () =>
    native.resampleImageSync({
      ...grid,
      batch: classes,
      image: logits,
      outSize: [9, 31, 50],
      taps: [2, 4, 4],
    }),
  resampleLabels: () => native.resampleLabelsSync({ ...grid, labels, outSize: [9, 31, 50], taps: [1, 2, 2] }),
  ...Object.fromEntries(
    ["contrast", "gamma", "inverted-gamma", "noise", "blur"].map((change) => [
      `changeIntensity ${change}`,
      () =>
        native.changeIntensitySync({
          ...grid,
          image,
          change,
          amounts: change === "blur" ? spacing : [0.7],
          seed: 5,
        }),
    ]),
  ),
  mixedPixels: () => native.mixedPixelsSync({ ...grid, soft: probs, classes, limit: 0.8 }),
  constraintSums: () =>
    native.constraintSumsSync({
      ...grid,
      ...ignoring,
      logits,
      margin: 2,
      multipliers: [1, 2, 3, 4],
      parameters: [0.5, 0.5, 2, 2],
    }),
  caseScores: () =>
    native.caseScoresSync({
      ...grid,
      probs,
      labels,
      classes,
      ignore: 3,
      histograms: ["foreground", "classes", "top-label"].map((of) => ({ of, bins: 10, closed: "right" })),
      floors: [0, 1e-3],
      confusion: true,
      surfaces: [{ regions: [[1], [1, 2]], convention: "monai" }],
      spacing,
    }).numbers,
  boundaryCalibration: () => {
    const rings = { boundary: "predicted", closed: "right", bins: 15, edges, rings: [-3, -1, 0, 1, 3] };
    const options = { ...grid, ...maps, ignore: 3, spacing, of: "top-label", ...rings };
    return Object.values(native.boundaryCalibrationSync(options));
  },
  targets: () => {
    const wanted = { oneHot: true, signedDistance: true, softLabels: true };
    const { oneHot, signedDistance, softLabels } = native.targetsSync({
      ...soft,
      ...wanted,
      aggregation: "weighted",
    });
    return [oneHot, signedDistance, softLabels];
  },
  ...each(["foreground", "classes", "top-label"], (of) => {
    const histogram = { of, closed: "right", bins: 15, edges, squares: true };
    return [
      native.calibrationBinsSync({ ...maps, histograms: [histogram] }).map(Object.values),
      native.calibrationBinsSync({ ...maps, weights, histograms: [histogram] }).map(Object.values),
      native.equalMassEdgesSync({ ...maps, of, closed: "left", bins: 9 }),
    ];
  }),
  smoothCalibrationError: () => {
    const count = Float64Array.from({ length: 100 }, (_, m) => 20 + ((7 * m) % 11));
    const confidence = count.map((pixels, m) => (pixels * (m + 0.5)) / 100);
    const accuracy = confidence.map((sum) => Math.floor(0.8 * sum));
    return native.smoothCalibrationErrorSync({ count, confidence, accuracy, total: 2500 });
  },
  scores: () => native.probabilityScoresSync({ ...maps, floor: 1e-6 }),
  argMax: () => native.argMaxSync({ values: logits, classes, pixels }),
  confusion: () => native.confusionCountsSync({ predicted: other, labels, classes, pixels }),
  ...each(["reference", "monai", "deepmind"], (convention) => [
    native.surfaceDistancesSync({ ...surface, a: mask, b: other, convention }),
    native.labelSurfaceDistancesSync({ ...measures, convention }),
  ]),
  adamw: () => {
    const [parameters, averages, squares] = [
      copies(),
      copies(),
      copies().map((array) => array.map(Math.abs)),
    ];
    native.adamwSync({ ...update, parameters, averages, squares, step: 7 });
    return [parameters, averages, squares];
  },
  sgd: () => {
    const [parameters, velocities] = [copies(), copies()];
    native.sgdSync({ ...update, parameters, velocities, momentum: 0.9, nesterov: true });
    return [parameters, velocities];
  },
  norm: () => native.gradientNormSync({ gradients: [logits, probs] }),
};

function each(names, kernel) {
  return Object.fromEntries(names.map((name) => [name, () => kernel(name)]));
}

function add(hash, value) {
  if (ArrayBuffer.isView(value)) hash.update(Buffer.from(value.buffer, value.byteOffset, value.byteLength));
  else if (value !== null && typeof value === "object")
    for (const part of Object.values(value)) add(hash, part);
  // Numbers by their bits: JSON has no NaN, and infinities are results.
  else if (typeof value === "number") hash.update(Float64Array.of(value));
  else hash.update(String(value));
}

const hashes = Object.entries(kernels).map(([name, kernel]) => {
  const hash = createHash("sha256");
  add(hash, kernel());
  return [name, hash.digest("hex")];
});
console.log(JSON.stringify(Object.fromEntries(hashes), null, 2));
