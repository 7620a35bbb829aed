// The Node-API functions, called in ways that the packages never do.
import { native } from "../dist.mjs";
import { abused, disturb, strangeValue } from "./values.mjs";

native.setThreadCount(2);

const floats = (length) => Float32Array.from({ length }, (_, i) => ((i * 37) % 100) / 100);
const bytes = (length, count) => Uint8Array.from({ length }, (_, i) => (i * 7) % count);

// Mostly small grids; a large one runs long enough for its arrays to change meanwhile.
const small = [[6, 8], [3, 4, 5], [24], [1, 1], [2, 65]];
const large = [
  [64, 64],
  [160, 160],
  [16, 32, 32],
];

/** Valid options for a grid of one of a few sizes: a function for every kernel. */
const valid = (random) => {
  const size = random.pick(random.oneIn(8) ? large : small);
  const pixels = size.reduce((a, b) => a * b);
  const batch = random.pick([1, 2]);
  const classes = random.pick([2, 3, 5]);
  const count = batch * pixels;
  const grid = { batch, size };
  const labels = () => ({ labels: bytes(count, classes) });
  const mask = () => ({ mask: bytes(count, 2) });
  const words = () => ({ words: new BigUint64Array((count / size.at(-1)) * Math.ceil(size.at(-1) / 64)) });
  const probs = () => ({ probs: floats(count * classes) });
  const maps = () => ({ ...probs(), ...labels(), batch, classes, pixels });
  const bins = { of: "classes", closed: "right", bins: 5 };
  const histogram = { ...bins, edges: Float64Array.of(0, 0.2, 0.4, 0.6, 0.8, 1) };
  const both = () => [floats(pixels), floats(7)];
  const zeros = () => [new Float32Array(pixels), new Float32Array(7)];
  const update = () => ({
    ...{ parameters: both(), gradients: both() },
    ...{ learningRate: 0.1, weightDecay: [0.1, 0] },
  });
  const op = { op: "gradient", structure: "box", radius: 1, iterations: 1, border: "neutral" };
  const taps = size.length > 1 ? [1, 2, 1, 2, 4, 2, 1, 2, 1] : [1, 2, 1];
  const window = {
    taps,
    windowBorder: "replicate",
    normalization: "window",
    dimensions: Math.min(2, size.length),
  };
  const soft = () => ({ ...grid, ...labels(), classes, aggregation: "weighted", ...window, divisor: 16 });
  const spacing = size.map(() => 1.5);
  const rank = size.length;
  const warp = {
    outSize: size,
    matrix: Array.from({ length: rank * rank }, (_, i) => (i % (rank + 1) === 0 ? 0.9 : 0.1)),
    offset: size.map(() => 0.25),
    control: Float64Array.from({ length: rank * 4 ** rank }, (_, i) => (i % 5) / 4),
    controlSize: size.map(() => 4),
  };
  return {
    distanceTransform: () => ({ ...grid, ...mask(), spacing, noZero: "reference", out: floats(count) }),
    signedDistance: () => ({
      ...grid,
      ...labels(),
      classes,
      normalize: "truncate",
      truncate: 2,
      absent: "far",
    }),
    borderLevels: () => ({
      ...grid,
      ...labels(),
      classes,
      ...{ form: "scaled-border", normalize: "none", absent: "far", ignore: 1, spacing },
    }),
    borderDistances: () => ({ ...grid, ...labels(), classes, ignore: 1 }),
    warpImage: () => ({ ...grid, image: floats(count), interpolation: "linear", ...warp }),
    warpLabels: () => ({ ...grid, ...labels(), ...warp }),
    resampleImage: () => ({ ...grid, image: floats(count), outSize: size, taps: size.map(() => 4) }),
    resampleLabels: () => ({ ...grid, ...labels(), outSize: size, taps: size.map(() => 2) }),
    changeIntensity: () => ({
      ...{ ...grid, image: floats(count), change: random.pick(["gamma", "noise", "contrast"]) },
      ...{ amounts: Array(batch).fill(0.5), seed: 3 },
    }),
    ringTargets: () => ({ ...grid, ...labels(), classes, inner: 0.9, outer: 0.1, ignore: 1 }),
    mixedPixels: () => ({ ...grid, soft: floats(count * classes), classes, limit: 0.75 }),
    weightedSums: () => ({
      ...{ values: new Float64Array(12).fill(1), weights: new Float64Array(6).fill(2) },
      ...{ draws: 2, groups: 3, width: 4 },
    }),
    constraintSums: () => ({
      ...grid,
      ...labels(),
      ...{ logits: floats(count * classes), classes, ignore: 1, margin: 2 },
      ...{ targets: floats(count * classes), near: floats(count) },
      ...{ multipliers: Array(2 * classes).fill(1), parameters: Array(2 * classes).fill(2) },
    }),
    surfaceDistances: () => ({
      ...grid,
      a: bytes(count, 2),
      b: bytes(count, 3).map((v) => v & 1),
      tolerance: 1,
    }),
    labelSurfaceDistances: () => ({
      ...grid,
      predicted: bytes(count, classes),
      ...labels(),
      classes,
      regions: [[1]],
    }),
    adamw: () => ({ ...update(), averages: zeros(), squares: zeros(), step: 1, beta1: 0.9, beta2: 0.99 }),
    sgd: () => ({ ...update(), momentum: 0.9, nesterov: true, velocities: zeros() }),
    gradientNorm: () => ({ gradients: both() }),
    morphology: () => ({ ...grid, ...mask(), ...op, out: new Uint8Array(count) }),
    packedMorphology: () => ({ ...grid, ...words(), ...op }),
    packMask: () => ({ ...grid, ...mask() }),
    unpackMask: () => ({ ...grid, ...words() }),
    softLabels: () => ({ ...soft(), ...(random.oneIn(2) && { ...op, band: true }), ignore: 1 }),
    targets: () => ({
      ...soft(),
      ...op,
      oneHot: true,
      signedDistance: true,
      softLabels: true,
      normalize: "none",
    }),
    calibrationBins: () => ({ ...maps(), histograms: [histogram], ignore: 1 }),
    equalMassEdges: () => ({ ...maps(), ...bins, threshold: 0.1 }),
    probabilityScores: () => ({ ...maps(), ...mask(), weights: floats(count) }),
    argMax: () => ({ values: floats(count * classes), batch, classes, pixels, out: new Uint8Array(count) }),
    confusionCounts: () => ({
      predicted: bytes(count, classes),
      ...labels(),
      batch,
      classes,
      pixels,
      ...mask(),
    }),
    upload: () => ({ array: floats(count), device: "cuda" }),
    download: () => ({ array: floats(count), device: "cuda" }),
  };
};

const names = Object.keys(native).filter((name) => typeof native[name] === "function");

/** Returns valid options of a function; for a function that is not known here, those of another. */
function optionsFor(name, random) {
  const all = valid(random);
  return (all[name.replace(/Sync$/, "")] ?? random.pick(Object.values(all)))();
}

/** Fails if the kernel's results for good options have changed, whatever was called before. */
function canary() {
  const found = native.distanceTransformSync({ mask: Uint8Array.of(1, 1, 0, 1), size: [4] });
  if (found.join() !== "2,1,0,1") throw new Error(`a kernel is wrong after this call: ${found.join()}`);
}

/** The functions that are no kernels. */
const plain =
  /^(devices|environment|threadCount|setThreadCount|queueState|setConcurrency|cancelCall|resultMemory|release)$/;

/** Makes a call: { name, args, id, disturbed }, `id` being that of its control object. */
function make(random) {
  const name = random.pick(names);
  const any = () => strangeValue(random);
  if (plain.test(name)) return { name, args: [any(), any()] };
  if (random.oneIn(30)) return { name, args: Array.from({ length: random.integer(3) }, any) };
  const options = optionsFor(name, random);
  const args = [random.oneIn(8) ? options : abused(options, random)];
  // The control object of a call that may be cancelled before it settles.
  const id = random.oneIn(8) ? random.integer(8) : undefined;
  if (id !== undefined) args.push({ id });
  else if (random.oneIn(8)) args.push(any());
  return { name, args, id, disturbed: random.oneIn(3) ? random : undefined };
}

export const nativeTarget = {
  name: "native",
  kind: "native",
  // The arguments ask for results: 1000 classes of 51,200 pixels are 205 MB three times.
  bytes: 2 ** 30,
  share: 0.6,
  rate: 2000,
  make,
  async run({ name, args, id, disturbed }) {
    try {
      const result = native[name](...args);
      if (disturbed) disturb(args, disturbed);
      if (id !== undefined) native.cancelCall(id);
      await result;
    } finally {
      if (name === "setThreadCount") native.setThreadCount(2);
      if (name === "setConcurrency") native.setConcurrency(2);
      canary();
    }
  },
};
