// The Node-API functions, called as nothing in the packages would.
import { native } from "../dist.mjs";
import { abused, disturb, strangeValue } from "./values.mjs";

native.setThreadCount(2);

const floats = (length) => Float32Array.from({ length }, (_, i) => ((i * 37) % 100) / 100);
const bytes = (length, count) => Uint8Array.from({ length }, (_, i) => (i * 7) % count);

/** Options that are right, for grids of one of a few sizes. */
const valid = (random) => {
  const size = random.pick([[6, 8], [3, 4, 5], [24], [1, 1], [64, 64], [160, 160], [16, 32, 32]]);
  const pixels = size.reduce((a, b) => a * b);
  const batch = random.pick([1, 2]);
  const classes = random.pick([2, 3, 5]);
  const labels = bytes(batch * pixels, classes);
  const mask = bytes(batch * pixels, 2);
  const grid = { batch, size };
  const words = new BigUint64Array((batch * pixels * Math.ceil(size.at(-1) / 64)) / size.at(-1));
  const probs = floats(batch * classes * pixels);
  const maps = { probs, labels, batch, classes, pixels };
  const bins = { of: "classes", closed: "right", bins: 5 };
  const parameters = [floats(pixels), floats(7)];
  const update = {
    parameters,
    gradients: [floats(pixels), floats(7)],
    learningRate: 0.1,
    weightDecay: [0.1, 0],
  };
  const zeros = () => parameters.map(({ length }) => new Float32Array(length));
  const op = { op: "gradient", structure: "box", radius: 1, iterations: 1, border: "neutral" };
  const window = {
    taps: [1, 2, 1, 2, 4, 2, 1, 2, 1],
    windowBorder: "replicate",
    normalization: "window",
    dimensions: 2,
  };
  const soft = { ...grid, labels, classes, aggregation: "weighted", ...window, divisor: 16 };
  return {
    distanceTransform: {
      ...grid,
      mask,
      spacing: size.map(() => 1.5),
      squared: false,
      noZero: "reference",
      out: floats(mask.length),
    },
    signedDistance: { ...grid, labels, classes, normalize: "truncate", truncate: 2, absent: "far" },
    surfaceDistances: {
      ...grid,
      a: mask,
      b: bytes(mask.length, 3).map((v) => v & 1),
      convention: "monai",
      tolerance: 1,
    },
    labelSurfaceDistances: { ...grid, predicted: labels, labels, classes, regions: [[1]], tolerance: [1] },
    adamw: {
      ...update,
      averages: zeros(),
      squares: zeros(),
      step: 1,
      beta1: 0.9,
      beta2: 0.99,
      epsilon: 1e-8,
    },
    sgd: { ...update, momentum: 0.9, nesterov: true, velocities: zeros() },
    gradientNorm: { gradients: update.gradients },
    morphology: { ...grid, mask, ...op, out: new Uint8Array(mask.length) },
    packedMorphology: { ...grid, words, ...op },
    packMask: { ...grid, mask },
    unpackMask: { ...grid, words },
    softLabels:
      size.length > 1 ? { ...soft, ignore: 1, band: true } : { ...soft, dimensions: 1, taps: [1, 2, 1] },
    targets: {
      ...soft,
      ...op,
      oneHot: true,
      signedDistance: true,
      softLabels: size.length > 1,
      normalize: "none",
    },
    calibrationBins: {
      ...maps,
      histograms: [{ ...bins, edges: Float64Array.of(0, 0.2, 0.4, 0.6, 0.8, 1) }],
      ignore: 1,
    },
    equalMassEdges: { ...maps, ...bins, threshold: 0.1 },
    probabilityScores: { ...maps, mask, weights: floats(mask.length) },
    argMax: { values: probs, batch, classes, pixels, out: new Uint8Array(batch * pixels) },
    confusionCounts: { predicted: labels, labels, batch, classes, pixels, mask },
    upload: { array: probs, device: "cuda" },
    download: { array: probs, device: "cuda" },
  };
};

const names = Object.keys(native).filter((name) => typeof native[name] === "function");

/** A function's options, right ones; of a function that is not known here, those of another. */
function optionsFor(name, random) {
  const all = valid(random);
  return all[name.replace(/Sync$/, "")] ?? random.pick(Object.values(all));
}

/** The results of the kernel for good options do not change, whatever was called before. */
function canary() {
  const found = native.distanceTransformSync({ mask: Uint8Array.of(1, 1, 0, 1), size: [4] });
  if (found.join() !== "2,1,0,1") throw new Error(`a kernel is wrong after this call: ${found.join()}`);
}

/** A call: { name, args, disturbed }. */
function make(random) {
  const name = random.pick(names);
  const any = () => strangeValue(random);
  if (/^(devices|threadCount|resultMemory|release|setThreadCount)$/.test(name))
    return { name, args: [any(), any()] };
  if (random.oneIn(30)) return { name, args: Array.from({ length: random.integer(3) }, any) };
  const options = optionsFor(name, random);
  const args = [random.oneIn(8) ? options : abused(options, random)];
  return { name, args, disturbed: random.oneIn(3) ? random : undefined };
}

export const nativeTarget = {
  name: "native",
  kind: "native",
  share: 0.6,
  rate: 2000,
  make,
  async run({ name, args, disturbed }) {
    try {
      const result = native[name](...args);
      if (disturbed) disturb(args[0], disturbed);
      await result;
    } finally {
      if (name === "setThreadCount") native.setThreadCount(2);
      canary();
    }
  },
};
