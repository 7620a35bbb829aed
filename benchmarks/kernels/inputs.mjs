// Inputs of the kernel benchmarks: the same bytes on every machine, written to files that both sides read.
import { writeFileSync } from "node:fs";
import { join } from "node:path";

const product = (dims) => dims.reduce((count, dim) => count * dim, 1);

/** Makes a generator (xorshift32); its uniform() is in [0, 1). */
function noise(seed) {
  let state = seed * 2654435761 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 4294967296;
  };
}

/**
 * Applies three box filters along each axis, nearly a Gaussian of standard deviation `sigma`. Values wrap
 * around.
 */
function smooth(field, dims, sigma) {
  const radius = Math.max(1, Math.round(Math.sqrt(sigma * sigma + 0.25) - 0.5));
  let inner = 1;
  for (let axis = dims.length - 1; axis >= 0; axis--) {
    const n = dims[axis];
    const reach = Math.min(radius, (n - 1) >> 1);
    const line = new Float64Array(n);
    for (let start = 0; start < field.length; start += n * inner) {
      for (let offset = 0; offset < inner; offset++) {
        const at = start + offset;
        for (let round = 0; round < 3; round++) {
          for (let i = 0; i < n; i++) line[i] = field[at + i * inner];
          let sum = 0;
          for (let i = -reach; i <= reach; i++) sum += line[(i + n) % n];
          for (let i = 0; i < n; i++) {
            field[at + i * inner] = sum / (2 * reach + 1);
            sum += line[(i + reach + 1) % n] - line[(i - reach + n) % n];
          }
        }
      }
    }
    inner *= n;
  }
  return field;
}

function smoothNoise(dims, sigma, seed) {
  const uniform = noise(seed);
  return smooth(
    Float32Array.from({ length: product(dims) }, () => uniform() - 0.5),
    dims,
    sigma,
  );
}

const sigmaOf = (dims) => (dims.length === 3 ? 4 : dims[0] >= 4096 ? 16 : dims[0] >= 1024 ? 12 : 8);

/** Masks: 1 inside. */
const masks = {
  /** Smoothed noise above zero: about half of the image. */
  blob: (dims, seed) => Uint8Array.from(smoothNoise(dims, sigmaOf(dims), seed), (value) => value > 0),
  /** One centred ellipsoid of radius 0.3. */
  ball: (dims) =>
    fill(dims, (...at) => at.reduce((sum, x, axis) => sum + ((x + 0.5) / dims[axis] - 0.5) ** 2, 0) < 0.09),
  /** 0.1 % random zeros: the classical hard case. */
  sites: (dims, seed) => {
    const uniform = noise(seed);
    return Uint8Array.from({ length: product(dims) }, () => uniform() >= 0.001);
  },
  /** Neighbouring columns whose only zeros lie at opposite ends of the axis before the last. */
  opposite: (dims) => fill(dims, (...at) => at.at(-2) !== (at.at(-1) % 2 === 0 ? 0 : dims.at(-2) - 1)),
};

function fill(dims, inside) {
  const data = new Uint8Array(product(dims));
  const at = dims.map(() => 0);
  for (let i = 0; i < data.length; i++) {
    data[i] = inside(...at) ? 1 : 0;
    for (let axis = dims.length - 1; axis >= 0 && ++at[axis] === dims[axis]; axis--) at[axis] = 0;
  }
  return data;
}

/** Labels [N, ...]: the largest of `classes` smooth fields. */
function labels(dims, classes, seed) {
  const [batch, ...size] = dims;
  const pixels = product(size);
  const out = new BigInt64Array(batch * pixels);
  for (let n = 0; n < batch; n++) {
    const best = new Float32Array(pixels).fill(Number.NEGATIVE_INFINITY);
    for (let c = 0; c < classes; c++) {
      const field = smoothNoise(size, sigmaOf(size), seed + 31 * n + c);
      for (let i = 0; i < pixels; i++) {
        if (field[i] <= best[i]) continue;
        best[i] = field[i];
        out[n * pixels + i] = BigInt(c);
      }
    }
  }
  return out;
}

/**
 * Returns the softmax of `sharpness` x (correlated or random) logits, [C, ...size], with labels from the
 * first.
 */
function probabilities(classes, size, { correlated, sharpness }, seed) {
  const pixels = product(size);
  const truth = labels([1, ...size], classes, seed);
  const uniform = noise(seed + 7);
  const probs = new Float32Array(classes * pixels);
  const logits = new Float64Array(classes);
  for (let i = 0; i < pixels; i++) {
    let most = Number.NEGATIVE_INFINITY;
    for (let c = 0; c < classes; c++) {
      const gauss = (uniform() + uniform() + uniform() - 1.5) * 2;
      logits[c] = sharpness * (gauss + (correlated && Number(truth[i]) === c ? 2.5 : 0));
      most = Math.max(most, logits[c]);
    }
    let sum = 0;
    for (let c = 0; c < classes; c++) sum += logits[c] = Math.exp(logits[c] - most);
    for (let c = 0; c < classes; c++) probs[c * pixels + i] = logits[c] / sum;
  }
  return { probs, labels: truth };
}

/** Makes a ball with an uneven border: two of them are two segmentations of one object. */
function rough(dims, seed, larger) {
  const field = smoothNoise(dims, 3, seed);
  const most = field.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return fill(dims, (...at) => {
    const index = at.reduce((i, x, axis) => i * dims[axis] + x, 0);
    const square = at.reduce((sum, x, axis) => sum + ((x + 0.5) / dims[axis] - 0.5) ** 2, 0);
    return square < 0.07 + larger + (0.03 * field[index]) / most;
  });
}

/** Makes the arrays of a row's input, by name. */
function generate({ kind, dims, classes, seed = 1 }) {
  switch (kind) {
    case "labels":
      return { labels: labels(dims, classes, seed) };
    case "prob":
      return probabilities(classes, dims, { correlated: true, sharpness: 3 }, seed);
    case "probr":
      return probabilities(classes, dims, { correlated: false, sharpness: 2 }, seed);
    case "pair":
      return { a: rough(dims, seed, 0), b: rough(dims, seed + 1, 0.004) };
    case "parameters": {
      const uniform = noise(seed);
      const array = () => Float32Array.from({ length: product(dims) }, () => uniform() - 0.5);
      return { values: array(), gradient: array() };
    }
    default:
      return { mask: masks[kind](dims, seed) };
  }
}

/** Writes a row's input into `folder` once; name -> { file, type }. */
export function writeInput(folder, input, known) {
  const key = JSON.stringify(input);
  let files = known.get(key);
  if (!files) {
    files = {};
    for (const [name, data] of Object.entries(generate(input))) {
      const file = join(folder, `${known.size}-${name}.bin`);
      writeFileSync(file, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
      files[name] = { file, type: data.constructor.name };
    }
    known.set(key, files);
  }
  return files;
}
